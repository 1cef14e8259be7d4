package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.vmm.VirtualMachine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two harts and the memory model: what {@code litmus.S} says. bench/litmus.sh does it a million
 * times.
 */
@Timeout(1200)
class LitmusTest {
  private static final long SECONDS = 1000;

  /** Of each program; a multiple of 256. */
  private static final long RUNS = Long.getLong("duality.litmus.runs", 20_480);

  /** Often enough for what is seen now and then. */
  private static final int MOST_TRIES = 20;

  private static final int RUNS_AT = 8;

  @TempDir private Path folder = Path.of("");

  /** What it prints for each program. */
  private static Map<String, Long> litmus(Path kernel) {
    Map<String, String> config =
        Map.of(
            "kernel", kernel.toString(),
            "firmware", "none",
            "memory", "16777216",
            "cpus", "2",
            "agent", "false");
    Map<String, Long> found = new LinkedHashMap<>();
    try (Rig rig = new Rig(2, 64L << 20)) {
      VirtualMachine machine = rig.machine("a", config);
      machine.start();
      for (String line : rig.await(rig.console("a"), 0, "END", SECONDS).split("\n", -1)) {
        int last = line.lastIndexOf(' ');
        if (last > 0) {
          found.put(line.substring(0, last), Long.parseLong(line.substring(last + 1).strip()));
        }
      }
    }
    return found;
  }

  private Path program() throws Exception {
    Path flat = GuestSource.flat(GuestSource.build(folder, "litmus", "0x80000000"));
    byte[] bytes = Files.readAllBytes(flat);
    for (int i = 0; i < Long.BYTES; i++) {
      bytes[RUNS_AT + i] = (byte) (RUNS >>> 8 * i);
    }
    Files.write(flat, bytes);
    return flat;
  }

  /** One run of all is enough for what is forbidden; what needs luck is tried again. */
  @Test
  void nothingForbiddenIsSeenAndWhatIsTakenOutIsMissed() throws Exception {
    Path program = program();
    TreeSet<String> notSeen = new TreeSet<>();
    int tries = 0;
    do {
      Map<String, Long> found = litmus(program);
      System.out.println("litmus, " + RUNS + " runs each: " + found);
      assertEquals(23, found.size(), () -> "" + found);
      found.forEach(
          (name, times) -> {
            assertTrue(!name.startsWith("F ") || times == 0, () -> name + ": " + found);
            assertTrue(times >= 0 && times <= 2 * RUNS, () -> name + ": " + found);
          });
      if (tries == 0) {
        found.keySet().stream().filter(name -> name.startsWith("S ")).forEach(notSeen::add);
      }
      notSeen.removeIf(name -> found.getOrDefault(name, 0L) > 0);
      tries++;
    } while (!notSeen.isEmpty() && tries < MOST_TRIES);
    // Two harts on one processor of the host take turns, so there is little to see.
    Assumptions.assumeTrue(Runtime.getRuntime().availableProcessors() > 1);
    assertTrue(notSeen.isEmpty(), () -> "never seen in " + MOST_TRIES + " tries: " + notSeen);
  }
}
