package duality.shell.language;

import duality.kernel.CallFailed;
import duality.shell.command.Arguments;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import duality.shell.text.Drawing;
import duality.shell.text.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.apache.felix.service.command.Converter;
import org.apache.felix.service.command.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Loops, conditions and waiting. */
@Component(service = ControlCommands.class, immediate = true)
public final class ControlCommands extends CommandGroup {
  private static final String SCOPE = "duality";
  private static final String BLOCK = "BLOCK";
  private static final String ONLY_LAST =
      "Of the commands in a block only the last one's value is shown; echo shows others.";

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "echo", "Writes its words, also from inside a block.")
                .takesRest("TEXT", Kind.VALUE, "words and values, such as $x or (vm:list)", true),
            ControlCommands::echo),
        new Command(
            Syntax.of(SCOPE, "sleep", "Waits.").takes("TIME", Kind.TIME, "how long, such as 500ms"),
            call -> {
              call.cancellation().sleep(Span.parse(call.arguments().text("TIME")));
              return null;
            }),
        new Command(
            Syntax.of(SCOPE, "repeat", "Does a block several times; $it counts from 1.")
                .takes("TIMES", Kind.COUNT, "how often")
                .takes(BLOCK, Kind.BLOCK, "{ COMMANDS }, with blanks inside the braces")
                .note("repeat 3 { kernel:swap scheduler scheduler.fair }")
                .note(ONLY_LAST),
            ControlCommands::repeat),
        new Command(
            Syntax.of(SCOPE, "each", "Does a block for each value of a list; $it is the value.")
                .takes("LIST", Kind.VALUE, "values, such as [a b c] or (vm:list)")
                .takes(BLOCK, Kind.BLOCK, "{ COMMANDS }, with blanks inside the braces")
                .note("each [a b] { vm:stop $it }")
                .note(ONLY_LAST),
            ControlCommands::each),
        new Command(
            Syntax.of(SCOPE, "while", "Does a block as long as a condition holds.")
                .takes(
                    "CONDITION", Kind.BLOCK, "{ COMMANDS }: holds when they work and are not false")
                .takes(BLOCK, Kind.BLOCK, "{ COMMANDS }, with blanks inside the braces")
                .note(ONLY_LAST),
            ControlCommands::whileHolds),
        new Command(
            Syntax.of(SCOPE, "if", "Does one block or another.")
                .takes(
                    "CONDITION", Kind.BLOCK, "{ COMMANDS }: holds when they work and are not false")
                .takes(BLOCK, Kind.BLOCK, "{ COMMANDS } to be done when it holds")
                .mayTake("OTHERWISE", Kind.BLOCK, "{ COMMANDS } to be done when not"),
            ControlCommands::ifHolds),
        new Command(
            Syntax.of(SCOPE, "same", "Fails unless two values are the same text.")
                .takes("VALUE", Kind.VALUE, "what is there")
                .takes("EXPECTED", Kind.VALUE, "what should be there")
                .note("same $(vm:exec a 'uname -m') riscv64"),
            ControlCommands::same));
  }

  private static @Nullable Object echo(Invocation call) {
    List<String> words = new ArrayList<>();
    for (Object value : call.arguments().values("TEXT")) {
      words.add(text(call, value));
    }
    call.out().println(String.join(" ", words));
    return null;
  }

  private static String text(Invocation call, Object value) {
    if (value instanceof CharSequence words) {
      return words.toString();
    }
    String drawn = Drawing.draw(value, call.screen().width());
    return drawn != null ? drawn : call.session().format(value, Converter.LINE).toString();
  }

  private static @Nullable Object repeat(Invocation call) throws Exception {
    Function block = block(call.arguments(), BLOCK);
    int times = call.arguments().count("TIMES", 0);
    for (int i = 1; i <= times; i++) {
      show(call, run(call, block, i));
    }
    return null;
  }

  private static @Nullable Object each(Invocation call) throws Exception {
    Function block = block(call.arguments(), BLOCK);
    Object list = call.arguments().value("LIST");
    Collection<?> values =
        list instanceof Collection<?> many
            ? many
            : list instanceof Object[] array ? Arrays.asList(array) : List.of(list);
    for (Object value : values) {
      show(call, run(call, block, value));
    }
    return null;
  }

  private static @Nullable Object whileHolds(Invocation call) throws Exception {
    Function condition = block(call.arguments(), "CONDITION");
    Function block = block(call.arguments(), BLOCK);
    while (holds(call, condition)) {
      show(call, run(call, block));
    }
    return null;
  }

  private static @Nullable Object ifHolds(Invocation call) throws Exception {
    if (holds(call, block(call.arguments(), "CONDITION"))) {
      return run(call, block(call.arguments(), BLOCK));
    }
    return call.arguments().has("OTHERWISE")
        ? run(call, block(call.arguments(), "OTHERWISE"))
        : null;
  }

  private static @Nullable Object same(Invocation call) throws CommandFailed {
    String there = text(call, call.arguments().value("VALUE"));
    String expected = text(call, call.arguments().value("EXPECTED"));
    if (!there.strip().equals(expected.strip())) {
      throw new CommandFailed("there is '" + there.strip() + "', not '" + expected.strip() + "'");
    }
    return null;
  }

  private static boolean holds(Invocation call, Function condition) throws Exception {
    try {
      Object value = run(call, condition);
      return !Boolean.FALSE.equals(value) && !"false".equals(value);
    } catch (CommandFailed | CallFailed e) {
      call.cancellation().check();
      return false;
    }
  }

  private static @Nullable Object run(Invocation call, Function block, Object... it)
      throws Exception {
    call.cancellation().check();
    return block.execute(call.session(), new ArrayList<>(Arrays.asList(it)));
  }

  private static Function block(Arguments arguments, String name) throws CommandFailed {
    if (arguments.value(name) instanceof Function block) {
      return block;
    }
    throw new CommandFailed(
        name
            + " is '"
            + arguments.value(name)
            + "' and no block; write { COMMANDS } with a blank behind the first brace");
  }

  /** Shows the value of a round at once, as loops may take long. */
  private static void show(Invocation call, @Nullable Object value) {
    if (value instanceof Notice notice) {
      call.err().println(notice.line());
    } else if (value != null && !(value instanceof Function)) {
      call.out().println(text(call, value));
    }
  }
}
