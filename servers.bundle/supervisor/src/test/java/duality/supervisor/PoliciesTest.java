package duality.supervisor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoliciesTest {
  private final Policies policies =
      Policies.read("vm/*/blk* restart*3, giveup exact # disks\n\n** restart, spare");

  @Test
  void theFileOfTheBundleCanBeRead() {
    Policies delivered = Policies.read(SupervisorServer.policies());
    assertTrue(delivered.of("vm/a/pager").exact(), "an old state of a pager would be wrong");
    assertEquals(2_000_000_000L, delivered.of("vm/a/uart").checkpointNanos());
  }

  @Test
  void theFirstLineThatMatchesCounts() {
    assertEquals("restart*3, giveup exact", policies.of("vm/a/blk0").toString());
    assertEquals("restart, spare", policies.of("vm/a").toString());
  }

  @Test
  void whatIsSetByCommandGoesBeforeTheFile() {
    policies.set("vm/a/*", "fresh checkpoint=500ms");
    policies.set("vm/a/blk1", "giveup");
    assertEquals("fresh checkpoint=500ms", policies.of("vm/a/blk0").toString());
    assertEquals("giveup", policies.of("vm/a/blk1").toString(), "a path before a pattern");
    policies.set("vm/a/*", "");
    assertEquals("restart*3, giveup exact", policies.of("vm/a/blk0").toString());
    Policies next = Policies.read("** restart");
    next.restore(policies.save());
    assertEquals("giveup", next.of("vm/a/blk1").toString());
  }

  @Test
  void nonsenseIsRefusedWithWhatWouldBeRight() {
    for (String wrong :
        List.of("restrat", "restart*0", "restart*999", "exact", "restart checkpoint=2h")) {
      CallFailed.BadRequest refused =
          assertThrows(CallFailed.BadRequest.class, () -> policies.set("vm/a", wrong), wrong);
      assertTrue(String.valueOf(refused.getMessage()).contains(wrong), refused::getMessage);
    }
    assertThrows(
        CallFailed.BadRequest.class, () -> policies.set("vm/a", "restart exact checkpoint=2s"));
    assertThrows(CallFailed.BadRequest.class, () -> policies.set("a b", "restart"));
    assertThrows(CallFailed.BadRequest.class, () -> policies.set("never/set", ""));
    IllegalArgumentException line =
        assertThrows(IllegalArgumentException.class, () -> Policies.read("** restart\nvm/* spaer"));
    assertTrue(String.valueOf(line.getMessage()).contains("line 2"), line::getMessage);
    assertThrows(IllegalArgumentException.class, () -> Policies.read("vm/* restart"));
  }
}
