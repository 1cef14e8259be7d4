package duality.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.jspecify.annotations.Nullable;

/** Gives commands to the system, as people do, and has the bundles of the examples as files. */
final class Gogo implements AutoCloseable {
  private static final long TIDY_SECONDS = 120;

  private final CommandSession session;
  private final Path folder;

  /**
   * Opens a session.
   *
   * @param folder where the files of examples go
   */
  Gogo(Path folder) {
    this.folder = folder;
    session =
        Services.service(CommandProcessor.class)
            .createSession(
                new ByteArrayInputStream(new byte[0]),
                OutputStream.nullOutputStream(),
                OutputStream.nullOutputStream());
    session.put("SCOPE", "duality:vm:task:guest:kernel:*");
  }

  /** Runs a command; its value. */
  @Nullable Object run(String command) throws Exception {
    return session.execute(command);
  }

  /**
   * Updates a bundle, and waits until the old one is gone: the command itself waits a second for
   * that, the rest is done behind it.
   */
  void update(String bundleAndFile) throws Exception {
    run("kernel:update " + bundleAndFile);
    awaitTidy();
  }

  /** Waits until no update leaves anything to be done. */
  void awaitTidy() {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(TIDY_SECONDS);
    while (Thread.getAllStackTraces().keySet().stream()
        .anyMatch(each -> each.getName().startsWith("duality swapper finishes"))) {
      assertTrue(System.nanoTime() - end < 0, "old bundles do not go");
      LockSupport.parkNanos(10_000_000);
    }
  }

  /** Runs a command that must not work; why it says it does not. */
  String refused(String command) {
    try {
      Object value = session.execute(command);
      throw new AssertionError(command + " worked: " + value);
    } catch (Exception e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** The bundle of an example, as a file. */
  Path example(String jar) throws IOException {
    Path file = folder.resolve(jar);
    if (Files.notExists(file)) {
      try (InputStream in =
          Objects.requireNonNull(Gogo.class.getResourceAsStream("/examples/" + jar), jar)) {
        Files.copy(in, file);
      }
    }
    return file;
  }

  @Override
  public void close() {
    session.close();
  }
}
