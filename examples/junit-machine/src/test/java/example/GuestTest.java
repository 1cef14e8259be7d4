package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.library.Execution;
import duality.library.Machine;
import duality.library.MachineException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests something in a Linux of its own, which boots once for all of them. */
class GuestTest {
  private static Machine linux;

  @TempDir Path folder;

  @BeforeAll
  static void boot() {
    try {
      linux = Machine.of("linux").memory(256L << 20).within(Duration.ofMinutes(5)).boot();
    } catch (MachineException e) {
      // Debian's kernel has to be downloaded once; without a network there is nothing to test,
      // except where tests have to be complete.
      Assumptions.assumeTrue("true".equals(System.getenv("CI")), e.getMessage());
      throw e;
    }
  }

  @AfterAll
  static void end() {
    if (linux != null) {
      linux.close();
    }
  }

  @Test
  void itIsRiscV() {
    assertEquals("riscv64\n", linux.exec("uname -m").orThrow().stdout());
  }

  @Test
  void aCommandHasStatusOutputAndErrors() {
    Execution ended = linux.exec("echo out; echo err >&2; exit 3");
    assertEquals(3, ended.status());
    assertEquals("out\n", ended.stdout());
    assertEquals("err\n", ended.stderr());
    assertThrows(MachineException.class, ended::orThrow);
  }

  @Test
  void aProgramIsCopiedInAndItsResultOut() throws Exception {
    Path script = folder.resolve("count.sh");
    Files.writeString(script, "#!/bin/sh\nwc -l < /proc/cpuinfo > /tmp/lines\n");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    linux.copyIn(script, "/tmp");
    linux.exec("/tmp/count.sh").orThrow();
    linux.copyOut("/tmp/lines", folder);
    assertTrue(Integer.parseInt(Files.readString(folder.resolve("lines")).strip()) > 0);
  }

  @Test
  void whatTakesTooLongIsKilled() {
    MachineException killed =
        assertThrows(
            MachineException.class, () -> linux.exec("sleep 1000", Duration.ofMillis(300)));
    assertTrue(killed.getMessage().contains("took longer than it may"), killed.getMessage());
  }
}
