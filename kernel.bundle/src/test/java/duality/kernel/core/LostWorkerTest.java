package duality.kernel.core;

import static duality.kernel.core.Waiting.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Endpoint;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Notification;
import duality.kernel.Protocol;
import duality.kernel.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A server's worker that waits for a lock inside another server for ever, because a thread of that
 * one loops with it: nothing brings it back when the call is given up, also not that the other
 * server is replaced.
 */
@Timeout(300)
class LostWorkerTest {
  /** What hangs. */
  @Protocol(rank = 40, deadlineMillis = 100)
  public interface Below {
    void enter();
  }

  /** Whose worker calls it. */
  @Protocol(rank = 60)
  public interface Above {
    int rounds();
  }

  private final Core core = Core.start(1, 1 << 20);
  private final Object lock = new Object();
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicReference<Thread> lost = new AtomicReference<>();
  private final AtomicReference<Notification> bell = new AtomicReference<>();
  private final AtomicInteger failures = new AtomicInteger();
  private volatile boolean free;

  private final class Locked implements Below, Instance {
    @Override
    public void enter() {
      if (!free) {
        lost.compareAndSet(null, Thread.currentThread());
        synchronized (lock) {
          lock.notifyAll();
        }
      }
    }

    @Override
    public State save() {
      return State.of("below", 1);
    }
  }

  private final class Working implements Above, Instance {
    private final Below below;
    private final AtomicInteger rounds = new AtomicInteger();

    Working(Context context) {
      below =
          context.has("below")
              ? context.slot("below", Below.class)
              : context.child("below", Below.class, Map.of("server", "locked"), Map.of());
      context.keep("below", below);
      Notification own = context.notification("bell");
      bell.set(own);
      context.worker("w", own, 3, this::work);
    }

    private void work(long bits) {
      if ((bits & 2) != 0 && bits != 3) { // not the first round, which gets all
        try {
          below.enter();
        } catch (CallFailed e) {
          failures.incrementAndGet();
        }
      }
      rounds.incrementAndGet();
    }

    @Override
    public int rounds() {
      return rounds.get();
    }

    @Override
    public State save() {
      return State.of("above", 1);
    }
  }

  @AfterEach
  void stop() {
    end.countDown();
    core.close();
  }

  private List<FailureReport> of(String path) {
    List<FailureReport> found = new ArrayList<>(core.failed().after(0));
    found.removeIf(each -> !each.path().equals(path));
    return found;
  }

  @Test
  void itsServerIsReplacedAndGoesOn() throws InterruptedException {
    CountDownLatch held = new CountDownLatch(1);
    Thread looping =
        new Thread(
            () -> {
              synchronized (lock) {
                held.countDown();
                try {
                  end.await();
                } catch (InterruptedException e) {
                  // The test is over.
                }
              }
            });
    looping.start();
    held.await();
    core.register("locked", (context, saved) -> new Locked(), Below.class);
    core.register("working", (context, saved) -> new Working(context), Above.class);
    Above above = core.create("a", Above.class, Map.of("server", "working"), Map.of(), false);
    until("the first round", () -> above.rounds() == 1);
    bell.get().signal(2);
    until("the one below to fail", () -> !of("a/below").isEmpty());
    until("the one whose worker is lost to fail too", () -> !of("a").isEmpty());
    assertEquals(FailureReport.Kind.STALL, of("a").getFirst().kind());
    String where = of("a").getFirst().stack().getFirst();
    assertTrue(where.contains("Locked.enter"), where);

    free = true;
    replace("a/below", "locked");
    replace("a", "working");
    until("the first round of the new worker", () -> above.rounds() >= 1);
    int before = above.rounds();
    bell.get().signal(2);
    until("a round that calls below", () -> above.rounds() > before);
    assertEquals(0, failures.get());

    // And when it comes back after all, it does nothing more.
    int rounds = above.rounds();
    end.countDown();
    until("the lost one to end", () -> !lost.get().isAlive());
    assertEquals(rounds, above.rounds());
    assertEquals(1, of("a").size());
  }

  private void replace(String path, String server) {
    Endpoint endpoint = Objects.requireNonNull(core.endpointMap().get(path));
    try (Kernel.Hold hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      assertEquals(0, hold.drained());
      endpoint.open(server, null).bind();
    }
  }
}
