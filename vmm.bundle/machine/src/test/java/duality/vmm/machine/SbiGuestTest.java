package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The SBI as a guest meets it: timer, interrupts, fences, console and end, on a real hart. */
@Timeout(600)
class SbiGuestTest {
  private static final long SECONDS = 120;

  @TempDir private Path folder = Path.of("");

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = SbiGuestTest.class.getResourceAsStream(name)) {
      assertTrue(in != null, name);
      return in.readAllBytes();
    }
  }

  private static byte[] guest() throws IOException {
    String text = new String(resource("sbi-guest.hex"), StandardCharsets.US_ASCII);
    return HexFormat.of().parseHex(text.replaceAll("\\s", ""));
  }

  @Test
  void everyCallDoesWhatItShould() throws Exception {
    Path kernel = folder.resolve("guest");
    Files.write(kernel, guest());
    Map<String, String> config =
        Map.of("memory", "16777216", "kernel", kernel.toString(), "agent", "false");
    try (Rig rig = new Rig(1, 64L << 20)) {
      VirtualMachine machine = rig.machine("a", config);
      machine.start();
      assertEquals("TtILFhelloH", rig.await(rig.console("a"), 0, "H", SECONDS));
      assertEquals(1, rig.console("a").type("k"));
      assertEquals("TtILFhelloHkA", rig.await(rig.console("a"), 0, "A", SECONDS));
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (machine.report().state().equals("running") && System.nanoTime() - end < 0) {
        rig.console("a").output(Long.MAX_VALUE, 1, 10);
      }
      assertEquals("stopped", machine.report().state());
    }
  }

  @Test
  void theGuestIsWhatItsSourceSays() throws Exception {
    Path source = folder.resolve("sbi-guest.S");
    Path elf = folder.resolve("g.elf");
    Path binary = folder.resolve("g.bin");
    Files.write(source, resource("sbi-guest.S"));
    List<String> compile =
        List.of(
            "riscv64-linux-gnu-gcc",
            "-march=rv64ima_zicsr_zifencei",
            "-mabi=lp64",
            "-nostdlib",
            "-static",
            "-Ttext=0x80200000",
            "-o",
            elf.toString(),
            source.toString());
    run(compile);
    run(
        List.of(
            "riscv64-linux-gnu-objcopy",
            "-O",
            "binary",
            "-j",
            ".text",
            elf.toString(),
            binary.toString()));
    assertArrayEquals(Files.readAllBytes(binary), guest());
  }

  private static void run(List<String> command) throws IOException, InterruptedException {
    Process process;
    try {
      process = new ProcessBuilder(command).inheritIO().start();
    } catch (IOException missing) {
      if ("true".equals(System.getenv("CI"))) {
        throw missing;
      }
      Assumptions.abort(command.getFirst() + " is not installed; skipped");
      throw missing;
    }
    assertTrue(process.waitFor(30, TimeUnit.SECONDS), command + " hangs");
    assertEquals(0, process.exitValue(), "exit status of " + command);
  }
}
