package duality.shell.command;

import duality.guests.GuestUnavailable;
import duality.kernel.CallFailed;
import java.util.List;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Function;
import org.apache.felix.service.command.Process;
import org.jspecify.annotations.Nullable;

/** Shows a {@link Command} to Gogo: sorts its words, gives it its streams, names it in errors. */
public final class CommandFunction implements Function {
  private final Command command;

  /** For that command. */
  public CommandFunction(Command command) {
    this.command = command;
  }

  /** How it is called. */
  public Syntax syntax() {
    return command.syntax();
  }

  @Override
  public @Nullable Object execute(CommandSession session, @Nullable List<Object> words)
      throws Exception {
    Syntax syntax = command.syntax();
    List<Object> given = words == null ? List.of() : words;
    if (Arguments.askForHelp(syntax, given)) {
      return syntax.help();
    }
    Cancellation.Foreground foreground =
        session.get(Cancellation.FOREGROUND) instanceof Cancellation.Foreground there
            ? there
            : new Cancellation.Foreground();
    Screen screen = session.get(Screen.VARIABLE) instanceof Screen there ? there : Screen.NONE;
    Cancellation cancellation = foreground.begin();
    try {
      Arguments arguments = Arguments.parse(syntax, given);
      Process process = Process.Utils.current();
      Invocation call =
          process == null
              ? new Invocation(
                  arguments,
                  session,
                  session.getKeyboard(),
                  session.getConsole(),
                  session.getConsole(),
                  screen,
                  false,
                  false,
                  cancellation)
              : new Invocation(
                  arguments,
                  session,
                  process.in(),
                  process.out(),
                  process.err(),
                  screen,
                  !process.isTty(0),
                  !process.isTty(1),
                  cancellation);
      return command.action().run(call);
    } catch (CommandFailed | CallFailed | GuestUnavailable e) {
      throw new CommandFailed(syntax.name() + ": " + e.getMessage());
    } finally {
      foreground.end(cancellation);
    }
  }
}
