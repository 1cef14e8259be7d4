package duality.supervisor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Idempotent;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Protocol;
import duality.kernel.Router;
import duality.kernel.Server;
import duality.kernel.State;
import duality.kernel.core.Core;
import duality.servers.Supervisor;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Real failures in a real core: who serves afterwards, from which state, and what is written. */
@Timeout(300)
class SupervisorTest {
  /** A sum with faults on demand. */
  @Protocol(rank = 60, deadlineMillis = 5_000)
  public interface Sum {
    long add(long amount);

    @Idempotent
    String name();

    long crash();
  }

  /** Sends every endpoint to the three servers of the test. */
  @Protocol(rank = Protocol.ROOT)
  public interface Way extends Router {}

  record Routing(List<String> servers) implements Way, Instance {
    @Override
    public List<String> route(String path, String protocol) {
      return path.equals("supervisor") ? List.of("supervisor") : servers;
    }

    @Override
    public State save() {
      return State.of("way", 1);
    }
  }

  /** What instances of a server do wrong, by the server's name. */
  private final Set<String> wrongs = ConcurrentHashMap.newKeySet();

  private final CountDownLatch end = new CountDownLatch(1);
  private final CountDownLatch hanging = new CountDownLatch(1);

  final class SumServer implements Server {
    private final String name;

    SumServer(String name) {
      this.name = name;
    }

    @Override
    public Instance open(Context context, @Nullable State saved) {
      if (wrong("open hangs")) {
        awaitEnd();
      }
      if (wrong("refuses") && saved != null) {
        throw new State.Refused("no state is good enough");
      }
      return new Summing(saved == null ? 0 : saved.number("sum", 0, 1_000));
    }

    boolean wrong(String what) {
      return wrongs.contains(name + " " + what);
    }

    final class Summing implements Sum, Instance {
      private long sum;

      Summing(long sum) {
        this.sum = sum;
      }

      @Override
      public synchronized long add(long amount) {
        if (wrong("crashes")) {
          throw new IllegalStateException("poisoned");
        }
        return sum += amount;
      }

      @Override
      public String name() {
        if (wrongs.remove(name + " is asked")) {
          throw new IllegalStateException("once");
        }
        return name;
      }

      @Override
      public long crash() {
        throw new IllegalStateException("as asked");
      }

      @Override
      public State save() {
        if (wrong("save hangs")) {
          awaitEnd();
        }
        return State.of("sum", 1).with("sum", sum);
      }

      @Override
      public void check() {
        if (wrong("is unsound")) {
          throw new IllegalStateException("unsound");
        }
      }
    }
  }

  private final Core core = Core.start(1, 1 << 20, 5);
  private final Supervisor supervisor;
  private final Sum sum;

  SupervisorTest() {
    Recovery.shortLifeNanos = TimeUnit.MINUTES.toNanos(1); // what loops here does so on any host
    core.register(
        "way", (context, saved) -> new Routing(List.of("one", "two", "three")), Way.class);
    for (String name : List.of("one", "two", "three")) {
      core.register(name, new SumServer(name), Sum.class);
    }
    core.register(
        "supervisor",
        (context, saved) ->
            new SupervisorInstance(
                hangingWhenAsked(context),
                Policies.read(
                    "exact restart*2 exact\nkept restart checkpoint=1ms\n** restart*3, spare"),
                saved),
        Supervisor.class);
    core.boot("way", Way.class);
    supervisor =
        core.create("supervisor", Supervisor.class, Map.of("control", "true"), Map.of(), false);
    sum = sum("s");
  }

  /** A context with a kernel in which whoever mends hangs, when the test wants it so. */
  private Context hangingWhenAsked(Context context) {
    Kernel kernel =
        proxy(
            Kernel.class,
            (self, method, arguments) -> {
              // The first one only: the next supervisor may be there before the test says more.
              if (method.getName().equals("endpoint") && wrongs.remove("mender hangs")) {
                hanging.countDown();
                awaitEnd();
              }
              return invoked(context.kernel(), method, arguments);
            });
    return proxy(
        Context.class,
        (self, method, arguments) ->
            method.getName().equals("kernel") ? kernel : invoked(context, method, arguments));
  }

  private static @Nullable Object invoked(Object target, Method method, Object[] arguments)
      throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(
        Proxy.newProxyInstance(
            SupervisorTest.class.getClassLoader(), new Class<?>[] {type}, handler));
  }

  @Test
  void aRepairThatHangsIsFoundAndTheNextSupervisorMends() throws InterruptedException {
    sum.add(41);
    wrongs.add("mender hangs");
    crash(sum);
    hanging.await();
    String before = core.endpoint("supervisor").report().condition();
    assertEquals("open", before, "nothing is to be seen from outside yet");
    // As the swapper does all the time.
    await("a failed check", () -> checkFails("supervisor"));
    String reason = core.failures(0).getLast().reason();
    assertTrue(reason.contains("the repair of s does not get on"), reason);
    assertEquals(42, sum.add(1), "mended by the next one");
  }

  private boolean checkFails(String path) {
    try {
      core.endpoint(path).check();
      return false;
    } catch (CallFailed.ServerFailed found) {
      return true;
    }
  }

  @Test
  void aSupervisorThatGoesRoundIsSound() {
    crash(sum);
    last();
    for (int i = 0; i < 3; i++) {
      core.endpoint("supervisor").check();
    }
    assertEquals("open", core.endpoint("supervisor").report().condition());
  }

  private Sum sum(String path) {
    return core.create(path, Sum.class, Map.of(), Map.of(), false);
  }

  private void awaitEnd() {
    try {
      end.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @AfterEach
  void stop() {
    end.countDown();
    core.close();
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "waited in vain for: " + what);
      Thread.onSpinWait();
    }
  }

  private static void crash(Sum sum) {
    assertThrows(CallFailed.ServerFailed.class, sum::crash);
  }

  private Supervisor.Incident last() {
    await(
        "the end of the repair",
        () -> !supervisor.log().isEmpty() && !supervisor.log().getLast().outcome().isEmpty());
    return supervisor.log().getLast();
  }

  @Test
  void aServerThatCrashesIsRestartedFromItsStateAndTheNextCallNoticesNothing() {
    sum.add(41);
    crash(sum);
    assertEquals(42, sum.add(1));
    Supervisor.Incident incident = last();
    assertEquals("s", incident.endpoint());
    assertEquals("one", incident.server());
    assertEquals("restart*3: one started from its state", incident.outcome());
    assertTrue(incident.micros() >= 0, incident::toString);
    assertTrue(incident.stack().getFirst().contains("crash"), incident::toString);
  }

  @Test
  void aCrashLoopGoesThroughTheStepsAndEndsWithAClearError() {
    for (int i = 0; i < 3; i++) {
      sum.add(1);
      crash(sum);
      assertEquals("one", sum.name(), "restart " + (i + 1));
    }
    crash(sum);
    assertEquals("two", sum.name(), "the spare");
    crash(sum);
    CallFailed.ServerFailed refused =
        assertThrows(CallFailed.ServerFailed.class, () -> sum.add(1), "given up");
    String text = String.valueOf(refused.getMessage());
    assertTrue(text.contains("given up after 5 failures"), text);
    assertTrue(text.contains("kernel:swap s"), text);
    var endpoint = core.endpoint("s");
    try (var hold = core.hold(List.of(endpoint), 30_000_000_000L)) {
      endpoint.open("three", null).bind();
    }
    assertEquals("three", sum.name(), "a person can still mend it");
    crash(sum);
    assertEquals("three", sum.name(), "and what was swapped in begins at the first step");
  }

  @Test
  void aServerThatWasSwappedInAndFailsGivesWayToTheOneBefore() {
    sum.add(41);
    swap("s", "three");
    assertEquals("three", sum.name());
    crash(sum);
    assertEquals("one", sum.name());
    assertEquals(42, sum.add(1), "with the state of the bad one");
    assertEquals("the swap was bad: one started from its state", last().outcome());
    crash(sum);
    assertEquals("one", sum.name(), "the one before is restarted when it fails itself");

    // One that replaced a server that had failed is no worse than that one.
    Sum other = sum("other");
    supervisor.rule("other", "spare, restart");
    crash(other);
    assertEquals("two", other.name());
    crash(other);
    assertEquals("two", other.name());
  }

  @Test
  void whatIsKilledByCommandIsMendedAsIfItHadCrashed() {
    sum.add(41);
    supervisor.kill("s");
    assertEquals(42, sum.add(1), "the next call waits for the repair");
    assertEquals("killed by command", last().reason());
    assertEquals("restart*3: one started from its state", last().outcome());
    supervisor.rule("s", "giveup");
    supervisor.kill("s");
    last();
    assertThrows(CallFailed.ServerFailed.class, () -> sum.add(1));
    assertThrows(CallFailed.BadRequest.class, () -> supervisor.kill("s"), "it is dead already");
    assertThrows(CallFailed.class, () -> supervisor.kill("nowhere"));
    supervisor.kill("supervisor");
    await("the kernel", () -> core.endpoint("supervisor").report().condition().equals("open"));
    assertEquals("command", supervisor.rules().getFirst().from(), "and it knows its rules");
  }

  @Test
  void whatIsLeftDeadIsMendedInItsTimeAndNoSooner() {
    sum.add(41);
    long begun = System.nanoTime();
    supervisor.kill(List.of("s"), 200);
    assertEquals(42, sum.add(1), "the next call waits for the repair");
    assertTrue(
        System.nanoTime() - begun >= TimeUnit.MILLISECONDS.toNanos(200), "mended before its time");
    assertThrows(CallFailed.BadRequest.class, () -> supervisor.kill(List.of("s"), -1));
    assertThrows(CallFailed.BadRequest.class, () -> supervisor.kill(List.of("s", "nowhere"), 10));
    assertEquals("open", core.endpoint("s").report().condition(), "all are killed, or none");
  }

  @Test
  void aSupervisorThatWasSwappedInAndFailsGivesWayToTheOneBefore() {
    core.register(
        "supervisor.new",
        (context, saved) -> new SupervisorInstance(context, Policies.read("** restart"), saved),
        Supervisor.class);
    supervisor.rule("s", "spare");
    swap("supervisor", "supervisor.new");
    assertEquals("supervisor.new", core.endpoint("supervisor").server());
    supervisor.kill("supervisor");
    await("the one before", () -> core.endpoint("supervisor").server().equals("supervisor"));
    crash(sum);
    assertEquals("two", sum.name(), "with the rules that it was given");
  }

  private void swap(String path, String server) {
    var endpoint = core.endpoint(path);
    try (var hold = core.hold(List.of(endpoint), 30_000_000_000L)) {
      endpoint.open(server, endpoint.save()).bind();
    }
  }

  @Test
  void inACrashLoopOlderStatesAreTaken() {
    sum.add(10);
    crash(sum);
    assertEquals(10, sum.add(0), "what it saved");
    core.endpoint("s").checkpoint(State.of("sum", 1).with("sum", 5));
    crash(sum);
    assertEquals(5, sum.add(0), "the checkpoint");
    crash(sum);
    assertEquals(0, sum.add(0), "nothing");
  }

  @Test
  void aSpareGetsNoStateFromWhichItsClientsHaveGoneOn() {
    Recovery.shortLifeNanos = 0; // each of these lives long enough
    sum.add(10);
    for (int i = 0; i < 3; i++) {
      crash(sum);
      assertEquals(11 + i, sum.add(1));
    }
    crash(sum);
    assertEquals("two", sum.name());
    assertEquals(13, sum.add(0));
  }

  @Test
  void aSpareGetsTheStateOfBeforeTheCrashLoop() {
    sum.add(10);
    for (int i = 0; i < 3; i++) {
      crash(sum);
      assertEquals("one", sum.name());
    }
    crash(sum);
    assertEquals("two", sum.name());
    assertEquals(10, sum.add(0), "and not the nothing that the last restart began with");
  }

  @Test
  void aStateThatIsRefusedOrNotGivenGivesWayToTheNext() {
    sum.add(7);
    core.endpoint("s").checkpoint(State.of("sum", 1).with("sum", 3));
    wrongs.add("one save hangs");
    crash(sum);
    assertEquals(3, sum.add(0), "the save hangs: the checkpoint");
    wrongs.clear();
    await("the record", () -> last().outcome().contains("checkpoint"));
    wrongs.add("one refuses");
    Sum other = sum("other");
    other.add(7);
    crash(other);
    assertEquals(0, other.add(0), "refused: afresh");
  }

  @Test
  void anExactEndpointHasWhatItLeftItselfAndElseNothing() {
    Sum exact = sum("exact");
    exact.add(7);
    core.endpoint("exact").checkpoint(State.of("sum", 1).with("sum", 3));
    crash(exact);
    assertEquals(7, exact.add(0), "what it saves comes first");
    crash(exact);
    assertEquals(3, exact.add(0), "when that was in vain, what it left");
    wrongs.add("one refuses");
    crash(exact);
    assertThrows(CallFailed.ServerFailed.class, () -> exact.add(0));
    assertTrue(last().outcome().endsWith("given up"), () -> last().toString());
  }

  @Test
  void aRuleSetByCommandCountsAndSurvivesTheSupervisor() {
    supervisor.rule("s", "spare, giveup");
    var endpoint = core.endpoint("supervisor");
    try (var hold = core.hold(List.of(endpoint), 30_000_000_000L)) {
      endpoint.open("supervisor", endpoint.save()).bind();
    }
    sum.add(3);
    crash(sum);
    assertEquals("two", sum.name());
    assertEquals(3, sum.add(0), "the spare has the state");
    endpoint.fail("the test wants the core to restart it");
    await("the restart", () -> endpoint.report().condition().equals("open"));
    crash(sum);
    assertThrows(CallFailed.ServerFailed.class, () -> sum.add(0), "giveup follows");
    assertEquals("command", supervisor.rules().getFirst().from());
  }

  @Test
  void anOpenThatHangsIsLeftBehind() {
    wrongs.add("one open hangs");
    supervisor.rule("s", "restart, spare");
    crash(sum);
    // The kernel cuts the open off after half of the deadline; the other states are not tried.
    await(
        "the spare",
        () -> {
          try {
            return sum.name().equals("two");
          } catch (CallFailed e) {
            return false;
          }
        });
  }

  @Test
  void aRequestThatMayBeRepeatedIsAndTheOthersAreNot() {
    wrongs.add("one is asked");
    assertEquals("one", sum.name(), "the caller does not notice");
    assertEquals(1, supervisor.log().size());
    wrongs.add("one crashes");
    assertThrows(
        CallFailed.ServerFailed.class, () -> sum.add(1), "adding twice is not adding once");
    wrongs.clear();
    assertEquals(0, sum.add(0));
    supervisor.rule("s", "giveup");
    wrongs.add("one is asked");
    assertThrows(CallFailed.ServerFailed.class, sum::name, "nobody mends it");
  }

  @Test
  void anUnsoundServerIsFoundByItsCheck() {
    sum.add(9);
    wrongs.add("one is unsound");
    await("the heartbeat", () -> !supervisor.log().isEmpty());
    wrongs.clear();
    assertEquals(9, sum.add(0));
    assertEquals("CHECK", supervisor.log().getFirst().kind());
  }

  @Test
  void checkpointsAreTakenAtTheirInterval() {
    Sum kept = sum("kept");
    kept.add(11);
    await(
        "a checkpoint with the sum",
        () -> {
          State state = core.endpoint("kept").checkpoint();
          return state != null && state.number("sum") == 11;
        });
    Supervisor.Watched watched =
        supervisor.watched().stream()
            .filter(each -> each.endpoint().equals("kept"))
            .findFirst()
            .orElseThrow();
    assertTrue(watched.checkpoint() >= 0, watched::toString);
    assertFalse(core.endpoint("s").checkpoint() != null, "only where the policy says so");
  }
}
