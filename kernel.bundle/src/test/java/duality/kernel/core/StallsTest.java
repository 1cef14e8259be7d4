package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is stuck is found long before the deadline, and who only has to wait is not. */
@Timeout(300)
class StallsTest {
  private static final long IN_TIME_NANOS = TimeUnit.SECONDS.toNanos(100);
  private static final int STALL_TICKS = 40;

  /** What can be stuck in several ways. */
  @Protocol(rank = 60, deadlineMillis = 150_000, stallMillis = 200)
  public interface Device {
    void sleep();

    void burn();

    void askBelow();

    void takeLock();

    void awaitNotification();

    void handOver();
  }

  /** What stands below, and is let take its time. */
  @Protocol(rank = 40, deadlineMillis = 150_000)
  public interface Backend {
    void answerLate();
  }

  private final class Stuck implements Device, Instance {
    private final Context context;

    Stuck(Context context) {
      this.context = context;
    }

    @Override
    public void sleep() {
      inside.countDown();
      awaitGo();
    }

    @Override
    public void burn() {
      long rounds = 0;
      while (go.getCount() > 0) {
        rounds++;
      }
      assertTrue(rounds > 0);
    }

    @Override
    public synchronized void askBelow() {
      inside.countDown();
      context.slot("below", Backend.class).answerLate();
    }

    @Override
    public synchronized void takeLock() {}

    @Override
    public void awaitNotification() {
      Notification word = context.notification("word");
      if (go.getCount() == 0) {
        word.signal(1);
        return;
      }
      inside.countDown();
      assertEquals(1, word.take(1, IN_TIME_NANOS));
    }

    @Override
    public void handOver() {
      inside.countDown();
      HandOver.call(
          core,
          "what takes its time",
          () -> {
            awaitGo();
            return "done";
          });
    }

    @Override
    public void check() {
      askBelow();
    }

    @Override
    public State save() {
      return State.of("device", 1);
    }
  }

  private final class Late implements Backend, Instance {
    @Override
    public void answerLate() {
      awaitGo();
    }

    @Override
    public State save() {
      return State.of("backend", 1);
    }
  }

  private final CountDownLatch inside = new CountDownLatch(1);
  private final CountDownLatch go = new CountDownLatch(1);
  private final Core core = Core.start(1, 1 << 20);
  private final Device device;

  StallsTest() {
    core.register("device", (context, saved) -> new Stuck(context), Device.class);
    core.register("backend", (context, saved) -> new Late(), Backend.class);
    Backend below =
        core.create("below", Backend.class, Map.of("server", "backend"), Map.of(), false);
    device =
        core.create("d", Device.class, Map.of("server", "device"), Map.of("below", below), false);
  }

  @AfterEach
  void stop() {
    go.countDown();
    core.close();
  }

  /** Whatever interrupts it. */
  private void awaitGo() {
    while (go.getCount() > 0) {
      Thread.onSpinWait();
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
  }

  private void assertFoundEarly(Runnable call) {
    long begun = System.nanoTime();
    FutureTask<Void> task = new FutureTask<>(call, null);
    Thread.ofPlatform().daemon().start(task);
    while (core.failures(0).isEmpty()) {
      assertTrue(System.nanoTime() - begun < IN_TIME_NANOS, "it is not found early");
      Thread.onSpinWait();
    }
    List<FailureReport> failures = core.failures(0);
    assertEquals("d", failures.getFirst().path());
    assertEquals(FailureReport.Kind.DEADLINE, failures.getFirst().kind());
    assertTrue(failures.getFirst().reason().contains("200 ms"), failures.getFirst().reason());
  }

  @Test
  void whoSleepsIsStuck() {
    assertFoundEarly(device::sleep);
  }

  @Test
  void whoBurnsIsStuck() {
    assertFoundEarly(device::burn);
  }

  @Test
  void whoWaitsForSomebodyElseIsNot() throws Exception {
    Thread asks = Thread.ofPlatform().daemon().start(device::askBelow);
    inside.await();
    CallSlot asking = slotInside();
    Thread waits = Thread.ofPlatform().daemon().start(device::takeLock);
    awaitLooks(asking, 2, 3 * STALL_TICKS);
    assertEquals(List.of(), core.failures(0));
    core.watchdog.stop(); // the host may let the one that waits run much later
    go.countDown();
    asks.join();
    waits.join();
    device.takeLock();
  }

  @Test
  void aLateLookDoesNotCount() {
    CallSlot slot = unwatchedInside();
    Stalls stalls = new Stalls();
    for (int i = 0; i < 10 * STALL_TICKS; i++) {
      boolean stuck =
          stalls.stuck(slot, gate(), 1, Thread.State.TIMED_WAITING, 10 * Watchdog.TICK_NANOS);
      assertEquals(false, stuck, "a host that is late proves nothing");
    }
  }

  @Test
  void whoIsStarvedIsNotStuck() {
    CallSlot slot = unwatchedInside();
    Stalls stalls = new Stalls();
    for (int i = 0; i < STALL_TICKS; i++) {
      boolean stuck = stalls.stuck(slot, gate(), 1, Thread.State.RUNNABLE, Watchdog.TICK_NANOS);
      assertEquals(false, stuck, "it had no processor time");
    }
    assertTrue(
        stalls.stuck(slot, gate(), 1, Thread.State.TIMED_WAITING, Watchdog.TICK_NANOS),
        "and would be, if it slept");
  }

  @Test
  void whoWaitsInTheCoreIsNotStuck() throws Exception {
    Thread waits = Thread.ofPlatform().daemon().start(device::awaitNotification);
    inside.await();
    awaitLooks(slotInside(), 1, 3 * STALL_TICKS);
    assertEquals(List.of(), core.failures(0));
    go.countDown();
    device.awaitNotification();
    waits.join();
  }

  @Test
  void whoWaitsForAHandOverIsNotStuck() throws Exception {
    Thread waits = Thread.ofPlatform().daemon().start(device::handOver);
    inside.await();
    awaitLooks(slotInside(), 1, 3 * STALL_TICKS);
    assertEquals(List.of(), core.failures(0));
    go.countDown();
    waits.join();
  }

  @Test
  void aCheckThatMeetsSomebodyElsesFailureProvesNothing() {
    core.endpoint("below").fail("as asked");
    go.countDown();
    assertThrows(CallFailed.class, () -> core.endpoint("d").check());
    assertEquals("open", core.endpoint("d").report().condition());
  }

  private Gate gate() {
    return ((EndpointObject) core.endpoint("d")).gate;
  }

  /**
   * The slot of a thread that seems to be inside, and at which the core's watchdog does not look.
   */
  private CallSlot unwatchedInside() {
    CallSlot slot = new CallSlot(Thread.ofPlatform().daemon().start(this::awaitGo));
    slot.push(gate(), 0);
    return slot;
  }

  private CallSlot slotInside() {
    for (CallSlot slot : CallSlot.ALL) {
      if (slot.at(1) == gate().mark) {
        return slot;
      }
    }
    throw new AssertionError("nobody is inside");
  }

  /** Until the watchdog has looked that often at who is inside. */
  private static void awaitLooks(CallSlot slot, int level, int count) {
    long end = System.nanoTime() + IN_TIME_NANOS;
    while (slot.seenTicks[level] < count) {
      assertTrue(System.nanoTime() < end, "the watchdog looks");
      Thread.onSpinWait();
    }
  }
}
