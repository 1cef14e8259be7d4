package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Protocol;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.Version;

/** Servers that come and go as bundles do, several of one name, and those that hang. */
@Timeout(300)
class VerbsTest {
  private static final int CLIENTS = 4;

  /** Counts for each client by itself, so that every answer can be checked by its caller. */
  @Protocol(rank = 60, deadlineMillis = 3_000)
  public interface Tally {
    long add(int client);

    String name();

    void meet();
  }

  /** How a server misbehaves. */
  private enum Fault {
    NONE,
    OPEN_HANGS,
    OPENS_NOTHING,
    OPENS_ANOTHER_TYPE,
    OPEN_THROWS,
    SAVE_HANGS,
    SAVES_NOTHING,
    CLASSES_HANG,
    CLOSE_HANGS
  }

  private static final class Tallies implements Server {
    private final String name;
    private final Fault fault;
    private final CountDownLatch stuck = new CountDownLatch(1);
    private final CountDownLatch met = new CountDownLatch(1);
    private final CountDownLatch left = new CountDownLatch(1);
    private Runnable inside = () -> {};
    private Runnable opening = () -> {};

    Tallies(String name, Fault fault) {
      this.name = name;
      this.fault = fault;
    }

    @Override
    @SuppressWarnings("NullAway") // that is the fault
    public Instance open(duality.kernel.Context context, @Nullable State saved) {
      switch (fault) {
        case OPEN_HANGS -> await(stuck);
        case OPENS_NOTHING -> {
          return null;
        }
        case OPENS_ANOTHER_TYPE -> {
          return () -> State.of("other", 1);
        }
        case OPEN_THROWS -> throw new StackOverflowError("as asked");
        default -> {}
      }
      opening.run();
      return new Serving(this, saved == null ? new long[CLIENTS] : saved.numbers("counts"));
    }
  }

  private static final class Serving implements Tally, Instance {
    private final Tallies server;
    private final long[] counts;

    Serving(Tallies server, long[] counts) {
      this.server = server;
      this.counts = counts;
    }

    @Override
    public long add(int client) {
      return ++counts[client];
    }

    @Override
    public String name() {
      return server.name;
    }

    @Override
    public void meet() {
      server.met.countDown();
      server.inside.run();
    }

    @Override
    @SuppressWarnings("NullAway") // that is the fault
    public State save() {
      if (server.fault == Fault.SAVE_HANGS) {
        VerbsTest.await(server.stuck);
      }
      return server.fault == Fault.SAVES_NOTHING
          ? null
          : State.of("tally", 1).with("counts", counts);
    }

    @Override
    public void close() {
      if (server.fault == Fault.CLOSE_HANGS) {
        VerbsTest.await(server.stuck);
      }
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private final Core core = Core.start(2, 1 << 20, 3);
  private final Kernel kernel = core.kernel();
  private final Tallies one = new Tallies("one", Fault.NONE);
  private final Tallies two = new Tallies("two", Fault.NONE);

  @AfterEach
  void stop() {
    core.close();
  }

  private static Registration registration(String name, Server server, String version, int bundle) {
    return new Registration(
        name,
        List.of(Tally.class.getName()),
        server,
        "bundle " + version,
        Version.parseVersion(version),
        bundle,
        () -> {});
  }

  private Tally tally(String server) {
    return kernel.create("t", Tally.class, Map.of("server", server), Map.of(), false);
  }

  private void stopBundle(int bundle, String name, Server server) {
    core.serverTable().leaves(bundle, "bundle " + bundle);
    core.unregister(name, server);
    core.serverTable().left(bundle);
  }

  private void swap(String to) {
    HandOver.call(
        core,
        "swap",
        () -> {
          var endpoint = kernel.endpoint("t");
          endpoint.prepare(to);
          try (var hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
            endpoint.open(to, endpoint.save()).bind();
            return hold;
          }
        });
  }

  @Test
  void aNameMeansTheHighestVersionAndAnEndpointStaysWhereItIsBound() {
    core.register(registration("tally", one, "1.0.0", 7));
    Tally tally = tally("tally");
    core.register(registration("tally", two, "1.1.0", 8));
    assertEquals("one", tally.name(), "a new version alone moves nothing");
    assertEquals("tally#7", kernel.endpoint("t").server());
    swap("tally");
    assertEquals("two", tally.name());
    assertEquals("tally", kernel.endpoint("t").server());
    swap("tally#7");
    assertEquals("one", tally.name());
    CallFailed none = assertThrows(CallFailed.NoServer.class, () -> swap("tally#9"));
    assertTrue(none.getMessage().contains("there is tally#8, tally#7"), none.getMessage());
    assertEquals(
        List.of("tally []", "tally#7 [t]"),
        core.servers().stream().map(each -> each.name() + " " + each.endpoints()).toList());
  }

  @Test
  void ofTheSameVersionTheNewestBundleIsMeant() {
    core.register(registration("tally", two, "1.0.0", 9));
    core.register(registration("tally", one, "1.0.0", 7));
    assertEquals("two", tally("tally").name());
  }

  @Test
  void whatAServerLeavesGoesToAnotherOfItsNameBeforeASpare() {
    core.register(registration("tally", one, "1.1.0", 7));
    core.register(registration("tally", two, "1.0.0", 8));
    core.register(registration("spare", new Tallies("spare", Fault.NONE), "1.0.0", 9));
    Tally tally = tally("tally");
    tally.add(1);
    stopBundle(7, "tally", one);
    assertEquals("two", tally.name());
    assertEquals(2, tally.add(1), "with its state");
  }

  @Test
  void noCallIsLostWhenBundlesStopAndStartUnderLoad() throws Exception {
    core.register(registration("tally", one, "1.0.0", 7));
    Tally tally = tally("tally");
    AtomicReference<@Nullable String> wrong = new AtomicReference<>();
    AtomicInteger calls = new AtomicInteger();
    boolean[] stop = new boolean[1];
    Thread[] clients = new Thread[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
      int client = i;
      clients[i] =
          new Thread(
              () -> {
                long own = 0;
                while (!stop[0] && wrong.get() == null) {
                  try {
                    long answer = tally.add(client);
                    if (answer != ++own) {
                      wrong.set("client " + client + " got " + answer + " for its call " + own);
                    }
                  } catch (CallFailed e) {
                    wrong.set("client " + client + ": " + e);
                  }
                  calls.incrementAndGet();
                }
              });
      clients[i].start();
    }
    for (int i = 0; i < 300 || calls.get() <= 1_000 && wrong.get() == null; i++) {
      stopBundle(7, "tally", one);
      core.register(registration("tally", one, "1.0." + i, 7));
    }
    stop[0] = true;
    for (Thread client : clients) {
      client.join();
    }
    assertEquals(null, wrong.get());
  }

  @Test
  void aSpareStandsInUntilTheServerIsBack() {
    EndpointObject endpoint;
    core.register(registration("spare", two, "1.0.0", 8));
    core.register("router", (context, saved) -> new ToTallyElseSpare(), ToTally.class);
    core.boot("router", ToTally.class);
    core.register(registration("tally", one, "1.0.0", 7));
    Tally tally = kernel.create("t", Tally.class, Map.of(), Map.of(), false);
    endpoint = (EndpointObject) kernel.endpoint("t");
    assertEquals("one", tally.name());
    tally.add(2);
    stopBundle(7, "tally", one);
    assertEquals("two", tally.name());
    assertTrue(endpoint.standsIn());
    tally.add(2);
    core.register(registration("tally", one, "1.0.1", 7));
    assertEquals("one", tally.name());
    assertEquals(3, tally.add(2));
    // Bound to the spare on purpose, it stays there.
    swap("spare");
    stopBundle(7, "tally", one);
    core.register(registration("tally", one, "1.0.2", 7));
    assertEquals("two", tally.name());
  }

  /** The routing of this test. */
  @Protocol(rank = Protocol.ROOT)
  public interface ToTally extends duality.kernel.Router {}

  private static final class ToTallyElseSpare implements ToTally, Instance {
    @Override
    public List<String> route(String path, String protocol) {
      return List.of("tally", "spare");
    }

    @Override
    public State save() {
      return State.of("router", 1);
    }
  }

  @Test
  void aServerThatStopsItsOwnBundleFromInsideIsNoDeadlockAndItsCallIsInDoubt() {
    core.register(registration("tally", one, "1.0.0", 7));
    core.register(registration("tally", two, "0.9.0", 8));
    Tally tally = tally("tally");
    tally.add(0);
    one.inside = () -> stopBundle(7, "tally", one);
    Thread stopper = Thread.currentThread();
    two.opening = () -> watchdogLooksAt(stopper);
    long since = System.nanoTime();
    assertThrows(CallFailed.TimedOut.class, tally::meet);
    assertTrue(
        System.nanoTime() - since < TimeUnit.SECONDS.toNanos(50), "it waited for itself to end");
    assertEquals("two", tally.name());
    assertEquals(2, tally.add(0));
  }

  /** The call in which it waits was given up: the watchdog may not wake it for that. */
  private void watchdogLooksAt(Thread waiting) {
    while (waiting.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    core.watchdog.tick(System.nanoTime(), 0);
    for (int i = 0; i < 20 && !waiting.isInterrupted(); i++) {
      LockSupport.parkNanos(1_000_000); // for who was woken to notice
    }
  }

  @Test
  void aCallStillInsideWhenTheStateIsSavedIsInDoubtAndNotLostInSilence() throws Exception {
    core.register(registration("tally", one, "1.0.0", 7));
    core.register(registration("tally", two, "0.9.0", 8));
    Tally tally = tally("tally");
    one.inside = () -> await(one.left);
    AtomicReference<@Nullable Throwable> outcome = new AtomicReference<>();
    Thread caller =
        new Thread(
            () -> {
              try {
                tally.meet();
              } catch (CallFailed e) {
                outcome.set(e);
              }
            });
    caller.start();
    one.met.await();
    EndpointObject endpoint = (EndpointObject) kernel.endpoint("t");
    Departure departure =
        Departure.begin(core, List.of(endpoint), TimeUnit.MILLISECONDS.toNanos(50), "a test");
    departure.close();
    one.left.countDown();
    caller.join();
    assertTrue(outcome.get() instanceof CallFailed.TimedOut, "outcome: " + outcome.get());
    assertTrue(
        core.trace().stream().anyMatch(each -> each.toString().contains("1 calls inside")),
        () -> String.join("\n", core.trace()));
  }

  @Test
  void aNewServerThatFailsHangsOrAnswersNonsenseLeavesTheOldOneServing() {
    core.register(registration("tally", one, "1.0.0", 7));
    Tally tally = tally("tally");
    tally.add(3);
    for (Fault fault : Fault.values()) {
      if (fault == Fault.NONE || fault.name().contains("SAVE") || fault == Fault.CLOSE_HANGS) {
        continue;
      }
      Tallies bad = new Tallies("bad", fault);
      Runnable classes = fault == Fault.CLASSES_HANG ? () -> await(bad.stuck) : () -> {};
      core.register(
          new Registration(
              "bad", List.of(Tally.class.getName()), bad, "", Version.emptyVersion, 66, classes));
      CallFailed failed =
          assertThrows(CallFailed.ServerFailed.class, () -> swap("bad"), fault::name);
      assertTrue(failed.getMessage().contains("bad"), failed.getMessage());
      assertEquals("one", tally.name(), fault.name());
      bad.stuck.countDown(); // what comes back late changes nothing
      core.unregister("bad", bad);
    }
    assertEquals(2, tally.add(3));
  }

  @Test
  void aServerThatHangsInSaveIsNotHeldForEver() {
    for (Fault fault : List.of(Fault.SAVE_HANGS, Fault.SAVES_NOTHING)) {
      Tallies bad = new Tallies("bad", fault);
      core.register(registration("tally", one, "1.0.0", 7));
      core.register(registration("bad", bad, "1.0.0", 6));
      Tally tally = tally("bad");
      assertThrows(CallFailed.ServerFailed.class, () -> swap("tally"));
      assertEquals(1, tally.add(0), "it serves on");
      bad.stuck.countDown();
      kernel.remove("t");
      core.unregister("bad", bad);
    }
  }

  @Test
  void aServerThatComesWhileAnotherLeavesIsNotOverlooked() {
    core.register(registration("tally", one, "1.0.0", 7));
    Tally tally = tally("tally");
    tally.add(0);
    core.register(
        registration(
            "tally",
            (context, saved) -> {
              core.register(registration("tally", two, "0.8.0", 9)); // the gate is held just now
              throw new IllegalStateException("as asked");
            },
            "0.9.0",
            8));
    stopBundle(7, "tally", one);
    assertEquals("two", tally.name());
    assertEquals(2, tally.add(0));
  }

  @Test
  void aServerThatComesDuringAHoldOfAVacantEndpointTakesOverAfterIt() {
    core.register(registration("tally", one, "1.0.0", 7));
    Tally tally = tally("tally");
    tally.add(0);
    stopBundle(7, "tally", one);
    try (var hold = kernel.hold(List.of(kernel.endpoint("t")), TimeUnit.SECONDS.toNanos(30))) {
      assertEquals(0, hold.drained());
      core.register(registration("tally", two, "1.0.1", 8));
      Tallies gone = new Tallies("gone", Fault.NONE);
      core.register(registration("tally", gone, "2.0.0", 9));
      core.unregister("tally", gone);
      assertEquals("", kernel.endpoint("t").server());
    }
    assertEquals("two", tally.name());
    assertEquals(2, tally.add(0));
  }

  @Test
  void aBundleThatHangsInItsStopHoldsItsEndpointsNoLongerThanItsLimit() {
    core.serverTable().stopLimitNanos = TimeUnit.MILLISECONDS.toNanos(50);
    core.register(registration("tally", one, "1.0.0", 7));
    core.register(registration("tally", two, "0.9.0", 8));
    Tally tally = tally("tally");
    tally.add(0);
    core.serverTable().leaves(7, "bundle 7"); // and its activator does not come back
    assertEquals("two", tally.name());
    assertEquals(2, tally.add(0));
    CallFailed gone = assertThrows(CallFailed.NoServer.class, () -> swap("tally#7"));
    assertTrue(gone.getMessage().contains("there is no server"), gone.getMessage());
    swap("tally#8");
    // It does after all: that changes nothing any more.
    core.unregister("tally", one);
    core.serverTable().left(7);
    assertEquals("two", tally.name());
    assertEquals(3, tally.add(0));
    core.register(registration("tally", one, "1.0.1", 7));
    swap("tally#7");
    assertEquals(4, tally.add(0));
  }

  @Test
  void whatAHangingBundleLeavesWithoutASuccessorIsThereForTheNext() {
    core.serverTable().stopLimitNanos = TimeUnit.MILLISECONDS.toNanos(50);
    core.register(registration("tally", one, "1.0.0", 7));
    Tally tally = tally("tally");
    tally.add(0);
    core.serverTable().leaves(7, "bundle 7");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (!kernel.endpoint("t").report().condition().startsWith("vacant")) {
      assertTrue(System.nanoTime() < deadline, () -> "" + kernel.endpoint("t").report());
      Thread.onSpinWait();
    }
    core.register(registration("tally", two, "0.8.0", 9));
    assertEquals("two", tally.name());
    assertEquals(2, tally.add(0));
  }

  @Test
  void aServerThatHangsInCloseHoldsUpNobody() {
    Tallies bad = new Tallies("bad", Fault.CLOSE_HANGS);
    core.register(registration("tally", one, "1.0.0", 7));
    core.register(registration("bad", bad, "1.0.0", 6));
    Tally tally = tally("bad");
    tally.add(0);
    swap("tally");
    assertEquals(2, tally.add(0));
    bad.stuck.countDown();
  }

  @Test
  void whatIsBoundTooLateIsRefused() {
    core.register(registration("tally", one, "1.0.0", 7));
    Tally tally = tally("tally");
    var endpoint = kernel.endpoint("t");
    var opened = endpoint.open("tally", null);
    assertThrows(CallFailed.BadRequest.class, opened::bind, "nobody holds it");
    duality.kernel.Endpoint.Opened inHold;
    try (var hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      assertEquals(0, hold.drained());
      inHold = endpoint.open("tally", null);
    }
    try (var another = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(30))) {
      assertEquals(0, another.drained());
      assertThrows(CallFailed.BadRequest.class, inHold::bind, "that hold is over");
    }
    assertEquals(1, tally.add(0));
  }
}
