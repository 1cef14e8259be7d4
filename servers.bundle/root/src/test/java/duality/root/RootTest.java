package duality.root;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Frame;
import duality.kernel.core.Core;
import duality.servers.Root;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Frames and quotas on the real core, and the routing file. */
class RootTest {
  private final Core core = Core.start(1, 4 << 20);
  private Root root;

  RootTest() {
    core.register("root", new RootServer(), Root.class);
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
