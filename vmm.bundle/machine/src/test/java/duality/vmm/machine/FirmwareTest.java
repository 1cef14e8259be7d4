package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
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
    for (Path first : List.of(firmware, GuestSource.flat(firmware))) {
      for (Path next : List.of(kernel, GuestSource.flat(kernel))) {
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
    return GuestSource.build(folder, name, address);
  }
}
