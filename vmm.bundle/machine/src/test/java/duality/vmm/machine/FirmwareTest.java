package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Machines that start in M-mode: kernels with nothing below them, and firmware that starts one. */
@Timeout(600)
class FirmwareTest {
  private static final long SECONDS = 120;

  @TempDir private Path folder = Path.of("");

  @Test
  void aKernelStartsInMachineModeAndHasADisk() throws Exception {
    Path disk = folder.resolve("disk");
    Files.write(disk, new byte[4096]);
    Path kernel = build("bare-kernel", "0x80000000");
    Map<String, String> config =
        Map.of("kernel", kernel.toString(), "firmware", "none", "disk0", disk.toString());
    assertEquals("MTIDPU", run(config, "U"));
  }

  @Test
  void firmwareStartsAKernelWithAHeaderOrWithout() throws Exception {
    Path firmware = build("firmware", "0x80000000");
    Path kernel = build("payload", "0x80200000");
    for (Path first : List.of(firmware, flat(firmware))) {
      for (Path next : List.of(kernel, flat(kernel))) {
        Map<String, String> config =
            Map.of("firmware", first.toString(), "kernel", next.toString());
        assertEquals("FKE", run(config, "E"), first + " and " + next);
      }
    }
  }

  @Test
  void whatDoesNotFitTogetherIsRefused() throws Exception {
    Path firmware = build("firmware", "0x80000000");
    Path same = build("payload", "0x80000000");
    assertTrue(
        refusal(Map.of("firmware", firmware.toString(), "kernel", same.toString()))
            .contains("overlap at 0x80000000"));
    assertTrue(refusal(Map.of("firmware", "none")).contains("'kernel' is missing"));
    Path text = folder.resolve("text");
    Files.writeString(text, "x".repeat(100));
    assertTrue(
        refusal(Map.of("kernel", text.toString())).contains("neither a RISC-V Linux Image nor"));
  }

  private String refusal(Map<String, String> config) {
    Map<String, String> all = new HashMap<>(config);
    all.put("memory", "16777216");
    try (Rig rig = new Rig(1, 64L << 20)) {
      return String.valueOf(
          assertThrows(CallFailed.BadRequest.class, () -> rig.machine("a", all).start())
              .getMessage());
    }
  }

  /** What a guest prints until that letter; it has to switch itself off then. */
  private static String run(Map<String, String> config, String last) {
    Map<String, String> all = new HashMap<>(config);
    all.put("memory", "16777216");
    all.put("agent", "false");
    try (Rig rig = new Rig(1, 64L << 20)) {
      VirtualMachine machine = rig.machine("a", all);
      machine.start();
      String printed = rig.await(rig.console("a"), 0, last, SECONDS);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (machine.report().state().equals("running") && System.nanoTime() - end < 0) {
        rig.console("a").output(Long.MAX_VALUE, 1, 10);
      }
      assertEquals("stopped", machine.report().state());
      return printed;
    }
  }

  private Path build(String name, String address) throws IOException, InterruptedException {
    Path source = folder.resolve(name + ".S");
    try (InputStream in = FirmwareTest.class.getResourceAsStream(name + ".S")) {
      assertTrue(in != null, name);
      Files.write(source, in.readAllBytes());
    }
    Path elf = folder.resolve(name + ".elf");
    tool(
        "riscv64-linux-gnu-gcc",
        "-march=rv64ima_zicsr_zifencei",
        "-mabi=lp64",
        "-nostdlib",
        "-static",
        "-fno-pic",
        "-Wl,--build-id=none,-N,--no-warn-rwx-segments",
        "-Ttext=" + address,
        "-o",
        elf.toString(),
        source.toString());
    return elf;
  }

  private static Path flat(Path elf) throws IOException, InterruptedException {
    Path flat = elf.resolveSibling(elf.getFileName() + ".bin");
    tool(
        "riscv64-linux-gnu-objcopy",
        "-O",
        "binary",
        "-j",
        ".text",
        elf.toString(),
        flat.toString());
    return flat;
  }

  private static void tool(String... command) throws IOException, InterruptedException {
    Process process;
    try {
      process = new ProcessBuilder(command).inheritIO().start();
    } catch (IOException missing) {
      if ("true".equals(System.getenv("CI"))) {
        throw missing;
      }
      Assumptions.abort(command[0] + " is not installed; skipped");
      throw missing;
    }
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), command[0] + " hangs");
    assertEquals(0, process.exitValue(), "exit status of " + command[0]);
  }
}
