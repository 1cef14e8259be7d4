package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.EndpointReport;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.State;
import duality.kernel.TraceEvent;
import duality.kernel.TraceEvent.Kind;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the kernel tells about itself: its trace, and where processor time goes. */
@Timeout(300)
class TraceTest {
  /** Spends time in ways that differ. */
  @Protocol(rank = 60, deadlineMillis = 2_000)
  public interface Spender {
    void compute();

    void rest();

    void fail();

    void hang();
  }

  private final CountDownLatch resting = new CountDownLatch(1);
  private final CountDownLatch computing = new CountDownLatch(1);
  private final CountDownLatch enough = new CountDownLatch(1);

  private final class Spending implements Spender, Instance {
    @Override
    public void compute() {
      computing.countDown();
      while (enough.getCount() > 0) {
        Thread.onSpinWait();
      }
    }

    @Override
    public void rest() {
      resting.countDown();
      hang();
    }

    @Override
    public void fail() {
      throw new IllegalStateException("as asked");
    }

    @Override
    public void hang() {
      try {
        enough.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public State save() {
      return State.of("spender", 1);
    }
  }

  private final Core core = Core.start(1, 1 << 20, 3);
  private final Spender spender;

  TraceTest() {
    core.register("spender", (context, saved) -> new Spending(), Spender.class);
    spender = core.create("spender", Spender.class, Map.of("server", "spender"), Map.of(), false);
  }

  @AfterEach
  void close() {
    enough.countDown();
    core.close();
  }

  private EndpointReport report() {
    return core.endpoints().stream()
        .filter(each -> each.path().equals("spender"))
        .findFirst()
        .orElseThrow();
  }

  private List<TraceEvent> of(Kind kind) {
    return core.trace(0, 0).stream().filter(each -> each.kind() == kind).toList();
  }

  /** Looks of the watchdog that this test does itself, in the time in which it should do them. */
  private void lookTenTimes() {
    for (int i = 0; i < 10; i++) {
      core.watchdog.tick(System.nanoTime(), Watchdog.TICK_NANOS);
    }
  }

  @Test
  void processorTimeIsChargedToWhoComputesAndNotToWhoWaits() throws Exception {
    core.watchdog.stop();
    while (core.watchdog.looks()) {
      Thread.onSpinWait();
    }
    Thread rests = Thread.ofPlatform().daemon().start(spender::rest);
    resting.await();
    while (rests.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    lookTenTimes();
    assertEquals(0, report().busyNanos(), "it only waits");
    Thread computes = Thread.ofPlatform().daemon().start(spender::compute);
    computing.await();
    lookTenTimes();
    assertEquals(10 * Watchdog.TICK_NANOS, report().busyNanos(), "one of the two computes");
    enough.countDown();
    rests.join();
    computes.join();
  }

  @Test
  void aFailureIsAnEventWithItsEndpointAndReason() {
    assertThrows(CallFailed.ServerFailed.class, spender::fail);
    List<TraceEvent> failed = of(Kind.FAILED);
    assertEquals(1, failed.size(), failed::toString);
    assertEquals("spender", failed.getFirst().endpoint());
    assertTrue(failed.getFirst().text().contains("as asked"), failed::toString);
  }

  @Test
  void aCallThatIsGivenUpIsAnEvent() {
    assertThrows(CallFailed.TimedOut.class, spender::hang);
    assertEquals(List.of("spender"), of(Kind.GIVEN_UP).stream().map(TraceEvent::endpoint).toList());
    assertEquals(List.of("spender"), of(Kind.FAILED).stream().map(TraceEvent::endpoint).toList());
  }

  @Test
  void whoFollowsIsWokenAndMissesNothing() throws Exception {
    long next = core.trace(0, 0).getLast().number() + 1;
    assertEquals(List.of(), core.trace(next, 1), "nothing new yet");
    CompletableFuture<List<TraceEvent>> waiting =
        CompletableFuture.supplyAsync(() -> core.trace(next, 20_000));
    core.trace("event 0");
    TraceEvent first = waiting.get(100, TimeUnit.SECONDS).getFirst();
    for (int i = 1; i < 2000; i++) {
      core.trace("event " + i);
    }
    assertEquals(next, first.number());
    assertEquals("event 0", first.text());
    List<TraceEvent> kept = core.trace(next, 0);
    assertEquals(1024, kept.size(), "the ring's size");
    assertEquals(next + 1999, kept.getLast().number(), "numbers have no gaps");
    assertEquals("event 1999", kept.getLast().text());
  }
}
