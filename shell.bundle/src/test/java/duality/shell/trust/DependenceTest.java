package duality.shell.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import duality.kernel.CapabilityReport;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DependenceTest {
  private static CapabilityReport edge(String holder, String target, boolean call, String via) {
    return new CapabilityReport(holder, target, via.equals("engine") ? "Engine" : "Any", call, via);
  }

  private final Dependence graph =
      new Dependence(
          List.of(
              edge("vm/a", "vm/a/blk0", true, "held"),
              edge("vm/a/blk0", "disks", true, "slot backend"),
              edge("disks", "vm/a", false, "held"),
              edge("vm/a", "interpreter", true, "engine"),
              edge("vm/a", "scheduler", true, "scheduler"),
              edge("vm/b", "scheduler", true, "scheduler"),
              edge("vm/b", "interpreter", true, "engine"),
              edge("vm/b", "space vm/b:memory", false, "slot region")));

  @Test
  void guestsAreThoseWithThreads() {
    assertEquals(Set.of("vm/a", "vm/b"), graph.guests());
  }

  @Test
  void theWayDownIsSaid() {
    Map<String, String> ways = graph.below(List.of("vm/a"));
    assertEquals("vm/a > vm/a/blk0 (held) > disks (slot backend)", ways.get("disks"));
    assertEquals("vm/a > engine interpreter (engine)", ways.get("engine interpreter"));
    assertFalse(
        graph.below(List.of("vm/b")).containsKey("disks"), "nothing leads from b to the disks");
  }

  @Test
  void upwardCapabilitiesMakeNobodyDepend() {
    assertEquals(Map.of("disks", "disks"), graph.below(List.of("disks")));
  }

  @Test
  void whoStallsIsWhoCanReachIt() {
    assertEquals(Set.of("vm/a"), graph.stalled(List.of("disks"), none -> false).keySet());
    assertEquals(
        Set.of("vm/a", "vm/b"), graph.stalled(List.of("scheduler"), none -> false).keySet());
    assertEquals(
        Set.of(), graph.stalled(List.of("scheduler"), "scheduler"::equals).keySet(), "last resort");
    assertEquals(
        Set.of("vm/a", "vm/b"),
        graph.stalled(List.of("disks", "vm/b"), none -> false).keySet(),
        "all that one bundle serves");
  }
}
