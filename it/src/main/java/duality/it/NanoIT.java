package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.Boot;
import duality.servers.Root;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The small guest, in the system as it is delivered. */
class NanoIT {
  private static final long SECONDS = 120;

  @Test
  void nanoBootsComputesSwitchesItselfOffAndGivesItsMemoryBack() throws Exception {
    Root root = Services.service(Root.class);
    long free = root.balance().free();
    Boot boot = Services.boot("nano");
    try (RunningMachine nano = new RunningMachine(root, "nano-it", boot, Map.of())) {
      nano.await(0, boot.readyLine(), SECONDS);
      nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
      nano.command("touch 200", "touched 200 pages, 200 faults, all zero", SECONDS);
      assertTrue(root.balance().free() < free, "memory is charged");
      nano.command("off", "nano: off", SECONDS);
      nano.until("stopped", SECONDS, () -> nano.machine.report().state().equals("stopped"));
    }
    assertEquals(free, root.balance().free(), "all frames are back");
    assertEquals(0, root.paths(duality.vmm.VirtualMachine.class).size(), "no machine is left");
  }
}
