package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.kernel.EndpointReport;
import duality.servers.Swapper;
import duality.vmm.VirtualMachine;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * All ways in which a guest ends or restarts its machine, by each of its harts, while something
 * under it is replaced.
 */
@Timeout(600)
class PowerTest {
  private static final long SECONDS = 120;

  /** What is typed, and what becomes of the machine: empty for one that boots again. */
  private static final String[][] ENDS = {
    {"c", ""},
    {"w", ""},
    {"s", "stopped"},
    {"p", ""},
    {"R", ""},
    {"P", "stopped"},
    {"f", "failed: the guest reported failure 1"},
    {"F", "failed: the guest reported failure 7"},
  };

  /** What is refused, and the error. */
  private static final Map<String, String> REFUSED = Map.of("t", "3", "r", "3", "v", "2");

  private static final String[][] SWAPS = {
    {"vm/a", "vmm.machine"},
    {"vm/a/finisher", "finisher"},
    {"vm/a/plic", "plic"},
    {"vm/a/uart", "uart"},
    {"vm/a/pager", "pager.demand"},
    {"vm/a/console", "console.host"},
    {"scheduler", "scheduler.fair"},
  };

  @TempDir private Path folder = Path.of("");

  private static void until(VirtualMachine machine, Console console, String state) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (!machine.report().state().equals(state)) {
      assertTrue(
          System.nanoTime() - end < 0, () -> "never '" + state + "': " + machine.report().state());
      console.output(Long.MAX_VALUE, 1, 5);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void everyEndIsOneAndNothingIsLeft(int harts) throws Exception {
    Path kernel = GuestSource.build(folder, "power", "0x80200000", "-DHARTS=" + harts);
    Map<String, String> config =
        Map.of(
            "memory",
            "16777216",
            "kernel",
            kernel.toString(),
            "cpus",
            Integer.toString(harts),
            "agent",
            "false");
    try (Rig rig = new Rig(2, 64L << 20)) {
      Swapper swapper = rig.swapper();
      final long free = rig.root.balance().free();
      VirtualMachine machine = rig.machine("a", config);
      Console console = rig.console("a");
      machine.start();
      rig.await(console, 0, "B", SECONDS);
      int turn = 0;
      for (String[] end : ENDS) {
        for (int hart = 0; hart < harts; hart++) {
          long from = console.position();
          assertEquals(2, console.type(hart + end[0]));
          String[] swap = SWAPS[turn++ % SWAPS.length];
          assertEquals("done", swapper.swap(swap[0], swap[1]).outcome(), swap[0]);
          if (!end[1].isEmpty()) {
            until(machine, console, end[1]);
            long instructions = machine.report().instructions();
            assertEquals("", console.output(Long.MAX_VALUE, 1, 20));
            assertEquals(instructions, machine.report().instructions(), "all harts stand");
            machine.start();
          }
          rig.await(console, from, "B", SECONDS);
          assertEquals("running", machine.report().state());
        }
      }
      for (Map.Entry<String, String> refusal : REFUSED.entrySet()) {
        long from = console.position();
        console.type((harts - 1) + refusal.getKey());
        assertEquals(refusal.getValue(), rig.await(console, from, refusal.getValue(), SECONDS));
      }
      assertEquals(harts, rig.core.threads().size(), () -> "" + rig.core.threads());
      rig.root.remove("vm/a");
      assertEquals(List.of(), machineEndpoints(rig));
      assertEquals(List.of(), rig.core.threads());
      assertEquals(free, rig.root.balance().free(), "frames");
    }
  }

  private static List<String> machineEndpoints(Rig rig) {
    return rig.core.endpoints().stream()
        .map(EndpointReport::path)
        .filter(path -> path.startsWith("vm"))
        .toList();
  }

  /** A guest that restarts at once, again and again, while its monitor is replaced. */
  @Test
  void resetsAndSwapsOfTheMonitorDoNotMeet() throws Exception {
    Path kernel = GuestSource.build(folder, "power", "0x80200000", "-DHARTS=2");
    Map<String, String> config =
        Map.of("memory", "16777216", "kernel", kernel.toString(), "cpus", "2", "agent", "false");
    try (Rig rig = new Rig(2, 64L << 20)) {
      Swapper swapper = rig.swapper();
      VirtualMachine machine = rig.machine("a", config);
      Console console = rig.console("a");
      machine.start();
      rig.await(console, 0, "B", SECONDS);
      for (int i = 0; i < 40; i++) {
        long from = console.position();
        console.type(i % 2 + (i % 3 == 0 ? "R" : "c"));
        String printed = "";
        while (!printed.contains("B")) {
          assertEquals("done", swapper.swap("vm/a", "vmm.machine").outcome());
          printed += console.output(from + printed.length(), 64, 1);
        }
        assertEquals("B", printed, "once");
      }
      assertEquals("running", machine.report().state());
    }
  }
}
