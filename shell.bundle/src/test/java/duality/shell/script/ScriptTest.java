package duality.shell.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandFunction;
import duality.shell.command.CommandGroup;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Screen;
import duality.shell.command.Syntax;
import duality.shell.language.ControlCommands;
import duality.shell.language.FilterCommands;
import duality.shell.language.HelpCommands;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scripts over the real Gogo, with commands of the test's own. */
class ScriptTest {
  record Row(String name, long calls) {}

  record Told(String line) implements Notice {}

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final CommandProcessorImpl processor = new CommandProcessorImpl(new ThreadIOImpl());
  private final CommandSession session;
  private int ran;

  ScriptTest() {
    session = session(InputStream.nullInputStream());
    add(
        "list",
        Syntax.of("t", "list", "Answers rows."),
        call -> List.of(new Row("blk0", 12), new Row("uart", 3)));
    add(
        "fail",
        Syntax.of("t", "fail", "Fails."),
        call -> {
          throw new CommandFailed("no such thing");
        });
    add(
        "break",
        Syntax.of("t", "break", "Throws."),
        call -> {
          throw new IllegalStateException("broken");
        });
    add("ran", Syntax.of("t", "ran", "Counts."), call -> ++ran);
    add("tell", Syntax.of("t", "tell", "Tells."), call -> new Told("told"));
    add(
        "stream",
        Syntax.of("t", "stream", "Streams."),
        call -> {
          call.out().print("streamed\n");
          return null;
        });
    add(
        "say",
        Syntax.of("t", "say", "Says.").takesRest("WORDS", Kind.TEXT, "words", true),
        call -> call.arguments().text("WORDS"));
    add(new ControlCommands());
    add(new FilterCommands());
  }

  private CommandSession session(InputStream in) {
    CommandSession made =
        processor.createSession(
            in,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    made.put(CommandSession.OPTION_NO_GLOB, true);
    made.put("SCOPE", "duality:*");
    return made;
  }

  private void add(String name, Syntax syntax, duality.shell.command.Action action) {
    processor.addCommand("t", new CommandFunction(new Command(syntax, action)), name);
  }

  private void add(CommandGroup group) {
    for (Command command : group.commands()) {
      processor.addCommand("duality", new CommandFunction(command), command.syntax().function());
    }
  }

  @AfterEach
  void close() {
    processor.stop();
  }

  private Script script() {
    return script(session);
  }

  private Script script(CommandSession in) {
    Outcome outcome =
        new Outcome(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            Screen.NONE);
    return new Script(in, outcome, "test");
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void everyValueIsShown() {
    assertEquals(Script.DONE, script().run("t:list; t:say hello 1"));
    assertEquals("name  calls\nblk0     12\nuart      3\nhello 1\n", out());
    assertEquals("", err());
  }

  @Test
  void theFirstFailureEndsIt() {
    assertEquals(Script.FAILED, script().run("t:ran; t:fail; t:ran"));
    assertEquals("1\n", out());
    assertEquals("test: t:fail: no such thing\n", err());
    assertEquals(1, ran);
  }

  @Test
  void aLineNumberIsSaidWhenThereAreSeveralLines() {
    assertEquals(Script.FAILED, script().run("t:ran\n\nt:fail\nt:ran"));
    assertEquals("test: line 3: t:fail: no such thing\n", err());
  }

  @Test
  void anUnknownCommandIsNamedWithANearOne() {
    assertEquals(Script.FAILED, script().run("t:lsit"));
    assertTrue(err().contains("no command t:lsit; did you mean 't:list'"), err());
  }

  @Test
  void aBrokenCommandIsAFailureToo() {
    assertEquals(Script.FAILED, script().run("t:break; t:ran"));
    assertEquals("test: IllegalStateException: broken\n", err());
  }

  @Test
  void anUnfinishedScriptRunsNothing() {
    assertEquals(Script.MISUSED, script().run("t:ran; t:say \"x"));
    assertEquals(0, ran);
    assertTrue(err().contains("not finished"), err());
    assertEquals(Script.MISUSED, script().run("t:ran; t:say )"));
    assertEquals(0, ran);
  }

  @Test
  void linksDecide() {
    assertEquals(Script.DONE, script().run("t:fail || t:say a; t:ran && t:say b"));
    assertEquals("a\n1\nb\n", out());
    assertEquals(Script.FAILED, script().run("t:fail && t:ran; t:ran"));
    assertEquals(1, ran);
  }

  @Test
  void noticesGoToTheOtherStream() {
    assertEquals(Script.DONE, script().run("t:tell; t:say x"));
    assertEquals("x\n", out());
    assertEquals("told\n", err());
  }

  @Test
  void streamsAndValuesComeInOrder() {
    assertEquals(Script.DONE, script().run("t:say 1; t:stream; t:say 2"));
    assertEquals("1\nstreamed\n2\n", out());
  }

  @Test
  void pipesCarryTablesAsText() {
    processor.addConverter(new ValueConverter());
    assertEquals(Script.DONE, script().run("t:list | grep blk; t:list | count"));
    assertEquals("blk0     12\n3\n", out());
  }

  @Test
  void aFailureInFrontOfAPipeIsAFailure() {
    assertEquals(Script.FAILED, script().run("t:fail | grep x; t:ran"));
    assertEquals(0, ran);
    assertTrue(err().contains("no such thing"), err());
  }

  @Test
  void aRedirectionWritesTheValue(@TempDir Path folder) throws Exception {
    processor.addConverter(new ValueConverter());
    session.currentDir(folder);
    assertEquals(Script.DONE, script().run("t:list > table; t:say more >> table"));
    assertEquals(
        "name  calls\nblk0     12\nuart      3\nmore\n", Files.readString(folder.resolve("table")));
    assertEquals("", out());
  }

  @Test
  void variablesKeepValues() {
    assertEquals(Script.DONE, script().run("x = (t:list); same $(t:say a) a; t:say $x"));
    assertTrue(out().contains("blk0"), out());
    assertEquals(Script.FAILED, script().run("same $(t:say a) b"));
    assertTrue(err().contains("there is 'a', not 'b'"), err());
  }

  @Test
  void loopsAndConditions() {
    assertEquals(
        Script.DONE,
        script()
            .run(
                """
                repeat 2 { t:say round $it }
                each [a b] {
                  t:say $it
                }
                if { t:fail } { t:say yes } { t:say no }
                if { t:list } { t:say yes }
                """));
    assertEquals("round 1\nround 2\na\nb\nno\nyes\n", out());
    assertEquals(Script.FAILED, script().run("repeat 2 { t:ran; t:fail }"));
    assertEquals(1, ran);
  }

  @Test
  void wordsWithStarsAreNoFileNames() {
    assertEquals(Script.DONE, script().run("t:say vm/*/blk0"));
    assertEquals("vm/*/blk0\n", out());
  }

  @Test
  void pipedCommandsRunAsTheyCome() {
    byte[] commands = "t:say 1\nrepeat 2 {\n  t:say $it\n}\n\n# nothing\nt:say end".getBytes();
    assertEquals(Script.DONE, script().run(new ByteArrayInputStream(commands)));
    assertEquals("1\n1\n2\nend\n", out());
  }

  @Test
  void pipedCommandsStopAtTheFirstFailure() {
    byte[] commands = "t:ran\nt:fail\nt:ran\n".getBytes();
    assertEquals(Script.FAILED, script().run(new ByteArrayInputStream(commands)));
    assertEquals(1, ran);
    assertEquals("test: line 2: t:fail: no such thing\n", err());
  }

  @Test
  void pipedCommandsThatEndInABlockAreMisuse() {
    assertEquals(
        Script.MISUSED, script().run(new ByteArrayInputStream("t:ran\nrepeat 2 {\n".getBytes())));
    assertEquals(1, ran);
  }

  @Test
  void aCommandReadsWhatFollowsItsLine() {
    InputStream in = new ByteArrayInputStream("duality:head 1\nfor the command\n".getBytes());
    assertEquals(Script.DONE, script(session(in)).run(in));
    assertEquals("for the command\n", out());
  }

  @Test
  void exitEndsAScript() {
    session.put(HelpCommands.LEAVE, null);
    add(
        "leave",
        Syntax.of("t", "leave", "Leaves."),
        call -> call.session().put(HelpCommands.LEAVE, true));
    assertEquals(Script.DONE, script().run("t:say 1; t:leave; t:say 2"));
    assertEquals("1\n", out());
    byte[] commands = "t:say 3\n".getBytes(StandardCharsets.UTF_8);
    assertEquals(Script.DONE, script().run(new ByteArrayInputStream(commands)));
    assertEquals("1\n", out());
  }

  @Test
  void helpIsAValue() {
    assertEquals(Script.DONE, script().run("t:say --help"));
    assertTrue(out().startsWith("t:say [WORDS…]"), out());
  }
}
