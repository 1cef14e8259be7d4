package duality.vmm.trap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.kernel.Server;
import duality.kernel.Space;
import duality.kernel.processor.HartMode;
import duality.vmm.VirtualMachine;
import duality.vmm.board.Machine;
import duality.vmm.machine.Rig;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Memory is taken from a guest while it runs, its code and its page tables too; the pager gives it
 * back.
 */
@Timeout(600)
class RevocationTest {
  private static final long FIRST = 0x8000_0000L >>> 12;
  private static final int PAGES = (16 << 20) / 4096;

  @TempDir private Path folder = Path.of("");

  @Test
  void whatIsTakenIsTakenFromAHartThatRuns() throws Exception {
    AtomicReference<Space> memory = new AtomicReference<>();
    Server server =
        (context, saved) ->
            new Machine(
                context,
                saved,
                HartMode.USER,
                parts -> {
                  memory.set(parts.memory().space());
                  return new TrapHart(parts);
                });
    Path nano = folder.resolve("nano.elf");
    try (InputStream image = RevocationTest.class.getResourceAsStream("/nano/nano.elf")) {
      assertNotNull(image, "nano.elf is on the class path");
      Files.copy(image, nano);
    }
    Map<String, String> config =
        Map.of("memory", "" + (16 << 20), "kernel", nano.toString(), "agent", "false");
    try (Rig rig = Rig.with("vmm.trap", server, 1, 128L << 20)) {
      VirtualMachine machine = rig.machine("a", config);
      machine.start();
      Console console = rig.console("a");
      rig.await(console, 0, "nano: ready", 120);
      Space space = memory.get();
      Random random = new Random(5);
      long unmaps = rig.core.counters().getOrDefault("unmaps", 0L);
      for (String[] each :
          List.of(
              new String[] {"sum 10000000", "sum 10000000 = "},
              new String[] {"touch 300", "touched 300 pages, 300 faults, all zero"},
              new String[] {"sum 1000", "sum 1000 = 0x9ac7455483036aca"},
              new String[] {"idle 20", "idle 20 ticks"})) {
        long from = console.position();
        console.type(each[0] + "\r");
        StringBuilder seen = new StringBuilder();
        while (seen.indexOf(each[1]) < 0) {
          for (int i = 0; i < 50; i++) {
            space.unmap(FIRST + random.nextInt(PAGES - 4), 1 + random.nextInt(4));
          }
          String more = console.output(from + seen.length(), 4096, 1);
          seen.append(more);
          assertEquals("running", machine.report().state());
        }
      }
      long taken = rig.core.counters().getOrDefault("unmaps", 0L) - unmaps;
      // How many depends on how quick the host is; without any this would show nothing.
      assertTrue(taken > 100, taken + " pages were taken");
    }
  }
}
