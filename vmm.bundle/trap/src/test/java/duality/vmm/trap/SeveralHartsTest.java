package duality.vmm.trap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.State;
import duality.vmm.VirtualMachine;
import duality.vmm.machine.Rig;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** This monitor runs one hart; who wants more is told so, and keeps what there is. */
@Timeout(600)
class SeveralHartsTest {
  private static final long SECONDS = 120;

  @TempDir private Path folder = Path.of("");

  private Map<String, String> config() throws Exception {
    Path nano = folder.resolve("nano.elf");
    try (InputStream image = SeveralHartsTest.class.getResourceAsStream("/nano/nano.elf")) {
      assertTrue(image != null, "nano.elf is on the class path");
      Files.copy(image, nano);
    }
    return Map.of("memory", "16777216", "kernel", nano.toString(), "agent", "false", "cpus", "2");
  }

  @Test
  void aMachineOfTwoIsRefused() throws Exception {
    Map<String, String> config = config();
    try (Rig rig = Rig.with("vmm.trap", new TrapServer(), 1, 64L << 20)) {
      CallFailed refused = assertThrows(CallFailed.class, () -> rig.machine("a", config).start());
      String message = String.valueOf(refused.getMessage());
      assertTrue(message.contains("machines of one hart: one of 2 needs vmm.machine"), message);
    }
  }

  @Test
  void aMachineOfTwoDoesNotCrossAndGoesOn() throws Exception {
    try (Rig rig = new Rig(2, 64L << 20)) {
      rig.core.register("vmm.trap", new TrapServer(), VirtualMachine.class);
      VirtualMachine machine = rig.machine("a", config());
      machine.start();
      Console console = rig.console("a");
      rig.await(console, 0, "nano: ready", SECONDS);
      Kernel kernel = rig.core.kernel();
      Endpoint endpoint = kernel.endpoint("vm/a");
      try (Kernel.Hold _ = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(20))) {
        State saved = endpoint.save();
        CallFailed refused = assertThrows(CallFailed.class, () -> endpoint.open("vmm.trap", saved));
        String message = String.valueOf(refused.getMessage());
        assertTrue(message.contains("one of 2 needs vmm.machine"), message);
      }
      assertEquals(2, machine.report().harts());
      long from = console.position();
      console.type("sum 1000\r");
      rig.await(console, from, "sum 1000 = 0x9ac7455483036aca", SECONDS);
    }
  }
}
