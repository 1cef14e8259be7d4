package duality.kernel.core;

import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * The argument of {@link CallSlot} under jcstress: a caller enters while a drainer closes. r1: the
 * caller found the gate open; r2: the drainer found the caller inside. Open and not inside is the
 * call that a drainer misses.
 *
 * <p>In the package of what it attacks, because that is nobody's interface.
 */
public final class CallSlotStress {
  private CallSlotStress() {}

  /** A slot and a gate as a call sees them: the slot's word and the gate's target. */
  abstract static class Meeting {
    private static final VarHandle WORDS =
        java.lang.invoke.MethodHandles.arrayElementVarHandle(long[].class);

    final long[] slot = new long[2];
    volatile @Nullable Object target = this;

    void enter(ZZ_Result result) {
      if (CallGuard.ASYMMETRIC) {
        WORDS.setOpaque(slot, 1, 7L);
      } else {
        WORDS.setVolatile(slot, 1, 7L);
      }
      result.r1 = target != null;
    }

    void look(ZZ_Result result) {
      result.r2 = (long) WORDS.getVolatile(slot, 1) != 0;
    }
  }

  /** As the kernel does it. */
  @JCStressTest
  @Outcome(id = "true, false", expect = Expect.FORBIDDEN, desc = "A call is missed.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "Seen inside, or stepped back.")
  @State
  public static class Guarded extends Meeting {
    /** Calls. */
    @Actor
    public void caller(ZZ_Result result) {
      enter(result);
    }

    /** Closes and looks. */
    @Actor
    public void drainer(ZZ_Result result) {
      target = null;
      CallGuard.everywhere();
      look(result);
    }
  }

  /** The positive control: a fence of the drainer alone. Must show what the other forbids. */
  @JCStressTest
  @Outcome(id = "true, false", expect = Expect.ACCEPTABLE_INTERESTING, desc = "A call is missed.")
  @Outcome(expect = Expect.ACCEPTABLE, desc = "Seen inside, or stepped back.")
  @State
  public static class FenceOfTheDrainerAlone extends Meeting {
    /** Calls. */
    @Actor
    public void caller(ZZ_Result result) {
      enter(result);
    }

    /** Closes and looks. */
    @Actor
    public void drainer(ZZ_Result result) {
      target = null;
      VarHandle.fullFence();
      look(result);
    }
  }
}
