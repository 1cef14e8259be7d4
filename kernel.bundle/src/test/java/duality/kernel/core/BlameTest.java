package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
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

/** Who is blamed for a call that ends late, and whether it is known that it did. */
@Timeout(60)
class BlameTest {
  /** Waits inside and calls itself. */
  @Protocol(rank = 60, deadlineMillis = 4_000)
  public interface Knot {
    String name();

    /** Waits inside, then calls its own endpoint. */
    String meet();
  }

  private final class Tied implements Knot, Instance {
    private final Context context;

    Tied(Context context) {
      this.context = context;
    }

    @Override
    public String name() {
      return context.server();
    }

    @Override
    public String meet() {
      met.countDown();
      while (left.getCount() > 0) {
        Thread.onSpinWait(); // does not hear of the watchdog's interrupts
      }
      return context.self(Knot.class).name();
    }

    @Override
    public State save() {
      return State.of("knot", 1);
    }
  }

  private final CountDownLatch met = new CountDownLatch(1);
  private final CountDownLatch left = new CountDownLatch(1);
  private final Core core = Core.start(1, 1 << 20);
  private final Knot knot;
  private final EndpointObject endpoint;

  BlameTest() {
    core.register("one", (context, saved) -> new Tied(context), Knot.class);
    core.register("two", (context, saved) -> new Tied(context), Knot.class);
    knot = core.create("k", Knot.class, Map.of("server", "one"), Map.of(), false);
    endpoint = (EndpointObject) core.endpoint("k");
  }

  @AfterEach
  void stop() {
    left.countDown();
    core.close();
  }

  @Test
  void whatAnOldServerDidIsNotHeldAgainstTheOneThatIsBoundNow() {
    Object old = endpoint.gate.bound();
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(1))) {
      assertEquals(0, hold.drained());
      endpoint.open("two", endpoint.save()).bind();
    }
    core.failed()
        .server(endpoint.gate, old, FailureReport.Kind.EXCEPTION, "late", new StackTraceElement[0]);
    endpoint.gate.shut(old);
    endpoint.gate.hung(old);
    assertEquals("two", knot.name());
    assertFalse(endpoint.gate.isHung());
    assertEquals(List.of(), core.failures());
  }

  @Test
  void aCallThatWasGivenUpStaysSoWhenItCallsItsOwnEndpoint() throws Exception {
    FutureTask<String> call = new FutureTask<>(knot::meet);
    new Thread(call).start();
    met.await();
    Departure departure =
        Departure.begin(core, List.of(endpoint), TimeUnit.MILLISECONDS.toNanos(20), "a test");
    departure.close();
    left.countDown();
    var failed = assertThrows(java.util.concurrent.ExecutionException.class, call::get);
    assertTrue(failed.getCause() instanceof CallFailed.TimedOut, failed.toString());
    assertEquals(2, endpoint.gate.calls(), "the inner one is counted too");
    assertEquals(0, endpoint.gate.inside());
  }

  @Test
  void nobodyIsBoundToAnEndpointThatHasEnded() {
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(1))) {
      assertEquals(0, hold.drained());
      var opened = endpoint.open("two", endpoint.save());
      core.remove("k");
      assertThrows(CallFailed.Revoked.class, opened::bind);
    }
  }
}
