package duality.vmm.bare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** Builds the programs of {@code src/test/programs}. */
final class Programs {
  private static final Path SOURCES = Path.of("src/test/programs");
  private static final String COMPILER = "riscv64-linux-gnu-gcc";

  private Programs() {}

  /** The program's ELF file in {@code folder}; the test is left out where there is no compiler. */
  static Path build(Path folder, String name) throws IOException, InterruptedException {
    requireCompiler();
    Path elf = folder.resolve(name);
    Process process =
        new ProcessBuilder(
                COMPILER,
                "-march=rv64gc",
                "-mabi=lp64d",
                "-mcmodel=medany",
                "-fno-pic",
                "-static",
                "-nostdlib",
                "-Wl,--build-id=none,--no-warn-rwx-segments",
                "-I",
                SOURCES.toString(),
                "-T",
                SOURCES.resolve("bare.ld").toString(),
                SOURCES.resolve(name + ".S").toString(),
                "-o",
                elf.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes());
    Assertions.assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the compiler hangs");
    Assertions.assertEquals(0, process.exitValue(), output);
    return elf;
  }

  private static void requireCompiler() {
    boolean there =
        Arrays.stream(System.getenv("PATH").split(":"))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, COMPILER)));
    String message = COMPILER + " is not installed: no programs to run";
    if (!there && "true".equals(System.getenv("CI"))) {
      Assertions.fail(message);
    }
    Assumptions.assumeTrue(there, message);
  }
}
