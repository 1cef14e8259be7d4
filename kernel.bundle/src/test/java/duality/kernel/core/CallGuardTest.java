package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.invoke.VarHandle;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Attacks the argument of {@link CallSlot}: a caller runs into an endpoint that is closed, drained
 * and "dead" again and again. The drainer looks at that caller's slot only, because a look at all
 * of them takes so long that the store is out of its buffer by then. The store buffer is kept full
 * of stores that miss the cache, so that the store of its slot stays there for long: without that,
 * even a wrong guard passes.
 */
class CallGuardTest {
  private static final int COLD_STORES = 6;

  /** Looks around inside: longer than a drainer takes that does not wait. */
  private static final int STAY = 400;

  /** With two processors of its own, the wrong guard is seen after some thousand rounds. */
  private static final int ENOUGH_ROUNDS = 200_000;

  private final Core core = Core.start(1, 1 << 20);
  private final Gate gate = Gate.of(core, "guarded", 40, 5_000);
  private final Set<Gate> gates = Set.of(gate);
  private volatile boolean ended;
  private volatile @Nullable CallSlot callers;
  private volatile boolean dead;
  private final AtomicLong violations = new AtomicLong();
  private final AtomicLong rounds = new AtomicLong();

  @AfterEach
  void stop() {
    core.close();
  }

  private void call() {
    // 64 MiB: more than the caches hold.
    long[] cold = new long[8 << 20];
    SplittableRandom random = new SplittableRandom(1);
    CallSlot slot = CallSlot.current();
    callers = slot;
    while (!ended) {
      for (int i = 0; i < COLD_STORES; i++) {
        cold[random.nextInt() & cold.length - 1] = i;
      }
      gate.enter(slot, 0);
      for (int i = 0; i < STAY; i++) {
        if (dead) {
          violations.incrementAndGet();
          break;
        }
      }
      slot.pop();
    }
  }

  /** Closes and drains until the time is up or a call was missed. */
  private void attack(Runnable barrier, long nanos) throws InterruptedException {
    gate.bind(new Object(), gate.epoch());
    Thread caller = Thread.ofPlatform().daemon().start(this::call);
    CallSlot slot;
    while ((slot = callers) == null) {
      Thread.onSpinWait();
    }
    long end = System.nanoTime() + nanos;
    while (violations.get() == 0 && System.nanoTime() - end < 0) {
      gate.hold(gates);
      barrier.run();
      while (slot.at(1) == gate.mark) {
        Thread.onSpinWait();
      }
      dead = true;
      // Long enough for a call that was missed to be seen.
      for (int i = 0; i < 20; i++) {
        Thread.onSpinWait();
      }
      dead = false;
      gate.release();
      rounds.incrementAndGet();
      // The caller is to be on its quick way again, not waking up at the gate.
      long calls = gate.calls();
      while (gate.calls() < calls + 3 && System.nanoTime() - end < 0) {
        Thread.onSpinWait();
      }
    }
    ended = true;
    caller.join(10_000);
  }

  @Test
  void noCallIsMissedByADrainer() throws InterruptedException {
    attack(CallGuard::everywhere, TimeUnit.SECONDS.toNanos(3));
    assertEquals(0, violations.get(), "calls in a dead endpoint after " + rounds + " rounds");
  }

  /** The positive control: a test that cannot tell this from the right guard proves nothing. */
  @Test
  void aFenceOfTheDrainerAloneIsNotEnough() throws InterruptedException {
    assumeTrue(CallGuard.ASYMMETRIC, "callers execute a fence of their own here");
    assumeTrue(Runtime.getRuntime().availableProcessors() > 1, "one processor cannot show it");
    attack(VarHandle::fullFence, TimeUnit.SECONDS.toNanos(20));
    assumeTrue(
        violations.get() > 0 || rounds.get() > ENOUGH_ROUNDS,
        "the host is too busy to let two threads run at once");
    assertTrue(violations.get() > 0, "not seen in " + rounds + " rounds");
  }
}
