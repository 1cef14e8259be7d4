package duality.kernel.core;

import java.lang.invoke.MethodHandles;
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

  /** A slot and a gate as a call sees them: the slot's depth and mark, and the gate's target. */
  abstract static class Meeting {
    private static final VarHandle MARKS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle DEPTH;

    static {
      try {
        DEPTH = MethodHandles.lookup().findVarHandle(Meeting.class, "depth", int.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    final long[] slot = {0, 3}; // at 1 what an earlier call left there
    int depth;
    volatile @Nullable Object target = this;

    void enter(ZZ_Result result) {
      MARKS.setOpaque(slot, 1, 7L);
      if (CallGuard.ASYMMETRIC) {
        DEPTH.setRelease(this, 1);
      } else {
        DEPTH.setVolatile(this, 1);
      }
      result.r1 = target != null;
    }

    void look(ZZ_Result result) {
      result.r2 = (int) DEPTH.getVolatile(this) == 1 && (long) MARKS.getOpaque(slot, 1) == 7;
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
