package duality.it.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts the exported system by its launcher and looks at what it prints and how it ends. */
class LauncherTest {
  private static final Path SCRIPTS = Path.of(System.getProperty("duality.scripts", "."));

  /** How many runs in a row: enough to see a mistake of ours, few enough to wait for. */
  private static final String RUNS = System.getProperty("duality.runs", "8");

  @TempDir Path folder;

  @Test
  void peopleFindTheirWayInARealTerminal() throws Exception {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(each -> Files.isExecutable(Path.of(each, "tmux"))),
        "tmux is not installed");
    passes(30, SCRIPTS.resolve("check").toString());
  }

  @Test
  void scriptsEndAsTheyShouldManyTimesInARow() throws Exception {
    passes(60, SCRIPTS.resolve("runs").toString(), RUNS);
  }

  @Test
  void theExampleWithoutADownloadWorks() throws Exception {
    Path root = SCRIPTS.resolve("../..");
    passes(
        30,
        root.resolve("duality").toString(),
        "-f",
        root.resolve("examples/hello.gogo").toString());
  }

  private void passes(int minutes, String... command) throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    List<String> words = new ArrayList<>(List.of(command));
    Process process =
        new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(minutes, TimeUnit.MINUTES);
    if (!ended) {
      // Asked first, so that it can take what it started with it.
      process.destroy();
      process.waitFor(30, TimeUnit.SECONDS);
      process.destroyForcibly();
    }
    String said = Files.readString(output);
    assertTrue(ended, () -> words + " did not end within " + minutes + " minutes:\n" + said);
    assertEquals(0, process.exitValue(), () -> words + ":\n" + said);
  }
}
