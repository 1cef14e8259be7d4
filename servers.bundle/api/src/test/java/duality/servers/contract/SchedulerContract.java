package duality.servers.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Instance;
import duality.kernel.Scheduler;
import duality.kernel.Server;
import duality.kernel.State;
import duality.servers.policy.ThreadOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every scheduler must do, whatever its policy is. */
@Timeout(300)
public abstract class SchedulerContract {
  /** The server under test. */
  protected abstract Server server();

  /** An instance with these settings and that state. */
  protected final Scheduler open(Map<String, String> config, @Nullable State saved) {
    return (Scheduler) server().open(new FakeContext("scheduler", config), saved);
  }

  /** An instance with the defaults and without a past. */
  protected final Scheduler open() {
    return open(Map.of(), null);
  }

  /** Saves one instance and opens another with that. */
  protected final Scheduler successor(Scheduler scheduler) {
    return open(Map.of(), ((Instance) scheduler).save());
  }

  /** The threads that processor 0 gets, each gone when it was picked, until there is nobody. */
  protected static List<Integer> drain(Scheduler scheduler) {
    List<Integer> order = new ArrayList<>();
    for (int thread = pick(scheduler, 0); thread != 0; thread = pick(scheduler, 0)) {
      order.add(thread);
      scheduler.ran(0, thread, 0, false);
      assertTrue(order.size() < 100_000, "picks do not end");
    }
    return order;
  }

  /** The thread that a processor gets, or 0. */
  protected static int pick(Scheduler scheduler, int processor) {
    long choice = scheduler.pick(processor);
    return choice == Scheduler.NOBODY ? 0 : Scheduler.thread(choice);
  }

  /**
   * Runs threads that always want to, on processors with a clock of their own, for that many
   * slices.
   *
   * @return nanoseconds that each thread got
   */
  protected static Map<Integer, Long> simulate(
      Scheduler scheduler, int processors, int slices, Random random) {
    long[] clock = new long[processors];
    int[] running = new int[processors];
    Map<Integer, Long> service = new HashMap<>();
    for (int i = 0; i < slices; i++) {
      int p = 0;
      for (int q = 1; q < processors; q++) {
        p = clock[q] < clock[p] ? q : p;
      }
      long used = running[p] == 0 ? 0 : 3_000_000 + random.nextLong(1_000_000);
      if (running[p] != 0) {
        service.merge(running[p], used, Long::sum);
        scheduler.ran(p, running[p], used, true);
      }
      clock[p] += Math.max(used, 1);
      running[p] = pick(scheduler, p);
    }
    for (int p = 0; p < processors; p++) {
      if (running[p] != 0) {
        scheduler.ran(p, running[p], 0, true);
      }
    }
    return service;
  }

  @Test
  void nobodyRunsBeforeAnybodyIsReady() {
    assertEquals(Scheduler.NOBODY, open().pick(0));
  }

  @Test
  void everyoneWhoIsReadyIsPickedOnceInTheOrderOfComing() {
    Scheduler scheduler = open();
    for (int thread = 1; thread <= 5; thread++) {
      scheduler.ready(thread, 100);
    }
    assertEquals(List.of(1, 2, 3, 4, 5), drain(scheduler));
  }

  @Test
  void readyTwiceQueuesOnce() {
    Scheduler scheduler = open();
    scheduler.ready(1, 100);
    scheduler.ready(2, 100);
    scheduler.ready(1, 200);
    assertEquals(List.of(1, 2), drain(scheduler));
  }

  @Test
  void aRunningThreadIsNotGivenToAnotherProcessor() {
    Scheduler scheduler = open();
    scheduler.ready(1, 100);
    assertEquals(1, pick(scheduler, 0));
    scheduler.ready(1, 300);
    assertEquals(0, pick(scheduler, 1), "thread 1 runs on processor 0");
    scheduler.ran(0, 1, 1000, true);
    assertEquals(1, pick(scheduler, 1));
  }

  @Test
  void aThreadWokenBeforeItsProcessorToldThatItSleepsIsNotForgotten() {
    Scheduler scheduler = open();
    scheduler.ready(1, 100);
    assertEquals(1, pick(scheduler, 0));
    scheduler.ready(1, 100);
    scheduler.ran(0, 1, 1000, false);
    assertEquals(List.of(1), drain(scheduler));
  }

  @Test
  void whoSleepsIsNotPickedUntilItWakes() {
    Scheduler scheduler = open();
    scheduler.ready(1, 100);
    assertEquals(1, pick(scheduler, 0));
    scheduler.ran(0, 1, 1000, false);
    assertEquals(0, pick(scheduler, 0));
    scheduler.ready(1, 100);
    assertEquals(1, pick(scheduler, 0));
  }

  @Test
  void whoIsGoneIsNotPicked() {
    Scheduler scheduler = open();
    scheduler.ready(1, 100);
    scheduler.ready(2, 100);
    scheduler.gone(1);
    scheduler.gone(7);
    assertEquals(List.of(2), drain(scheduler));

    scheduler.ready(3, 100);
    assertEquals(3, pick(scheduler, 0));
    scheduler.gone(3);
    scheduler.ran(0, 3, 1000, true);
    assertEquals(0, pick(scheduler, 0), "thread 3 went while it ran");
    scheduler.ready(3, 100);
    assertEquals(3, pick(scheduler, 0), "thread 3 was resumed");
  }

  @Test
  void aProcessorThatAsksAgainHasLostItsThread() {
    Scheduler scheduler = open();
    scheduler.ready(1, 100);
    assertEquals(1, pick(scheduler, 0));
    scheduler.ready(1, 100); // The kernel's word after a swap: it can run.
    assertEquals(1, pick(scheduler, 0), "processor 0 cannot still run it when it asks for another");
  }

  @Test
  void aThreadPickedByOthersIsQueuedWhenItComesBack() {
    Scheduler scheduler = open();
    scheduler.ran(2, 9, 1000, true);
    scheduler.ran(2, 9, 1000, true);
    scheduler.ran(1, 8, 1000, false);
    assertEquals(List.of(9), drain(scheduler));
  }

  @Test
  void theSliceIsTheConfiguredOne() {
    Scheduler scheduler = open(Map.of("slice", "2500"), null);
    scheduler.ready(1, 100);
    assertEquals(2_500_000, Scheduler.sliceNanos(scheduler.pick(0)));
    for (String wrong : List.of("", "x", "99", "1000001", "-4000")) {
      assertThrows(
          CallFailed.BadRequest.class, () -> open(Map.of("slice", wrong), null), "slice=" + wrong);
    }
  }

  @Test
  void threadsOfEqualWeightGetEqualTime() {
    Scheduler scheduler = open();
    for (int thread = 1; thread <= 4; thread++) {
      scheduler.ready(thread, 100);
    }
    Map<Integer, Long> service = simulate(scheduler, 2, 20_000, new Random(4));
    long all = service.values().stream().mapToLong(Long::longValue).sum();
    service.forEach(
        (thread, nanos) ->
            assertEquals(0.25, (double) nanos / all, 0.005, "share of thread " + thread));
    assertEquals(4, service.size());
  }

  @Test
  void aSuccessorKeepsTheOrder() {
    Scheduler scheduler = open();
    for (int thread : new int[] {4, 2, 9, 7}) {
      scheduler.ready(thread, 100);
    }
    assertEquals(4, pick(scheduler, 0));
    Scheduler successor = successor(scheduler);
    for (int thread : new int[] {7, 9, 2}) {
      successor.ready(thread, 100); // The kernel tells everyone who can run.
    }
    assertEquals(0, running(successor, 1, List.of(2, 9, 7)), "order after the swap");
    successor.ran(0, 4, 1000, true);
    assertEquals(4, pick(successor, 0), "who ran over the swap");
  }

  @Test
  void savingChangesNothing() {
    Scheduler scheduler = open();
    scheduler.ready(1, 100);
    scheduler.ready(2, 300);
    State first = ((Instance) scheduler).save();
    State second = ((Instance) successor(scheduler)).save();
    assertEquals(
        ThreadOrder.from(first), ThreadOrder.from(second), "save, restore, save is the same");
    assertEquals(List.of(1, 2), drain(scheduler), "the old one can serve on");
  }

  @Test
  void malformedStateIsRefused() {
    State good = ((Instance) open()).save();
    open(Map.of(), good);
    Map<String, State> wrong = new HashMap<>();
    wrong.put("another schema", State.of("pager", 1));
    wrong.put("a version of the future", State.of("scheduler", 99));
    wrong.put("nothing in it", State.of("scheduler", 1));
    wrong.put("unequal lengths", order(new long[] {1, 2}, new long[] {100}, new long[] {-1}));
    wrong.put("thread 0", order(new long[] {0}, new long[] {100}, new long[] {-1}));
    wrong.put("thread -5", order(new long[] {-5}, new long[] {100}, new long[] {-1}));
    wrong.put("thread 2^24", order(new long[] {1 << 24}, new long[] {100}, new long[] {-1}));
    wrong.put("weight 0", order(new long[] {1}, new long[] {0}, new long[] {-1}));
    wrong.put("weight 10001", order(new long[] {1}, new long[] {10_001}, new long[] {-1}));
    wrong.put("place -3", order(new long[] {1}, new long[] {100}, new long[] {-3}));
    wrong.put("thread twice", order(new long[] {1, 1}, new long[] {9, 9}, new long[] {-1, -1}));
    wrong.put("processor twice", order(new long[] {1, 2}, new long[] {9, 9}, new long[] {3, 3}));
    wrong.put("a text", State.of("scheduler", 1).with("threads", "all"));
    wrong.forEach(
        (what, state) ->
            assertThrows(State.Refused.class, () -> open(Map.of(), state), "state with " + what));
  }

  @Test
  void manyProcessorsAndWakersLoseNobodyAndShareNobody() throws InterruptedException {
    Scheduler scheduler = open();
    int threads = 40;
    AtomicIntegerArray running = new AtomicIntegerArray(threads + 1);
    AtomicIntegerArray asleep = new AtomicIntegerArray(threads + 1);
    AtomicReference<String> wrong = new AtomicReference<>();
    AtomicBoolean stop = new AtomicBoolean();
    for (int thread = 1; thread <= threads; thread++) {
      scheduler.ready(thread, 100);
    }
    List<Thread> hosts = new ArrayList<>();
    for (int p = 0; p < 3; p++) {
      int processor = p;
      hosts.add(
          new Thread(
              () -> {
                Random random = new Random(processor);
                for (int i = 0; i < 50_000; i++) {
                  int thread = pick(scheduler, processor);
                  if (thread == 0) {
                    continue;
                  }
                  if (!running.compareAndSet(thread, 0, 1)) {
                    wrong.set("thread " + thread + " was picked while it ran");
                  }
                  if (asleep.get(thread) == 1) {
                    wrong.set("thread " + thread + " was picked while it slept");
                  }
                  boolean sleeps = random.nextInt(3) == 0;
                  running.set(thread, 0);
                  if (sleeps) {
                    // As the kernel does it: from here on a waker may come, before ran() is told.
                    asleep.set(thread, 1);
                  }
                  scheduler.ran(processor, thread, 1 + random.nextInt(4_000_000), !sleeps);
                }
              }));
    }
    hosts.add(
        new Thread(
            () -> {
              Random random = new Random(99);
              while (!stop.get()) {
                int thread = 1 + random.nextInt(threads);
                if (asleep.compareAndSet(thread, 1, 0)) {
                  scheduler.ready(thread, 100);
                }
                Thread.onSpinWait();
              }
            }));
    hosts.forEach(Thread::start);
    for (Thread host : hosts.subList(0, 3)) {
      host.join();
    }
    stop.set(true);
    hosts.get(3).join();
    assertEquals(null, wrong.get());
    Set<Integer> left = new HashSet<>(drain(scheduler));
    for (int thread = 1; thread <= threads; thread++) {
      assertEquals(asleep.get(thread) == 0, left.contains(thread), "thread " + thread);
    }
  }

  private static State order(long[] threads, long[] weights, long[] places) {
    return State.of("scheduler", 1)
        .with("threads", threads)
        .with("weights", weights)
        .with("places", places)
        .with("leads", new long[threads.length]);
  }

  /** Picks on a processor, with every thread going to sleep, and compares; 0 when all is well. */
  private static int running(Scheduler scheduler, int processor, List<Integer> expected) {
    for (int thread : expected) {
      int picked = pick(scheduler, processor);
      if (picked != thread) {
        return picked == 0 ? -1 : picked;
      }
      scheduler.ran(processor, picked, 1000, false);
    }
    return 0;
  }
}
