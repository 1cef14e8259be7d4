package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.vmm.VirtualMachine;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A kernel of our own that takes the machine as teaching systems do (MIT's xv6 among them): it
 * starts in M-mode, looks into no device tree, and expects everything where QEMU's {@code virt} has
 * it. Its source is in {@code src/test/teach}.
 */
@Timeout(600)
class TeachingKernelTest {
  private static final long SECONDS = 120;
  private static final int BLOCK_BYTES = 1024;

  @TempDir private Path folder = Path.of("");

  @Test
  void itsTranscriptIsAsExpected() throws Exception {
    Path kernel = folder.resolve("teach.elf");
    try (InputStream in = TeachingKernelTest.class.getResourceAsStream("teach.elf")) {
      assertTrue(in != null, "teach.elf is on the class path");
      Files.copy(in, kernel);
    }
    byte[] content = new byte[64 * BLOCK_BYTES];
    new Random(5).nextBytes(content);
    Path disk = folder.resolve("disk");
    Files.write(disk, content);
    Map<String, String> config =
        Map.of(
            "memory",
            Long.toString(128L << 20),
            "kernel",
            kernel.toString(),
            "firmware",
            "none",
            "disk0",
            disk.toString(),
            "agent",
            "false");
    try (Rig rig = new Rig(1, 64L << 20)) {
      VirtualMachine machine = rig.machine("a", config);
      machine.start();
      Console console = rig.console("a");
      rig.await(console, 0, "$ ", SECONDS);
      console.type("echo\r");
      String printed = rig.await(console, 0, "off\n", SECONDS);
      assertEquals(
          """

          teach: supervisor mode
          teach: paging
          teach: ticks of the core-local interruptor
          teach: ticks of stimecmp
          teach: disk, sum of block 0 is %d
          hello, user
          teach: page for user mode
          teach: user program ended with 77
          $ echo
          teach: off
          """
              .formatted(sum(Arrays.copyOf(Files.readAllBytes(disk), BLOCK_BYTES))),
          printed);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (machine.report().state().equals("running") && System.nanoTime() - end < 0) {
        console.output(Long.MAX_VALUE, 1, 10);
      }
      assertEquals("stopped", machine.report().state());
    }
    byte[] after = Files.readAllBytes(disk);
    for (int i = 0; i < content.length; i++) {
      int block = i / BLOCK_BYTES;
      byte expected = block < 16 ? (byte) (content[i] ^ i % BLOCK_BYTES * 7 + block) : content[i];
      assertEquals(expected, after[i], "byte " + i + " of the disk");
    }
  }

  /** Systems of this kind have no fence.i, since emulators need none. */
  @Test
  void newProgramsInOldPagesAreSeenAfterAFenceOfTranslations() throws Exception {
    Path kernel = GuestSource.build(folder, "reuse", "0x80000000");
    Map<String, String> config =
        Map.of(
            "memory", "4194304", "kernel", kernel.toString(), "firmware", "none", "agent", "false");
    try (Rig rig = new Rig(1, 64L << 20)) {
      rig.machine("a", config).start();
      assertEquals("abcdefghijklmnopqrstuvwxyz\n", rig.await(rig.console("a"), 0, "\n", SECONDS));
    }
  }

  private static long sum(byte[] block) {
    long sum = 0;
    for (byte each : block) {
      sum = sum * 31 + (each & 0xff);
    }
    return Long.remainderUnsigned(sum, 1_000_000_007);
  }
}
