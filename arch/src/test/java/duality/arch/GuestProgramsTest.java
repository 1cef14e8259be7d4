package duality.arch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The RISC-V programs that are checked in are what their sources give, byte for byte. */
class GuestProgramsTest {
  private static final int CANNOT_BUILD = 2;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "guests.bundle/nano/src/nano",
        "guests.bundle/linux/src/agent",
        "bench/src/guest",
        "servers.bundle/personality.rc4000/src/programs",
        "vmm.bundle/machine/src/test/teach"
      })
  @Timeout(120)
  void theProgramIsWhatItsSourceGives(String folder) throws Exception {
    Path script = Path.of("..").resolve(folder).resolve("build.sh");
    Process build =
        new ProcessBuilder("sh", script.toString(), "check").redirectErrorStream(true).start();
    String said = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    build.waitFor(100, TimeUnit.SECONDS);
    boolean continuousIntegration = "true".equals(System.getenv("CI"));
    assumeTrue(
        build.exitValue() != CANNOT_BUILD || continuousIntegration,
        () -> "not compared, the cross compiler is missing (gcc-riscv64-linux-gnu): " + said);
    assertEquals(0, build.exitValue(), said);
  }
}
