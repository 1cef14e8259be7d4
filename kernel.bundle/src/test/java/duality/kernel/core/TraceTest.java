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
@Timeout(60)
class TraceTest {
  /** Spends time in ways that differ. */
  @Protocol(rank = 60, deadlineMillis = 2_000)
  public interface Spender {
    long compute(long millis);

    void rest(long millis);

    void fail();

    void hang();
  }

  static final class Spending implements Spender, Instance {
    private final CountDownLatch never = new CountDownLatch(1);

    @Override
    public long compute(long millis) {
      long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
      long turns = 0;
      while (System.nanoTime() - end < 0) {
        turns++;
      }
      return turns;
    }

    @Override
    public void rest(long millis) {
      await(millis);
    }

    @Override
    public void fail() {
      throw new IllegalStateException("as asked");
    }

    @Override
    public void hang() {
      await(30_000);
    }

    private void await(long millis) {
      try {
        assertEquals(false, never.await(millis, TimeUnit.MILLISECONDS));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public State save() {
      return State.of("spender", 1);
    }
  }

  private final Core core = Core.start(1, 1 << 20);
  private final Spender spender;

  TraceTest() {
    core.register("spender", (context, saved) -> new Spending(), Spender.class);
    spender = core.create("spender", Spender.class, Map.of("server", "spender"), Map.of(), false);
  }

  @AfterEach
  void close() {
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

  @Test
  void processorTimeIsChargedToWhoComputesAndNotToWhoWaits() {
    spender.rest(400);
    long rested = report().busyNanos();
    assertTrue(rested < 100_000_000, () -> "resting for 400 ms counted as " + rested + " ns");
    spender.compute(600);
    long computed = report().busyNanos() - rested;
    // A loaded host delays looks, and a look counts the whole time since the last one.
    assertTrue(
        computed > 300_000_000 && computed < 1_500_000_000,
        () -> "computing for 600 ms counted as " + computed + " ns");
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
    TraceEvent first = waiting.get(10, TimeUnit.SECONDS).getFirst();
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
