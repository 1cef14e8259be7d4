package duality.kernel.core;

import static duality.kernel.core.Waiting.until;
import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.KernelThread;
import duality.kernel.Scheduler;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Exit;
import duality.kernel.processor.HartMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Replacing the scheduler while more threads want to run than there are processors. */
@Timeout(300)
class SchedulerSwapTest {
  /** First in, first out; it keeps nothing over a swap, so that all it knows it was told. */
  static final class Fifo implements Scheduler, Instance {
    final AtomicInteger picks;
    private final Map<Integer, Integer> weights = new LinkedHashMap<>();
    final Map<Integer, Integer> told;

    Fifo(AtomicInteger picks, Map<Integer, Integer> told) {
      this.picks = picks;
      this.told = told;
    }

    @Override
    public synchronized int ready(int thread, int weight) {
      told.put(thread, weight);
      weights.putIfAbsent(thread, weight);
      return NO_PROCESSOR;
    }

    @Override
    public synchronized void gone(int thread) {
      weights.remove(thread);
    }

    @Override
    public synchronized long pick(int processor) {
      if (weights.isEmpty()) {
        return NOBODY;
      }
      int first = weights.keySet().iterator().next();
      weights.remove(first);
      picks.incrementAndGet();
      return Scheduler.choice(first, 100_000);
    }

    @Override
    public synchronized void ran(int processor, int thread, long nanos, boolean ready) {
      if (ready) {
        weights.put(thread, 100);
      }
    }

    @Override
    public State save() {
      return State.of("fifo", 1);
    }
  }

  private final Core core = Core.start(1, 1 << 20, 20);
  private final List<KernelThread> threads = new ArrayList<>();
  private final Map<String, AtomicInteger> picks =
      Map.of("one", new AtomicInteger(), "two", new AtomicInteger());
  private final Map<Integer, Integer> told =
      java.util.Collections.synchronizedMap(new LinkedHashMap<>());

  SchedulerSwapTest() {
    core.engine("busy", new ScriptedEngine(hart -> Exit.BUDGET));
    List<Context> contexts = new ArrayList<>();
    core.register(
        "owner",
        (context, saved) -> {
          contexts.add(context);
          return new Owning(context);
        },
        ThreadOwner.class);
    picks.forEach(
        (name, count) ->
            core.register(name, (context, saved) -> new Fifo(count, told), Scheduler.class));
    core.create("scheduler", Scheduler.class, Map.of("server", "one"), Map.of(), false);
    core.create("m", ThreadOwner.class, Map.of("server", "owner"), Map.of(), false);
    Context context = contexts.getFirst();
    Space space = context.space("memory");
    for (String name : List.of("a", "b", "c")) {
      threads.add(
          context.thread(name, HartMode.USER, space, context.self(ThreadOwner.class), "busy"));
    }
    threads.forEach(KernelThread::resume);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  private void awaitAllRun() {
    for (KernelThread thread : threads) {
      long before = report(thread);
      until(thread.name() + " to be picked", () -> report(thread) > before + 2);
    }
  }

  private long report(KernelThread thread) {
    return core.threads().stream()
        .filter(each -> each.id() == thread.id())
        .findFirst()
        .orElseThrow()
        .picks();
  }

  @Test
  void eachSchedulerPicksAfterEachSwapAndNobodyIsForgotten() {
    var endpoint = core.endpoint("scheduler");
    for (int i = 0; i < 20; i++) {
      String next = i % 2 == 0 ? "two" : "one";
      int before = picks.get(next).get();
      try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
        endpoint.open(next, null).bind();
        assertEquals("held", endpoint.report().condition());
      }
      until(next + " to pick", () -> picks.get(next).get() > before + 3);
      awaitAllRun();
    }
  }

  @Test
  void aSchedulerOutOfReachForAWhileComesBack() {
    awaitAllRun();
    var endpoint = core.endpoint("scheduler");
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      until("the last resort", () -> core.counters().get("scheduler fallbacks") > 0);
      int picked = picks.get("one").get();
      awaitAllRun();
      assertEquals(picked, picks.get("one").get(), "nobody passes the gate");
    }
    int before = picks.get("one").get();
    until("the scheduler", () -> picks.get("one").get() > before + 3);
    awaitAllRun();
  }

  @Test
  void theWeightOfARunningThreadReachesTheScheduler() {
    awaitAllRun();
    threads.forEach(thread -> thread.weight(700 + thread.id()));
    for (KernelThread thread : threads) {
      until(
          "the weight of " + thread.name(),
          () -> told.getOrDefault(thread.id(), 0) == 700 + thread.id());
    }
    told.clear();
    var endpoint = core.endpoint("scheduler");
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      endpoint.open("two", null).bind();
    }
    for (KernelThread thread : threads) {
      until(
          "the successor to be told of " + thread.name(),
          () -> told.getOrDefault(thread.id(), 0) == 700 + thread.id());
    }
  }
}
