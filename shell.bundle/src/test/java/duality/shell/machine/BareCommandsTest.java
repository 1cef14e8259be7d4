package duality.shell.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandFunction;
import duality.vmm.BareRunner;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code vm:bare} over the real Gogo, with programs that are done as their names say. */
class BareCommandsTest {
  @TempDir Path folder;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final CommandProcessorImpl processor = new CommandProcessorImpl(new ThreadIOImpl());
  private CommandSession session;
  private Duration limit = Duration.ZERO;
  private int harts;

  private final BareRunner runner =
      new BareRunner() {
        @Override
        public boolean isElf(Path file) {
          return Files.isRegularFile(file) && !file.toString().endsWith(".txt");
        }

        @Override
        public Run run(Path file, int count, Duration given, BooleanSupplier cancelled) {
          limit = given;
          harts = count;
          Outcome outcome =
              switch (file.getFileName().toString().replaceFirst("-.*", "")) {
                case "good" -> new Outcome.Passed();
                case "bad" -> new Outcome.Failed(1337);
                case "slow" -> new Outcome.Silent("timeout after 10s");
                default -> new Outcome.Refused("it is no ELF file");
              };
          return new Run(outcome, "hello\n", 1);
        }
      };

  @BeforeEach
  void open() throws Exception {
    for (Command command : new BareCommands(runner).commands()) {
      processor.addCommand("vm", new CommandFunction(command), command.syntax().function());
    }
    PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    session = processor.createSession(InputStream.nullInputStream(), stream, stream);
    session.put(CommandSession.OPTION_NO_GLOB, true);
    session.currentDir(folder);
    for (String name : new String[] {"good-1", "good-2", "bad-1", "slow-1", "notes.txt"}) {
      Files.createFile(folder.resolve(name));
    }
  }

  private String run(String line) throws Exception {
    out.reset();
    session.execute(line);
    return out.toString(StandardCharsets.UTF_8).replace("\r\n", "\n");
  }

  private String fails(String line) {
    out.reset();
    CommandFailed failed = assertThrows(CommandFailed.class, () -> session.execute(line));
    return String.valueOf(failed.getMessage());
  }

  @Test
  void eachProgramGetsSoManyHarts() throws Exception {
    run("vm:bare good-1");
    assertEquals(1, harts);
    run("vm:bare good-1 --cpus 4");
    assertEquals(4, harts);
    for (String wrong : new String[] {"0", "9"}) {
      Exception refused =
          assertThrows(Exception.class, () -> session.execute("vm:bare good-1 --cpus " + wrong));
      assertTrue(String.valueOf(refused.getMessage()).contains("is not from 1 to 8"), "" + refused);
    }
  }

  @Test
  void countsWhatPassed() throws Exception {
    assertEquals("PASS good-2\nPASS good-1\n2 passed, 0 failed\n", run("vm:bare good-2 good-1"));
    assertEquals(Duration.ofSeconds(10), limit);
  }

  @Test
  void takesOptionsBehindItsWords() throws Exception {
    String text = run("vm:bare good-1 --timeout 3s --output");
    assertEquals("PASS good-1\n  hello\n1 passed, 0 failed\n", text);
    assertEquals(Duration.ofSeconds(3), limit);
    assertTrue(fails("vm:bare good-1 --nonsense").contains("no option --nonsense"));
  }

  @Test
  void failsWhenOneFailed() {
    assertEquals("vm:bare: 2 of 4 programs did not pass", fails("vm:bare ."));
    assertEquals(
        "FAIL bad-1 1337\nPASS good-1\nPASS good-2\nFAIL slow-1 timeout after 10s\n"
            + "2 passed, 2 failed\n",
        out.toString(StandardCharsets.UTF_8));
  }

  @Test
  void refusesClearly() {
    assertEquals("vm:bare: 1 of 1 programs did not pass", fails("vm:bare notes.txt"));
    assertEquals(
        "FAIL notes.txt refused: it is no ELF file\n0 passed, 1 failed\n",
        out.toString(StandardCharsets.UTF_8));
    assertEquals("vm:bare: there is no file or folder 'missing'", fails("vm:bare missing"));
    assertTrue(fails("vm:bare").contains("PATH is missing"));
  }

  @Test
  void expandsPatterns() throws Exception {
    assertEquals("PASS good-1\nPASS good-2\n2 passed, 0 failed\n", run("vm:bare 'good-*'"));
    assertEquals("vm:bare: there is no file or folder 'x*'", fails("vm:bare 'x*'"));
  }
}
