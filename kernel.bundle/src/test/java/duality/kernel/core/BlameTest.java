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
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is blamed for a call that ends late, and whether it is known that it did. */
@Timeout(300)
class BlameTest {
  /** Waits inside and calls itself. */
  @Protocol(rank = 60, deadlineMillis = 4_000)
  public interface Knot {
    String name();

    /** Waits inside, then calls its own endpoint. */
    String meet();
  }

  private class Tied implements Knot, Instance {
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
  private final Core core = Core.start(1, 1 << 20, 20);
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
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
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

  /** Called by who is inside the other one. */
  @Protocol(rank = 50, deadlineMillis = 20_000)
  public interface Below extends Knot {}

  private static final class Lower implements Below, Instance {
    @Override
    public String name() {
      return "below";
    }

    @Override
    public String meet() {
      return "below";
    }

    @Override
    public State save() {
      return State.of("below", 1);
    }
  }

  private static final class Upper implements Knot, Instance {
    private final Context context;

    Upper(Context context) {
      this.context = context;
    }

    @Override
    public String name() {
      return context.slot("below", Below.class).name();
    }

    @Override
    public String meet() {
      return name();
    }

    @Override
    public State save() {
      return State.of("upper", 1);
    }
  }

  @Test
  void whoWaitsAtAGateFromInsideIsLetThroughByTheNextHoldToo() throws Exception {
    core.register("lower", (context, saved) -> new Lower(), Below.class);
    core.register("upper", (context, saved) -> new Upper(context), Knot.class);
    Below below = core.create("below", Below.class, Map.of("server", "lower"), Map.of(), false);
    Knot upper =
        core.create("upper", Knot.class, Map.of("server", "upper"), Map.of("below", below), false);
    Gate high = ((EndpointObject) core.endpoint("upper")).gate;
    Gate low = ((EndpointObject) core.endpoint("below")).gate;
    low.hold(Set.of(low));
    FutureTask<String> call = new FutureTask<>(upper::name);
    Thread caller = new Thread(call);
    caller.start();
    while (caller.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    synchronized (low) { // who waits cannot look in between
      low.release();
      low.hold(Set.of(low, high));
    }
    try {
      assertEquals("below", call.get(100, TimeUnit.SECONDS));
    } finally {
      low.release();
    }
  }

  @Test
  void whatAFullStackLeftBehindIsClearedAway() {
    core.register("lower", (context, saved) -> new Lower(), Below.class);
    core.create("below", Below.class, Map.of("server", "lower"), Map.of(), false);
    Gate low = ((EndpointObject) core.endpoint("below")).gate;
    core.register(
        "full",
        (context, saved) ->
            new Tied(context) {
              @Override
              public String name() {
                CallSlot.current().push(low, 0); // as an entry that was not finished
                throw new CallFailed.BadRequest("as asked");
              }
            },
        Knot.class);
    Knot full = core.create("full", Knot.class, Map.of("server", "full"), Map.of(), false);
    assertThrows(CallFailed.BadRequest.class, full::name);
    assertEquals(0, low.inside());
    assertEquals(0, core.endpoint("full").report().inside());
    assertEquals("below", core.connect("below", Below.class).name());
  }

  /**
   * Calls the endpoint below from ever deeper in the host's stack, and catches what comes of it.
   */
  private static void dig(Below below, int[] overflows) {
    try {
      dig(below, overflows);
      below.name();
    } catch (StackOverflowError e) {
      overflows[0]++;
    } catch (CallFailed e) {
      // the server below met the end of the stack, which is another matter
    }
  }

  @Test
  void aServerThatCatchesTheStackOverflowOfItsCalleeLeavesNoMark() {
    core.register("lower", (context, saved) -> new Lower(), Below.class);
    core.create("below", Below.class, Map.of("server", "lower"), Map.of(), false);
    Gate low = ((EndpointObject) core.endpoint("below")).gate;
    core.register(
        "catching",
        (context, saved) ->
            new Tied(context) {
              @Override
              public String name() {
                CallSlot.current().push(low, 0); // as an exit that was not finished
                return "went on";
              }
            },
        Knot.class);
    Knot catching = core.create("c", Knot.class, Map.of("server", "catching"), Map.of(), false);
    assertEquals("went on", catching.name());
    assertEquals(0, low.inside(), "the mark of the call that the overflow cut short");
    assertEquals(0, core.endpoint("c").report().inside());
    assertTrue(Core.drain(Set.of(low), TimeUnit.SECONDS.toNanos(1)));
  }

  @Test
  void aRealStackOverflowUnderACallLeavesNoMarkEither() {
    core.register("lower", (context, saved) -> new Lower(), Below.class);
    Below below = core.create("below", Below.class, Map.of("server", "lower"), Map.of(), false);
    Gate low = ((EndpointObject) core.endpoint("below")).gate;
    int[] overflows = new int[1];
    core.register(
        "digging",
        (context, saved) ->
            new Tied(context) {
              @Override
              public String name() {
                dig(below, overflows);
                return "went on";
              }
            },
        Knot.class);
    Knot digging = core.create("d", Knot.class, Map.of("server", "digging"), Map.of(), false);
    for (int i = 0; i < 20; i++) {
      try {
        assertEquals("went on", digging.name());
      } catch (CallFailed e) {
        break; // one of the two was blamed for the overflow: nothing may stay behind all the same
      }
    }
    assertTrue(overflows[0] > 0, "no overflow reached the server");
    assertEquals(0, low.inside());
    assertEquals(0, ((EndpointObject) core.endpoint("d")).gate.inside());
  }

  @Test
  void numbersOfGatesComeBackAndFiguresBeginAnew() {
    core.register("lower", (context, saved) -> new Lower(), Below.class);
    int highest = 0;
    for (int i = 0; i < 500; i++) {
      Below below = core.create("below", Below.class, Map.of("server", "lower"), Map.of(), false);
      Gate gate = ((EndpointObject) core.endpoint("below")).gate;
      highest = i == 0 ? gate.number + 100 : highest;
      assertTrue(gate.number < highest, "number " + gate.number + " of endpoint " + i);
      assertEquals("below", below.name());
      assertEquals(1, gate.calls(), "of this endpoint, not of the one before it");
      core.remove("below");
      assertThrows(CallFailed.Revoked.class, below::name);
    }
  }

  @Test
  void theNumberOfAGateWithSomebodyInsideStaysTaken() {
    Gate gate = endpoint.gate;
    CallSlot.current().push(gate, 0);
    try {
      gate.giveNumberBack();
    } finally {
      CallSlot.current().pop();
    }
    Gate other = Gate.of(core, "other", 60, 1_000);
    assertTrue(other.number != gate.number, "a thread that is inside the one is not in the other");
    other.end();
    other.giveNumberBack();
    other.giveNumberBack();
    Gate next = Gate.of(core, "next", 60, 1_000);
    Gate last = Gate.of(core, "last", 60, 1_000);
    assertTrue(next.number != last.number, "a number comes back once");
  }

  @Test
  void nobodyIsBoundToAnEndpointThatHasEnded() {
    try (var hold = core.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      assertEquals(0, hold.drained());
      var opened = endpoint.open("two", endpoint.save());
      core.remove("k");
      assertThrows(CallFailed.Revoked.class, opened::bind);
    }
  }
}
