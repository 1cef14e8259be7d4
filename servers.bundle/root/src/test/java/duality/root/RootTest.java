package duality.root;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Frame;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.State;
import duality.kernel.TraceEvent;
import duality.kernel.core.Core;
import duality.servers.Root;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Frames and quotas on the real core, and the routing file. */
class RootTest {
  private final Core core = Core.start(1, 4 << 20, 20);
  private final RootServer server = new RootServer();
  private Root root;

  RootTest() {
    core.register("root", server, Root.class);
    core.boot("root", Root.class);
    root = core.kernel().connect("root", Root.class);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  @Test
  void theBuiltInRoutingKnowsTheMachineAndItsDevices() {
    assertEquals(List.of("vmm.machine"), root.route("vm/a", ""));
    assertEquals(List.of("virtio.blk"), root.route("vm/a/blk0", ""));
    assertEquals(List.of("console.host"), root.route("vm/b/agent-port", ""));
    assertEquals(List.of("pager.demand", "pager.pinned"), root.route("task/7/pager", ""));
    assertThrows(CallFailed.BadRequest.class, () -> root.route("elsewhere", ""));
  }

  /** A protocol that root has never heard of. */
  @Protocol(rank = Protocol.BACKEND)
  public interface Greeter {
    String greet();
  }

  private record Greeting(String word) implements Greeter, Instance {
    @Override
    public String greet() {
      return word;
    }

    @Override
    public State save() {
      return State.of("greeter", 1);
    }
  }

  /** A server comes that asks for a path, as a component of a bundle does. */
  private void asks(String path, String name) {
    core.register(name, (context, saved) -> new Greeting(name), Greeter.class);
    server.asking().add(new Asking.Request(path, name, Greeter.class.getName(), Class::forName));
  }

  /** Waits for an event in the kernel's trace. */
  private String event(String part) {
    long next = 0;
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (System.nanoTime() - end < 0) {
      for (TraceEvent each : core.trace(next, 1_000)) {
        if (each.text().contains(part)) {
          return each.text();
        }
        next = each.number() + 1;
      }
    }
    throw new AssertionError("no event says '" + part + "': " + core.trace());
  }

  @Test
  void whoAsksForAServiceHasItAndTheSecondIsItsSpare() {
    assertThrows(CallFailed.BadRequest.class, () -> root.route("service/hello", ""));
    asks("service/hello", "first");
    event("service/hello is served by first");
    assertEquals("first", root.connect("service/hello", Greeter.class).greet());
    asks("service/hello", "second");
    assertEquals(List.of("first", "second"), root.route("service/hello", ""));
    assertEquals(
        "first", root.connect("service/hello", Greeter.class).greet(), "the first keeps it");
    server.asking().remove("service/hello", "first");
    assertEquals(List.of("second"), root.route("service/hello", ""));
  }

  @Test
  void whatIsNotToBeAskedForIsNotGiven() {
    for (String path : List.of("vm/a", "swapper", "service/a/b", "service/", "root")) {
      asks(path, "server of " + path);
    }
    asks("service/last", "last");
    event("service/last is served by last");
    event(
        "vm/a is not made for server of vm/a: root's routing file lets servers ask for service/*");
    event("service/a/b is not made");
    event("service/ is not made");
    assertEquals(List.of("service/last"), root.paths(Greeter.class));
  }

  @Test
  void framesAreChargedAndComeBack() {
    long all = root.balance().free();
    Frame frames = root.allocate("vm/a/pager", 10);
    assertEquals(all - 10, root.balance().free());
    assertEquals(Map.of("vm/a/pager", 10L), root.balance().owners());
    root.free("vm/a/pager", frames.part(2, 3));
    assertEquals(7L, root.balance().owners().get("vm/a/pager"));
    assertThrows(CallFailed.class, () -> root.free("vm/b/pager", frames));
    root.free("vm/a/pager", frames.part(0, 2));
    root.free("vm/a/pager", frames.part(5, 5));
    assertEquals(all, root.balance().free());
    assertThrows(CallFailed.BadRequest.class, () -> root.allocate("x", all + 1));
  }

  private void saved(State state) {
    Endpoint endpoint = core.endpoint("root");
    endpoint.open("root", state).discard();
  }

  @Test
  void framesThatAreNobodysAreNotGivenOutAgain() {
    long all = root.balance().total();
    State a = State.of("owner", 1).with("path", "vm/a/pager").with("runs", new long[] {16, 10});
    State b = State.of("owner", 1).with("path", "vm/b/pager").with("runs", new long[] {32, 5});
    State right =
        State.of("root", 2)
            .with("frames", all)
            .with("free", new long[] {0, 16, 26, 6, 37, all - 37});
    saved(right.with("owners", List.of(a, b)));
    assertEquals(
        List.of(), core.trace().stream().filter(each -> each.contains("nobody's")).toList());
    // As after a call that broke off, or from a version that forgets an owner.
    saved(right.with("owners", List.of(a)));
    event("5 frames are nobody's and are not given out again");
    State owned = right.with("owners", List.of(a, b)).with("free", new long[] {0, 17});
    var refused = assertThrows(CallFailed.ServerFailed.class, () -> saved(owned));
    assertTrue(refused.toString().contains("frames 0 + 17 are free, and"), refused::toString);
    // A version that did not say what is free.
    saved(State.of("root", 1).with("frames", all).with("owners", List.of(a)));
  }

  @Test
  void randomAllocationsLoseNoFrame() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    long all = root.balance().free();
    List<Frame> held = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      if (random.nextInt(3) > 0 || held.isEmpty()) {
        try {
          held.add(root.allocate("o", 1 + random.nextInt(40)));
        } catch (CallFailed.BadRequest full) {
          held.forEach(frame -> root.free("o", frame));
          held.clear();
        }
      } else {
        root.free("o", held.remove(random.nextInt(held.size())));
      }
      long sum = held.stream().mapToLong(Frame::count).sum();
      assertEquals(all, root.balance().free() + sum, "seed " + seed + " step " + i);
    }
  }

  @Test
  void aWrongRoutingFileSaysWhichLine() {
    var wrong =
        assertThrows(
            IllegalArgumentException.class, () -> Routing.read("# one\nvm/* vmm.machine fast\n"));
    assertTrue(wrong.getMessage().contains("line 2"), wrong.getMessage());
    assertThrows(IllegalArgumentException.class, () -> Routing.read("quota vm/* lots"));
    assertFalse(Routing.matches("vm/*", "vm/a/b"));
    assertTrue(Routing.matches("vm/*/blk*", "vm/a/blk12"));
  }

  @Test
  void nobodyTakesControlByAConfiguration() {
    assertThrows(
        CallFailed.BadRequest.class,
        () -> root.create("vm/a", Root.class, Map.of("control", "true")));
  }
}
