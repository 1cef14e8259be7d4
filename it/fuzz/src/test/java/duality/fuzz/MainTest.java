package duality.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import duality.plic.PlicServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run is told, by people who type. */
class MainTest {
  private static String refused(String words) {
    return String.valueOf(
        assertThrows(IllegalArgumentException.class, () -> Main.options(List.of(words.split(" "))))
            .getMessage());
  }

  @Test
  void anOptionThatIsNoneOrHasNoValueIsNotPassedOver() {
    assertEquals(
        Map.of("--minutes", "0.5", "--seed", "-3"),
        Main.options(List.of("--minutes", "0.5", "--seed", "-3")));
    assertEquals(
        "--minute is no option; there are --corpus, --empty, --minimise, --minutes, --seed,"
            + " --workers",
        refused("--minute 5"));
    assertEquals("--empty needs a value: yes|no", refused("--minutes 1 --empty"));
    assertEquals("--empty cannot be true: yes|no", refused("--empty true"));
    assertEquals("--minimise needs a value", refused("--minimise"));
  }

  /** A target that does not come back until it is interrupted. */
  public static final class Stuck implements Target {
    @Override
    public void run(byte[] input) {
      while (!Thread.interrupted()) {
        LockSupport.park();
      }
      Object reached = new PlicServer(); // or the worker would look for something that is
      assertNotNull(reached);
    }

    @Override
    public List<String> complaints() {
      return List.of();
    }

    @Override
    public void close() {}
  }

  @Test
  void anInputThatDoesNotEndIsKnown() throws Exception {
    Thread feeder =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  try {
                    new Worker("MainTest$Stuck", 1, List.of(new byte[] {42})).close();
                  } catch (ReflectiveOperationException e) {
                    throw new IllegalStateException(e);
                  }
                });
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (Worker.underWay(feeder).isEmpty() && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(1_000_000);
    }
    assertEquals("MainTest$Stuck is still at it\n  input 2a", Worker.underWay(feeder));
    feeder.interrupt();
    feeder.join();
    assertEquals("", Worker.underWay(feeder));
  }

  @Test
  void aLineOfACorpusThatIsNoInputIsNamed(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("XenTarget.txt"), "# kept\n00ff\n0x1\n");
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> Corpus.of("XenTarget", folder));
    assertEquals(
        file + " has a line that is no input, two digits a byte: 0x1", refused.getMessage());
  }
}
