package duality.vmm.xen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.State;
import duality.vmm.VirtualMachine;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The monitor and its back halves are replaced under a guest that works. */
@Timeout(600)
class ReplacementTest {
  @TempDir private Path folder = Path.of("");
  private XenRig xen;
  private VirtualMachine machine;

  @BeforeEach
  void boot() throws Exception {
    xen = new XenRig(folder);
    machine = xen.bootedWithDisk("a");
  }

  @AfterEach
  void end() {
    xen.close();
  }

  private String command(String line, String answer) {
    return xen.command("a", line, answer);
  }

  @Test
  void theMonitorIsReplacedWhileItsGuestChangesItsTables() {
    for (int i = 0; i < 10; i++) {
      long from = xen.rig.console("a").position();
      xen.rig.console("a").type("touch 60\r");
      xen.replace("vm/a", "vmm.xen");
      xen.rig.await(
          xen.rig.console("a"), from, "touched 60 pages, 60 faults, all zero", XenRig.SECONDS);
      command("op switch 20", "switch: 20 times");
      from = xen.rig.console("a").position();
      xen.rig.console("a").type("op fork 40\rop pipe 40\r");
      xen.replace("vm/a", "vmm.xen");
      xen.rig.await(xen.rig.console("a"), from, "pipe: 40 times", XenRig.SECONDS);
      command("gate " + (i % 2 == 0 ? "on" : "off"), "gate o");
      command("op null 20", "null: 20 times");
      command("op write 3", "write: 3 times");
    }
    command("reboot", "nano: ready");
    command("touch 60", "touched 60 pages, 60 faults, all zero");
    assertEquals(List.of(), xen.rig.core.failures(0));
  }

  @Test
  void aPausedGuestGoesOnWithAnotherInstance() {
    machine.pause();
    xen.replace("vm/a", "vmm.xen");
    assertEquals("paused", machine.report().state());
    xen.replace("vm/a", "vmm.xen");
    machine.resume();
    command("sum 1000", "sum 1000 = 0x9ac7455483036aca");
    command("idle 3", "idle 3 ticks");
    command("touch 10", "touched 10 pages, 10 faults, all zero");
  }

  @Test
  void backHalvesAreReplacedUnderTheirRings() {
    for (int i = 0; i < 10; i++) {
      long from = xen.rig.console("a").position();
      xen.rig.console("a").type("op write 40\r");
      xen.replace("vm/a/vbd0", "xen.blk");
      xen.replace("vm/a/store0", "store.file");
      xen.replace("vm/a/vcon", "xen.console");
      xen.rig.await(xen.rig.console("a"), from, "write: 40 times", XenRig.SECONDS);
      command("put 3 4 " + i, "status 0");
      command("get 3 4", "status 0");
    }
    assertEquals(List.of(), xen.rig.core.failures(0));
  }

  @Test
  void backHalvesThatHungGoOnByTheirRings() {
    for (int i = 0; i < 6; i++) {
      command("sum 10", "sum 10"); // a console that has said and heard something
      command("op write 40", "write: 40 times"); // more than a ring has places
      command("put 3 4 " + i, "status 0");
      xen.replaceHung("vm/a/vcon", "xen.console");
      command("get 3 4", "status 0");
      xen.replaceHung("vm/a/vbd0", "xen.blk");
      command("get 3 4", "status 0");
    }
    assertEquals(List.of(), xen.rig.core.failures(0));
  }

  @Test
  void aGuestOfAnotherKindIsRefusedInBothDirections() throws Exception {
    CallFailed refused = assertThrows(CallFailed.class, () -> xen.replace("vm/a", "vmm.machine"));
    assertTrue(String.valueOf(refused.getMessage()).contains("is one for 'xen'"), "" + refused);
    command("sum 1000", "sum 1000 = 0x9ac7455483036aca");
    machine.pause();
    State good = xen.rig.core.kernel().endpoint("vm/a").save();
    State guest = good.state("guest");
    for (State bad :
        List.of(
            good.with("guest", State.of("xen", 2)),
            good.with("guest", guest.with("pinned", new long[] {1})),
            good.with("guest", guest.with("pinned", new long[] {1}).with("levels", new long[] {2})),
            good.with("guest", guest.with("root", 5)),
            good.with("guest", guest.with("handlers", new long[3])),
            good.with("guest", guest.with("eventHandler", 0x8020_0001L)),
            good.with("guest", guest.with("gate", Domain.SEGMENT)),
            good.with("guest", guest.with("roots", List.of(State.of("root", 1).with("page", 1)))),
            good.with("guest", guest.with("given", new long[] {-1})))) {
      assertThrows(
          CallFailed.class,
          () -> xen.rig.core.kernel().endpoint("vm/a").open("vmm.xen", bad),
          () -> "" + bad);
    }
    machine.resume();
    command("sum 1000", "sum 1000 = 0x9ac7455483036aca");
  }
}
