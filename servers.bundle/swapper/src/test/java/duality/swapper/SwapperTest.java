package duality.swapper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.State;
import duality.kernel.core.Core;
import duality.servers.Supervisor;
import duality.servers.Swapper;
import duality.servers.Swapper.Move;
import duality.servers.Swapper.Step;
import duality.servers.Swapper.Swap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Transactions over several endpoints, over the swapper itself, and with servers that hang. */
@Timeout(300)
class SwapperTest {
  /** Counts, and says who does. */
  @Protocol(rank = 60)
  public interface Count {
    long add();

    String who();
  }

  private record Counting(String who, long[] sum) implements Count, Instance {
    @Override
    public long add() {
      return ++sum[0];
    }

    @Override
    public State save() {
      return State.of("count", 1).with("sum", sum[0]);
    }
  }

  private final Core core = Core.start(1, 1 << 20, 3);
  private final CountDownLatch stuck = new CountDownLatch(1);
  private final Swapper swapper;

  SwapperTest() {
    for (String name : List.of("one", "two")) {
      core.register(
          name,
          (context, saved) ->
              new Counting(name, new long[] {saved == null ? 0 : saved.number("sum")}),
          Count.class);
    }
    core.register(
        "refuser",
        (context, saved) -> {
          throw new State.Refused("not that one");
        },
        Count.class);
    core.register(
        "stuck",
        (context, saved) -> {
          try {
            stuck.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return new Counting("stuck", new long[1]);
        },
        Count.class);
    core.register("swapper", new SwapperServer(), Swapper.class);
    swapper =
        core.create(
            "swapper",
            Swapper.class,
            Map.of("server", "swapper", "control", "true"),
            Map.of(),
            false);
  }

  @AfterEach
  void stop() {
    stuck.countDown();
    core.close();
  }

  private Count count(String path) {
    return core.create(path, Count.class, Map.of("server", "one"), Map.of(), false);
  }

  /** Stands for the supervisor, in which something is stuck. */
  private record Stuck() implements Instance, Supervisor {
    @Override
    public List<Incident> log() {
      return List.of();
    }

    @Override
    public List<Rule> rules() {
      return List.of();
    }

    @Override
    public void rule(String pattern, String policy) {}

    @Override
    public void kill(List<String> endpoints, long deadMillis) {}

    @Override
    public void kill(String path) {}

    @Override
    public List<Watched> watched() {
      return List.of();
    }

    @Override
    public State save() {
      return State.of("supervisor", 1);
    }

    @Override
    public void check() {
      throw new IllegalStateException("its heartbeat stands still");
    }
  }

  @Test
  void theSupervisorIsWatchedFromHere() {
    core.register("supervisor", (context, saved) -> new Stuck(), Supervisor.class);
    core.create("supervisor", Supervisor.class, Map.of("server", "supervisor"), Map.of(), false);
    long end = System.nanoTime() + 40_000_000_000L;
    while (core.failures(0).isEmpty()) {
      assertTrue(System.nanoTime() < end, "nobody looks at the supervisor");
      Thread.onSpinWait();
    }
    FailureReport found = core.failures(0).getFirst();
    assertEquals("supervisor", found.path());
    assertTrue(found.reason().contains("its heartbeat stands still"), found.reason());
  }

  @Test
  void aSwapperThatWatchesIsSound() {
    core.endpoint("swapper").check();
    core.endpoint("swapper").check();
    assertEquals("open", core.endpoint("swapper").report().condition());
  }

  @Test
  void severalEndpointsMoveTogetherOrNotAtAll() {
    Count a = count("a");
    Count b = count("b");
    a.add();
    Swap kept = swapper.swapAll(List.of(new Move("a", "two"), new Move("b", "refuser")));
    assertTrue(kept.outcome().contains("not that one"), kept.outcome());
    assertEquals("one one", a.who() + " " + b.who());
    Swap done = swapper.swapAll(List.of(new Move("a", "two"), new Move("b", "two")));
    assertTrue(done.done(), done.outcome());
    assertEquals("two two", a.who() + " " + b.who());
    assertEquals(2, a.add());
    assertEquals(1, b.add());
    assertThrows(
        CallFailed.BadRequest.class,
        () -> swapper.swapAll(List.of(new Move("a", "one"), new Move("*", "one"))),
        "named twice");
  }

  /** What stands below a count. */
  @Protocol(rank = 40)
  public interface Number {
    long next();

    String who();
  }

  private record Numbering(String who, long[] last) implements Number, Instance {
    @Override
    public long next() {
      return ++last[0];
    }

    @Override
    public State save() {
      return State.of("number", 1).with("last", last[0]);
    }
  }

  @Test
  void aNewServerMayAskOneThatIsHeldWithIt() {
    for (String name : List.of("low", "low too")) {
      core.register(
          name,
          (context, saved) ->
              new Numbering(name, new long[] {saved == null ? 0 : saved.number("last")}),
          Number.class);
    }
    Number below = core.create("n", Number.class, Map.of("server", "low"), Map.of(), false);
    core.register(
        "asker", (context, saved) -> new Counting("asker", new long[] {below.next()}), Count.class);
    Count above = count("a");
    // Named in the wrong order, on purpose.
    Swap both = swapper.swapAll(List.of(new Move("n", "low too"), new Move("a", "asker")));
    assertTrue(both.done(), both.outcome());
    assertEquals("asker low too", above.who() + " " + below.who());
    assertEquals(2, above.add());
    assertEquals(2, below.next(), "what the old one counted meanwhile came along");

    // One that has failed is no one to ask, and that is said at once.
    core.endpoint("n").fail("a test says so");
    long begun = System.nanoTime();
    Swap kept = swapper.swapAll(List.of(new Move("n", "low"), new Move("a", "asker")));
    assertTrue(kept.outcome().contains("n is being replaced itself"), kept.outcome());
    assertTrue(System.nanoTime() - begun < 1_500_000_000L, "without a time-out");
  }

  @Test
  void oneThatFailedAndDoesNotSaveIsReplacedWithItsCheckpoint() {
    core.register(
        "unsavable",
        (context, saved) -> {
          context.checkpoint(State.of("count", 1).with("sum", 40L));
          return new Unsavable();
        },
        Count.class);
    Count a = core.create("a", Count.class, Map.of("server", "unsavable"), Map.of(), false);
    assertThrows(CallFailed.ServerFailed.class, a::add);
    Swap mended = swapper.swap("a", "one");
    assertTrue(mended.done(), mended.outcome());
    assertEquals(41, a.add());
  }

  private static final class Unsavable implements Count, Instance {
    @Override
    public long add() {
      throw new IllegalStateException("as asked");
    }

    @Override
    public String who() {
      return "unsavable";
    }

    @Override
    public State save() {
      throw new IllegalStateException("as asked");
    }
  }

  @Test
  void howLongTheHostRanOthersIsToldApart() {
    count("a");
    Swap swap = swapper.swap("a", "two");
    assertTrue(swap.done(), swap.outcome());
    assertTrue(swap.waitedMicros() >= 0, swap.toString());
    assertTrue(RunDelay.nanos() >= 0);
    History history = new History(null);
    history.add(swap);
    assertEquals(List.of(swap), new History(history.save()).all(), "it is remembered");
  }

  @Test
  void theSwapperSwapsItselfAlsoTogetherWithOthers() {
    Count a = count("a");
    assertTrue(swapper.swap("a", "two").done());
    Swap itself = swapper.swap("swapper", "swapper");
    assertTrue(itself.done(), itself.outcome());
    Swap both = swapper.swapAll(List.of(new Move("swapper", "swapper"), new Move("a", "one")));
    assertTrue(both.done(), both.outcome());
    assertEquals("one", a.who());
    assertEquals(
        List.of("1 done", "2 done", "3 done"),
        swapper.history().stream().map(each -> each.number() + " " + each.outcome()).toList());
    assertTrue(swapper.swap("a", "two").done(), "and its authority has come along");
  }

  @Test
  void aServerThatHangsKeepsNeitherTheEndpointNorTheSwapper() {
    Count a = count("a");
    a.add();
    Swap kept = swapper.swap("a", "stuck");
    assertTrue(kept.outcome().contains("open of stuck for a did not return"), kept.outcome());
    assertEquals(2, a.add());
    assertTrue(swapper.swap("a", "two").done());
    assertEquals(3, a.add());
    stuck.countDown();
    assertEquals("two", a.who(), "what comes back too late changes nothing");
  }

  @Test
  void aStateThatNobodyTakesCanBeLeftBehind() {
    Count a = count("a");
    a.add();
    assertTrue(swapper.swapAll(List.of(new Move("a", "two", true))).done());
    assertEquals(1, a.add());
  }

  @Test
  void aPlanChangesNothingAndSaysWhatIsRefused() {
    Count a = count("a");
    List<Step> steps = swapper.plan(List.of(new Move("a", "two"), new Move("swapper", "two")));
    assertEquals(
        List.of("moves a", "refused swapper"),
        steps.stream().map(each -> each.step() + " " + each.what()).toList(),
        steps::toString);
    steps = swapper.plan(List.of(new Move("*", "none")));
    assertEquals(List.of("refused", "refused"), steps.stream().map(Step::step).toList());
    assertEquals("one", a.who());
    assertEquals(List.of(), swapper.history());
    assertThrows(CallFailed.BadRequest.class, () -> swapper.update("1", "/none"), "no framework");
  }
}
