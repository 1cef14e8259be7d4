package duality.shell.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ArgumentsTest {
  private static final Syntax RUN =
      Syntax.of("vm", "run", "Runs.")
          .takes("IMAGE", Kind.IMAGE, "what")
          .option("--name", Kind.NEW_NAME, "name")
          .option("--memory", Kind.SIZE, "memory")
          .repeated("--disk", Kind.FILE, "disk")
          .choice("--for", "what for", "ready", "stopped")
          .option("--since", Kind.VALUE, "a value")
          .option("--timeout", Kind.TIME, "time")
          .flag("--all", "all");

  private static final Syntax EXEC =
      Syntax.of("vm", "exec", "Runs in a guest.")
          .takes("NAME", Kind.MACHINE, "machine")
          .option("--timeout", Kind.TIME, "time")
          .takesRest("COMMAND", Kind.TEXT, "command", false);

  private static Arguments parse(Syntax syntax, Object... words) throws CommandFailed {
    return Arguments.parse(syntax, Arrays.asList(words));
  }

  private static String refused(Syntax syntax, Object... words) {
    return assertThrows(CommandFailed.class, () -> parse(syntax, words)).getMessage();
  }

  @Test
  void optionsMayStandAnywhere() throws CommandFailed {
    for (Object[] words :
        new Object[][] {
          {"linux", "--name", "a", "--memory", "512M", "--all"},
          {"--name=a", "--all", "linux", "--memory=512M"},
          {"--all", "--memory", "512M", "--name", "a", "linux"}
        }) {
      Arguments arguments = parse(RUN, words);
      assertEquals("linux", arguments.text("IMAGE"));
      assertEquals("a", arguments.text("--name"));
      assertEquals(512L << 20, arguments.bytes("--memory", 1));
      assertTrue(arguments.has("--all"));
    }
  }

  @Test
  void whatWasNotGivenHasItsDefault() throws CommandFailed {
    Arguments arguments = parse(RUN, "nano");
    assertEquals(7, arguments.bytes("--memory", 7));
    assertEquals("ready", arguments.text("--for", "ready"));
    assertEquals(Optional.empty(), arguments.time("--timeout"));
    assertEquals(List.of(), arguments.texts("--disk"));
    assertFalse(arguments.has("--all"));
  }

  @Test
  void aRepeatedOptionKeepsItsOrder() throws CommandFailed {
    Arguments arguments = parse(RUN, "nano", "--disk", "b,ro", "--disk", "a");
    assertEquals(List.of("b,ro", "a"), arguments.texts("--disk"));
  }

  @Test
  void theRestIsTakenAsItIs() throws CommandFailed {
    Arguments arguments = parse(EXEC, "a", "--timeout", "5s", "ls", "--all", "-l", "--", "--help");
    assertEquals("ls --all -l -- --help", arguments.text("COMMAND"));
    assertEquals(Optional.of(Duration.ofSeconds(5)), arguments.time("--timeout"));
  }

  @Test
  void behindTwoDashesThereAreNoOptions() throws CommandFailed {
    assertEquals("--name", parse(RUN, "--", "--name").text("IMAGE"));
  }

  @Test
  void aValueOfAnotherCommandStaysWhatItIs() throws CommandFailed {
    List<String> value = List.of("x");
    assertSame(value, parse(RUN, "nano", "--since", value).value("--since"));
  }

  @Test
  void mistakesAreNamedWithWhatWouldBeRight() {
    assertTrue(refused(RUN, "nano", "--nmae", "a").contains("did you mean '--name'?"));
    assertTrue(refused(RUN, "nano", "b").contains("'b' is one word too many"));
    assertTrue(refused(RUN).contains("IMAGE is missing"));
    assertTrue(refused(RUN, "nano", "--name").contains("--name needs a value"));
    assertTrue(refused(RUN, "nano", "--name", "A b").contains("lower-case"));
    assertTrue(refused(RUN, "nano", "--memory", "lots").contains("512M"));
    assertTrue(refused(RUN, "nano", "--for", "ever").contains("ready, stopped"));
    assertTrue(refused(RUN, "nano", "--all=1").contains("takes no value"));
    assertTrue(refused(RUN, "nano", "--name", "a", "--name", "b").contains("given twice"));
    assertTrue(refused(RUN, "nano", "x").contains("usage: vm:run IMAGE"));
  }

  @Test
  void anEmptyVariableIsExplained() {
    assertTrue(refused(EXEC, "a", null).contains("\\$"), refused(EXEC, "a", null));
    assertTrue(refused(RUN, "nano", "--name", null).contains("--name"));
  }

  @Test
  void helpIsAskedForBeforeTheRestOnly() {
    assertTrue(Arguments.askForHelp(EXEC, List.of("--help")));
    assertTrue(Arguments.askForHelp(EXEC, List.of("a", "--help")));
    assertFalse(Arguments.askForHelp(EXEC, List.of("a", "ls", "--help")));
    assertFalse(Arguments.askForHelp(RUN, List.of("nano", "--", "--help")));
  }

  @Test
  void helpNamesEverything() {
    String help = RUN.help();
    for (String part : List.of("vm:run IMAGE", "--disk FILE", "ready|stopped", "--all", "Runs.")) {
      assertTrue(help.contains(part), part + " in " + help);
    }
  }
}
