package duality.kernel.core;

import static duality.kernel.core.Waiting.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Protocol;
import duality.kernel.State;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the core has for who mends: failure records, waiting callers, salvage, and its restart. */
@Timeout(300)
class SupervisionTest {
  /** Adds, breaks, hangs. */
  @Protocol(rank = 60, deadlineMillis = 2_000)
  public interface Sum {
    long add(long amount);

    long crash();

    long hang();
  }

  /** Stands for the supervisor. */
  @Protocol(rank = Protocol.CONTROL)
  public interface Watcher {
    int number();

    void crash();
  }

  final class Summing implements Sum, Instance {
    private long sum;

    Summing(@Nullable State saved) {
      sum = saved == null ? 0 : saved.number("sum");
    }

    @Override
    public long add(long amount) {
      return sum += amount;
    }

    @Override
    public long crash() {
      throw new IllegalStateException("as asked");
    }

    @Override
    public long hang() {
      await(end);
      return 0;
    }

    @Override
    public State save() {
      if (saveHangs.get()) {
        await(end);
      }
      return State.of("sum", 1).with("sum", sum);
    }

    @Override
    public void check() {
      if (sum < 0) {
        throw new IllegalStateException("the sum is negative");
      }
    }
  }

  final class Watching implements Watcher, Instance {
    private final int number;

    Watching(Context context) {
      number = watchers.incrementAndGet();
      context.kernel().supervise();
    }

    @Override
    public int number() {
      return number;
    }

    @Override
    public void crash() {
      throw new IllegalStateException("the supervisor as well");
    }

    @Override
    public State save() {
      return State.of("watcher", 1);
    }
  }

  private final Core core = Core.start(1, 1 << 20, 100);
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicBoolean saveHangs = new AtomicBoolean();
  private final AtomicInteger watchers = new AtomicInteger();

  SupervisionTest() {
    core.register("summing", (context, saved) -> new Summing(saved), Sum.class);
    core.register("watching", (context, saved) -> new Watching(context), Watcher.class);
  }

  @AfterEach
  void stop() {
    end.countDown();
    core.close();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Sum sum() {
    return core.create("s", Sum.class, Map.of("server", "summing"), Map.of(), false);
  }

  private static <T> FutureTask<T> begin(java.util.concurrent.Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread thread = new Thread(task, "client");
    thread.setDaemon(true);
    thread.start();
    return task;
  }

  private void restart() {
    var endpoint = core.endpoint("s");
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      endpoint.open("summing", endpoint.salvage(TimeUnit.SECONDS.toNanos(30))).bind();
    }
  }

  @Test
  void aSupervisorThatIsDiscardedTakesNothingFromTheOneThatServes() {
    core.register("router", (context, saved) -> new Watching(context), Watcher.class);
    core.boot("router", Watcher.class);
    Sum sum = sum();
    assertThrows(CallFailed.ServerFailed.class, sum::crash);
    core.endpoint("root").open("watching", null).discard();
    assertTrue(core.failed().mends(((EndpointObject) core.endpoint("s")).gate));
  }

  @Test
  void aFailureIsRecordedAndSignalled() {
    Notification word = core.supervise();
    Sum sum = sum();
    assertThrows(CallFailed.ServerFailed.class, sum::crash);
    assertEquals(1, word.take(1, 0));
    FailureReport report = core.failures(0).getFirst();
    assertEquals("s", report.path());
    assertEquals("summing", report.server());
    assertEquals(FailureReport.Kind.EXCEPTION, report.kind());
    assertTrue(report.reason().contains("as asked"), report.reason());
    assertTrue(report.stack().getFirst().contains("crash"), () -> "" + report.stack());
    assertEquals(List.of(), core.failures(report.number()));
  }

  @Test
  void callersOfAFailedEndpointWaitForWhoMends() throws Exception {
    core.supervise();
    Sum sum = sum();
    sum.add(41);
    assertThrows(CallFailed.ServerFailed.class, sum::crash);
    FutureTask<Long> waiting = begin(() -> sum.add(1));
    until("the client to wait", () -> core.endpoint("s").report().waited() == 1);
    assertFalse(waiting.isDone());
    restart();
    assertEquals(42, waiting.get(100, TimeUnit.SECONDS));
  }

  @Test
  void whoIsGivenUpIsRefusedAtOnceWithTheReason() throws Exception {
    core.supervise();
    Sum sum = sum();
    assertThrows(CallFailed.ServerFailed.class, sum::crash);
    FutureTask<Long> waiting = begin(() -> sum.add(1));
    until("the client to wait", () -> core.endpoint("s").report().waited() == 1);
    core.endpoint("s").giveUp("it crashed once too often");
    Exception refused = assertThrows(Exception.class, () -> waiting.get(100, TimeUnit.SECONDS));
    assertTrue(String.valueOf(refused.getCause()).contains("once too often"), refused::toString);
    long before = System.nanoTime();
    assertThrows(CallFailed.ServerFailed.class, () -> sum.add(1));
    assertTrue(System.nanoTime() - before < TimeUnit.SECONDS.toNanos(30), "refused at once");
    restart();
    assertEquals(1, sum.add(1), "a bound server ends it");
  }

  @Test
  void whatHangsIsGivenUpAndAHangingSaveIsBounded() throws Exception {
    core.supervise();
    Sum sum = sum();
    FutureTask<Long> hanging = begin(sum::hang);
    until("the call", () -> core.endpoint("s").report().inside() == 1);
    var endpoint = core.endpoint("s");
    assertThrows(CallFailed.BadRequest.class, endpoint::abandon, "only what has failed");
    endpoint.fail("the test does not like it");
    assertEquals(FailureReport.Kind.CHECK, core.failures(0).getFirst().kind());
    assertEquals(1, endpoint.abandon());
    saveHangs.set(true);
    endpoint.checkpoint(State.of("sum", 1).with("sum", 7));
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      assertThrows(CallFailed.TimedOut.class, () -> endpoint.salvage(10_000_000));
      endpoint.open("summing", endpoint.checkpoint()).bind();
    }
    assertEquals(8, sum.add(1));
    end.countDown();
    Exception late =
        assertThrows(Exception.class, () -> hanging.get(100, TimeUnit.SECONDS), "a late return");
    assertTrue(late.getCause() instanceof CallFailed.TimedOut, late::toString);
    assertEquals(9, sum.add(1), "and harms nobody");
  }

  @Test
  void aHoldWaitsForAShortOneAndNotForALongOne() throws Exception {
    core.supervise();
    sum();
    var endpoint = core.endpoint("s");
    var first = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30));
    assertThrows(CallFailed.BadRequest.class, () -> core.hold(List.of(endpoint), 1_000_000));
    FutureTask<Boolean> second =
        begin(
            () -> {
              try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
                return hold.drained() == 0;
              }
            });
    first.close();
    assertTrue(second.get(100, TimeUnit.SECONDS));
  }

  @Test
  void aFailedCheckFailsTheServer() {
    core.supervise();
    Sum sum = sum();
    core.endpoint("s").check();
    sum.add(-1);
    long calls = core.endpoint("s").report().calls();
    assertThrows(CallFailed.ServerFailed.class, () -> core.endpoint("s").check());
    assertEquals(FailureReport.Kind.CHECK, core.failures(0).getFirst().kind());
    assertTrue(core.endpoint("s").report().condition().startsWith("failed"));
    assertEquals(calls, core.endpoint("s").report().calls(), "checks are not counted as calls");
  }

  @Test
  void theCoreRestartsTheSupervisorAndGivesUpWhenThatDoesNotHelp() {
    Watcher watcher =
        core.create(
            "supervisor",
            Watcher.class,
            Map.of("server", "watching", "control", "true"),
            Map.of(),
            false);
    for (int i = 1; i <= 8; i++) {
      assertEquals(i, watcher.number());
      assertThrows(CallFailed.ServerFailed.class, watcher::crash);
    }
    assertEquals(9, watcher.number());
    assertThrows(CallFailed.ServerFailed.class, watcher::crash);
    assertThrows(CallFailed.ServerFailed.class, watcher::number, "given up");
  }

  @Test
  void theRightToSuperviseEndsWithItsHolder() {
    Watcher watcher =
        core.create(
            "supervisor",
            Watcher.class,
            Map.of("server", "watching", "control", "true"),
            Map.of(),
            false);
    assertEquals(1, watcher.number());
    core.remove("supervisor");
    Sum sum = sum();
    assertThrows(CallFailed.ServerFailed.class, sum::crash);
    long before = System.nanoTime();
    assertThrows(CallFailed.ServerFailed.class, () -> sum.add(1));
    assertTrue(System.nanoTime() - before < TimeUnit.SECONDS.toNanos(30), "nobody mends");
  }
}
