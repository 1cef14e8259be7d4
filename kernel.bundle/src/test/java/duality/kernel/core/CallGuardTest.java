package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
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

  /**
   * Another thread reads the depth and then a mark, while both change above the call it looks for.
   */
  @Test
  void whoStaysInsideIsSeenWhateverElseItCalls() throws InterruptedException {
    Gate lower = Gate.of(core, "lower", 30, 5_000);
    gate.bind(new Object(), gate.epoch());
    lower.bind(new Object(), lower.epoch());
    Thread caller =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  CallSlot slot = CallSlot.current();
                  gate.enter(slot, 0);
                  callers = slot;
                  while (!ended) {
                    lower.enter(slot, 0);
                    slot.pop();
                  }
                  slot.pop();
                });
    CallSlot slot;
    while ((slot = callers) == null) {
      Thread.onSpinWait();
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
    long meanwhile = lower.calls();
    while (System.nanoTime() - end < 0) {
      assertTrue(slot.insideAnyOf(gates));
      long above = slot.at(2);
      assertTrue(above == 0 || above == lower.mark, "a mark of nobody: " + above);
    }
    ended = true;
    caller.join(10_000);
    assertTrue(lower.calls() > meanwhile, "it called meanwhile");
    assertEquals(0, slot.at(1), "what it left in its slot counts for nothing");
    assertFalse(slot.noted(gate.mark));
    assertFalse(slot.noted(lower.mark));
  }

  /** A slot has room for the numbers of some gates, and more is made for a gate beyond those. */
  @Test
  void whoStaysInsideIsSeenWhileItsSlotGetsLonger() throws InterruptedException {
    gate.bind(new Object(), gate.epoch());
    List<Gate> lower = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      lower.add(Gate.of(core, "lower" + i, 30, 5_000));
      lower.getLast().bind(new Object(), lower.getLast().epoch());
    }
    for (int i = 0; i < 500; i++) {
      callers = null;
      ended = false;
      Thread caller =
          Thread.ofPlatform()
              .daemon()
              .start(
                  () -> {
                    CallSlot slot = CallSlot.current();
                    gate.enter(slot, 0);
                    callers = slot;
                    for (int each = 100; each < lower.size(); each += 200) {
                      lower.get(each).enter(slot, 0);
                      if (slot.at(2) != lower.get(each).mark) {
                        violations.incrementAndGet();
                      }
                      slot.pop();
                    }
                    ended = true;
                  });
      CallSlot slot;
      while ((slot = callers) == null) {
        Thread.onSpinWait();
      }
      do {
        assertTrue(slot.insideAnyOf(gates));
      } while (!ended);
      caller.join(10_000);
      assertEquals(1, slot.counted(lower.get(900).number));
      slot.retire();
    }
    assertEquals(0, violations.get(), "calls noted where nobody looks");
    assertEquals(500, gate.calls());
    assertEquals(500, lower.get(900).calls());
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
