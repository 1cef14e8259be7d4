package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Protocol;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.Version;

/** What becomes of instances that open too late, are bound in vain, or hang when asked. */
@Timeout(300)
class LateTest {
  /** Says which one serves. */
  @Protocol(rank = 60, deadlineMillis = 500)
  public interface Name {
    String name();
  }

  private final class Named implements Name, Instance {
    private final String name;

    Named(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public State save() {
      if (name.equals("hangs")) {
        spin();
      }
      return State.of("name", 1);
    }

    @Override
    public void close() {
      if (name.equals("next")) {
        closed.countDown();
      }
    }
  }

  private final CountDownLatch go = new CountDownLatch(1);
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Core core = Core.start(1, 1 << 20, 12);

  LateTest() {
    core.register("first", (context, saved) -> new Named("first"), Name.class);
    core.register("next", (context, saved) -> new Named("next"), Name.class);
    core.register("hangs", (context, saved) -> new Named("hangs"), Name.class);
  }

  @AfterEach
  void stop() {
    go.countDown();
    core.close();
  }

  /** Hears of no interrupt. */
  private void spin() {
    while (go.getCount() > 0) {
      Thread.onSpinWait();
    }
  }

  private Name name(String server) {
    return core.create("n", Name.class, Map.of("server", server), Map.of(), false);
  }

  private Kernel.Hold hold() {
    return core.hold(List.of(core.endpoint("n")), TimeUnit.SECONDS.toNanos(30));
  }

  private Endpoint.Opened openNext() {
    return core.endpoint("n").open("next", null);
  }

  @Test
  void whatOpensTooLateIsClosed() throws Exception {
    Name name = name("first");
    Server slow =
        (context, saved) -> {
          spin();
          return new Named("next");
        };
    core.register("slow", slow, Name.class);
    try (var hold = hold()) {
      assertEquals(0, hold.drained());
      assertThrows(CallFailed.ServerFailed.class, () -> core.endpoint("n").open("slow", null));
    }
    assertEquals("first", name.name());
    go.countDown();
    assertTrue(closed.await(100, TimeUnit.SECONDS));
  }

  @Test
  void whatWasOpenedBesideOneThatHangsIsClosed() throws Exception {
    name("first");
    core.create("other", Name.class, Map.of("server", "hangs"), Map.of(), false);
    var set = List.of(core.endpoint("n"), core.endpoint("other"));
    assertThrows(
        CallFailed.ServerFailed.class,
        () ->
            core.handOver(
                "a swap",
                false,
                () -> {
                  try (var hold = core.hold(set, TimeUnit.SECONDS.toNanos(30))) {
                    openNext();
                    core.endpoint("other").save();
                    return hold;
                  }
                }));
    assertTrue(closed.await(100, TimeUnit.SECONDS));
  }

  @Test
  void whatServesIsNotDiscarded() {
    Name name = name("first");
    try (var hold = hold()) {
      assertEquals(0, hold.drained());
      var next = openNext();
      next.bind();
      next.discard();
    }
    assertEquals("next", name.name());
    assertEquals(1, closed.getCount());
  }

  @Test
  void whatIsRefusedIsClosed() throws Exception {
    name("first");
    var refused = openNext();
    assertThrows(CallFailed.BadRequest.class, refused::bind, "nobody holds it");
    assertTrue(closed.await(100, TimeUnit.SECONDS));
  }

  @Test
  void aSaveThatHangsIsNotAskedForAgainAndAgain() {
    name("hangs");
    var endpoint = core.endpoint("n");
    for (int i = 0; i < 3; i++) {
      assertThrows(
          CallFailed.TimedOut.class, () -> endpoint.salvage(TimeUnit.MILLISECONDS.toNanos(5)));
    }
    long asking =
        Thread.getAllStackTraces().keySet().stream()
            .filter(each -> each.getName().endsWith("salvage n"))
            .count();
    assertEquals(1, asking);
  }

  @Test
  void aServerThatWentBeforeItWasBoundDoesNotStay() {
    Server going = (context, saved) -> new Named("next");
    core.register("router", (context, saved) -> new ToFirst(), Router.class);
    core.boot("router", Router.class);
    core.register("going", going, Name.class);
    Name name = core.create("n", Name.class, Map.of(), Map.of(), false);
    try (var hold = hold()) {
      assertEquals(0, hold.drained());
      var opened = core.endpoint("n").open("going", core.endpoint("n").save());
      core.unregister("going", going);
      opened.bind();
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (!core.endpoint("n").server().equals("first")) {
      assertTrue(System.nanoTime() < deadline, "still with " + core.endpoint("n").server());
      Thread.onSpinWait();
    }
    assertEquals("first", name.name());
  }

  /** The routing of this test. */
  @Protocol(rank = Protocol.ROOT)
  public interface Router extends duality.kernel.Router {}

  private static final class ToFirst implements Router, Instance {
    @Override
    public List<String> route(String path, String protocol) {
      return List.of("first");
    }

    @Override
    public State save() {
      return State.of("router", 1);
    }
  }

  @Test
  void errorsInTheClassesOfAServerReachNobodyElse() {
    name("first");
    core.register(
        new Registration(
            "bad",
            List.of(Name.class.getName()),
            (context, saved) -> new Named("bad"),
            "",
            Version.emptyVersion,
            66,
            () -> {
              throw new AssertionError("as asked");
            }));
    assertThrows(CallFailed.ServerFailed.class, () -> core.endpoint("n").prepare("bad"));
  }
}
