package duality.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The host computes what a shell writes, and sees when something else is there. */
class DiskPatternTest {
  private static final int SEED = 4711;
  private static final int ROUNDS = 70;

  @TempDir Path folder;

  /** The guest's program, run by the host's shell on a file, for so many rounds. */
  private Process shell(Path disk) throws IOException {
    String script =
        new DiskPattern(SEED)
            .script()
            .replace("/tmp/", folder + "/")
            .replace("/dev/vda", disk.toString())
            .replace("iflag=direct ", "")
            .replace("oflag=direct ", "")
            .replace("conv=fsync", "conv=notrunc")
            .replace("[ ! -e " + folder + "/stop ]", "[ $r -lt " + ROUNDS + " ]");
    return new ProcessBuilder("bash", "-c", script).redirectErrorStream(true).start();
  }

  @Test
  void aShellWritesWhatTheHostComputes() throws Exception {
    Assumptions.assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "no bash on this host");
    Path disk = folder.resolve("disk.img");
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(DiskPattern.DISK_BYTES);
    }
    Process process = shell(disk);
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the shell hangs");
    assertEquals(0, process.exitValue(), said);
    DiskPattern pattern = new DiskPattern(SEED);
    String[] lines = said.split("\n", -1);
    for (int round = 0; round < ROUNDS; round++) {
      assertEquals(pattern.answer(round), lines[round]);
    }
    byte[] written = Files.readAllBytes(disk);
    assertEquals("", pattern.difference(written));
    written[3 * DiskPattern.SLOT_BYTES + 5]++;
    assertEquals(
        "disk and pattern differ at byte " + (3 * DiskPattern.SLOT_BYTES + 5) + " (slot 3)",
        pattern.difference(written));
  }

  @Test
  void anotherSeedIsAnotherPattern() {
    assertNotEquals(new DiskPattern(1).memory(1), new DiskPattern(2).memory(1));
    assertNotEquals(new DiskPattern(1).answer(0), new DiskPattern(11).answer(0));
  }
}
