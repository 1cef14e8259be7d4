package duality.shell.script;

import duality.guests.GuestUnavailable;
import duality.kernel.CallFailed;
import duality.shell.command.CommandFailed;
import duality.shell.text.Near;
import java.io.EOFException;
import java.util.Set;
import java.util.TreeSet;
import org.apache.felix.gogo.runtime.CommandNotFoundException;
import org.apache.felix.service.command.CommandSession;

/** Says in a sentence why a statement failed. */
public final class Failures {
  /** Session variable: when it is set, failures are shown with their stack trace. */
  public static final String TRACE = "trace";

  private static final String NOT_FOUND = "Command not found: ";

  private Failures() {}

  /** The sentence, for people. */
  public static String describe(CommandSession session, Throwable failure) {
    return switch (failure) {
      case CommandFailed e -> String.valueOf(e.getMessage());
      case CallFailed e -> String.valueOf(e.getMessage());
      case GuestUnavailable e -> String.valueOf(e.getMessage());
      case CommandNotFoundException e -> notFound(session, String.valueOf(e.getMessage()));
      case EOFException e -> "not finished: " + e.getMessage();
      case InterruptedException e -> "cancelled";
      default -> {
        String message = failure.getMessage();
        String name = failure.getClass().getSimpleName();
        yield message == null ? name : name + ": " + message.lines().findFirst().orElse("");
      }
    };
  }

  private static String notFound(CommandSession session, String message) {
    String name = message.startsWith(NOT_FOUND) ? message.substring(NOT_FOUND.length()) : message;
    Set<String> names = new TreeSet<>();
    if (session.get(".commands") instanceof Iterable<?> commands) {
      commands.forEach(each -> names.add(each.toString()));
    }
    return "there is no command " + name + Near.hint(name, names) + " (help lists all)";
  }
}
