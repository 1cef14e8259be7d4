package duality.processor.interpreter;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/**
 * Programs of the host that tests compare with. Without them tests are skipped, on CI they fail.
 */
final class Tool {
  private Tool() {}

  /** Ends the test when one of the programs is not on the PATH. */
  static void require(String... names) {
    for (String name : names) {
      boolean there =
          java.util.Arrays.stream(System.getenv("PATH").split(":"))
              .anyMatch(folder -> Files.isExecutable(Path.of(folder, name)));
      String message = name + " is not installed: nothing to compare the engine with";
      if (!there && "true".equals(System.getenv("CI"))) {
        Assertions.fail(message);
      }
      Assumptions.assumeTrue(there, message);
    }
  }

  /**
   * Runs a program and answers its standard output; fails when it does not end well within a
   * minute.
   */
  static byte[] run(String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
            .start();
    Thread killer =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    if (!process.waitFor(60, TimeUnit.SECONDS)) {
                      process.destroyForcibly();
                    }
                  } catch (InterruptedException e) {
                    process.destroyForcibly();
                  }
                });
    try (InputStream out = process.getInputStream()) {
      byte[] bytes = out.readAllBytes();
      int status = process.waitFor();
      killer.join();
      Assertions.assertEquals(0, status, String.join(" ", command) + " failed");
      return bytes;
    }
  }
}
