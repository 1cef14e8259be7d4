package duality.kernel.core;

import static duality.kernel.core.Waiting.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.Context;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.KernelThread;
import duality.kernel.Scheduler;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Exit;
import duality.kernel.processor.HartMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Schedulers that do what none may: each is found out, dropped for the order of last resort, and no
 * thread is lost by it.
 */
@Timeout(300)
class BadSchedulersTest {
  /** A good first-in first-out order, of which tests make bad ones. */
  static class Fifo implements Scheduler, Instance {
    final List<Integer> order = new ArrayList<>();

    @Override
    public synchronized int ready(int thread, int weight) {
      if (!order.contains(thread)) {
        order.add(thread);
      }
      return NO_PROCESSOR;
    }

    @Override
    public synchronized void gone(int thread) {
      order.remove((Integer) thread);
    }

    @Override
    public synchronized long pick(int processor) {
      return order.isEmpty() ? NOBODY : Scheduler.choice(order.removeFirst(), 1_000_000);
    }

    @Override
    public synchronized void ran(int processor, int thread, long nanos, boolean ready) {
      if (ready) {
        ready(thread, 100);
      }
    }

    @Override
    public State save() {
      return State.of("fifo", 1);
    }
  }

  private final Core core = Core.start(1, 1 << 20, 20);
  private final CountDownLatch end = new CountDownLatch(1);
  private final List<KernelThread> threads = new ArrayList<>();
  private final Context owner;

  BadSchedulersTest() {
    core.engine("busy", new ScriptedEngine(hart -> Exit.BUDGET));
    List<Context> contexts = new ArrayList<>();
    core.register(
        "owner",
        (context, saved) -> {
          contexts.add(context);
          return new Owning(context);
        },
        ThreadOwner.class);
    core.register("good", (context, saved) -> new Fifo(), Scheduler.class);
    core.create("scheduler", Scheduler.class, Map.of("server", "good"), Map.of(), false);
    core.create("m", ThreadOwner.class, Map.of("server", "owner"), Map.of(), false);
    owner = contexts.getFirst();
    for (String name : List.of("a", "b")) {
      threads.add(thread(name));
    }
    threads.forEach(KernelThread::resume);
    awaitAllRun();
  }

  private KernelThread thread(String name) {
    Space space = owner.space("memory");
    return owner.thread(name, HartMode.USER, space, owner.self(ThreadOwner.class), "busy");
  }

  @AfterEach
  void stop() {
    end.countDown();
    core.close();
  }

  private void awaitAllRun() {
    for (KernelThread thread : threads) {
      long before = thread.instructions();
      until(thread.name() + " to run", () -> thread.instructions() > before + 3);
    }
  }

  /** Binds a bad scheduler; how it was found out, and that nobody suffers. */
  private FailureReport foundOut(Fifo bad) {
    bind(bad);
    until("it to be found out", () -> !core.failures(0).isEmpty());
    awaitAllRun();
    FailureReport report = core.failures(0).getFirst();
    assertEquals("scheduler", report.path());
    assertTrue(core.counters().get("scheduler fallbacks") > 0);
    bind(new Fifo());
    awaitAllRun();
    until(
        "the good one to be asked again", () -> core.endpoint("scheduler").report().inside() >= 0);
    assertEquals("open", core.endpoint("scheduler").report().condition());
    return report;
  }

  private void bind(Fifo next) {
    String name = next.getClass().getName() + System.identityHashCode(next);
    core.register(name, (context, saved) -> next, Scheduler.class);
    var endpoint = core.endpoint("scheduler");
    HandOver.call(
        core,
        "test",
        () -> {
          try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
            endpoint.open(name, null).bind();
            return hold;
          }
        });
  }

  @Test
  void oneThatNeverPicksAnybody() {
    FailureReport report =
        foundOut(
            new Fifo() {
              @Override
              public synchronized long pick(int processor) {
                return NOBODY;
              }
            });
    assertEquals(FailureReport.Kind.STALL, report.kind());
    assertTrue(report.reason().contains("nobody"), report::toString);
  }

  @Test
  void oneThatPicksNobodyAnyMoreAfterItDidForAWhile() {
    for (int picks = 1; picks <= 5; picks++) {
      int good = picks;
      bind(
          new Fifo() {
            private int left = good;

            @Override
            public synchronized long pick(int processor) {
              return left-- > 0 ? super.pick(processor) : NOBODY;
            }
          });
      int failures = picks;
      until("number " + picks + " to be found out", () -> core.failures(0).size() == failures);
      awaitAllRun();
    }
  }

  @Test
  void oneThatPicksAThreadThatDoesNotExist() {
    FailureReport report =
        foundOut(
            new Fifo() {
              @Override
              public synchronized long pick(int processor) {
                return Scheduler.choice(999, 1_000_000);
              }
            });
    assertEquals(FailureReport.Kind.NONSENSE, report.kind());
  }

  @Test
  void oneThatPicksAnEndedThreadForEver() {
    KernelThread ended = thread("ended");
    int id = ended.id();
    owner.removeThread("ended");
    FailureReport report =
        foundOut(
            new Fifo() {
              @Override
              public synchronized long pick(int processor) {
                return Scheduler.choice(id, 1_000_000);
              }
            });
    assertEquals(FailureReport.Kind.NONSENSE, report.kind());
  }

  @Test
  void oneThatThrows() {
    FailureReport report =
        foundOut(
            new Fifo() {
              @Override
              public synchronized long pick(int processor) {
                throw new IllegalStateException("no idea");
              }
            });
    assertEquals(FailureReport.Kind.EXCEPTION, report.kind());
  }

  @Test
  void oneThatSleeps() {
    FailureReport report =
        foundOut(
            new Fifo() {
              @Override
              public synchronized long pick(int processor) {
                try {
                  if (end.await(30, TimeUnit.SECONDS)) {
                    return NOBODY;
                  }
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
                return NOBODY;
              }
            });
    assertEquals(FailureReport.Kind.DEADLINE, report.kind());
  }

  @Test
  void oneThatStarvesASingleThread() {
    int victim = threads.getLast().id();
    FailureReport report =
        foundOut(
            new Fifo() {
              @Override
              public synchronized int ready(int thread, int weight) {
                return thread == victim ? NO_PROCESSOR : super.ready(thread, weight);
              }
            });
    assertEquals(FailureReport.Kind.STALL, report.kind());
    assertTrue(report.reason().contains("starved m:b"), report::toString);
  }

  @Test
  void oneThatGivesAnEmptySlice() {
    FailureReport report =
        foundOut(
            new Fifo() {
              @Override
              public synchronized long pick(int processor) {
                return order.isEmpty() ? NOBODY : Scheduler.choice(order.removeFirst(), 0);
              }
            });
    assertEquals(FailureReport.Kind.NONSENSE, report.kind());
  }

  @Test
  void slicesTooShortOrFarTooLongDoNoHarm() {
    for (long slice : new long[] {1, (1L << 39)}) {
      bind(
          new Fifo() {
            @Override
            public synchronized long pick(int processor) {
              return order.isEmpty() ? NOBODY : Scheduler.choice(order.removeFirst(), slice);
            }
          });
      awaitAllRun();
      awaitAllRun();
    }
    assertEquals(List.of(), core.failures(0));
  }

  @Test
  void aGoodSchedulerIsLeftAlone() {
    long picks = core.threads().getFirst().picks();
    until("many picks", () -> core.threads().getFirst().picks() > picks + 500);
    threads.forEach(KernelThread::suspend);
    threads.forEach(KernelThread::resume);
    awaitAllRun();
    assertEquals(List.of(), core.failures(0));
  }
}
