package duality.shell.script;

import duality.guests.GuestUnavailable;
import duality.kernel.CallFailed;
import duality.shell.command.CommandFailed;
import duality.shell.text.Near;
import java.io.EOFException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.felix.gogo.runtime.CommandNotFoundException;
import org.apache.felix.service.command.CommandSession;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.FrameworkUtil;

/** Says in a sentence why a statement failed. */
public final class Failures {
  /** Session variable: when it is set, failures are shown with their stack trace. */
  public static final String TRACE = "trace";

  /** Session variable: the text that is being executed. */
  static final String STATEMENT = ".statement";

  private static final Pattern CONTROLS = Pattern.compile("[\\p{Cntrl}\\x80-\\x9f&&[^\\n\\t]]");

  private static final String UNFITTING = "Cannot coerce ";
  private static final String NOT_FOUND = "Command not found: ";

  private Failures() {}

  /** The sentence, for people and their terminals, whatever a guest has put into it. */
  public static String describe(CommandSession session, Throwable failure) {
    return CONTROLS.matcher(sentence(session, failure)).replaceAll("?");
  }

  private static String sentence(CommandSession session, Throwable failure) {
    return switch (failure) {
      case CommandFailed e -> String.valueOf(e.getMessage());
      case CallFailed e -> String.valueOf(e.getMessage());
      case GuestUnavailable e -> String.valueOf(e.getMessage());
      case CommandNotFoundException e -> notFound(session, String.valueOf(e.getMessage()));
      case EOFException e -> "not finished: " + e.getMessage();
      case InterruptedException e -> "cancelled";
      case IllegalArgumentException e when String.valueOf(e.getMessage()).startsWith(UNFITTING) ->
          unfitting(session, String.valueOf(e.getMessage()));
      default -> {
        String message = failure.getMessage();
        String name = failure.getClass().getSimpleName();
        yield message == null ? name : name + ": " + message.lines().findFirst().orElse("");
      }
    };
  }

  /**
   * Words that Gogo could not turn into what a method takes, such as a bundle that is not there.
   */
  private static String unfitting(CommandSession session, String message) {
    String name = message.substring(UNFITTING.length()).replaceFirst("\\(.*", "").strip();
    String said = String.valueOf(session.get(STATEMENT));
    if (message.contains("Bundle")) {
      // The words behind the command's name; which of them Gogo stumbled over it does not say.
      Matcher words = Pattern.compile("\\b" + Pattern.quote(name) + "\\b([^;|&}]*)").matcher(said);
      if (words.find()) {
        for (String word : words.group(1).strip().split("\\s+")) {
          String hint = noBundle(word);
          if (hint != null) {
            return name + ": " + hint;
          }
        }
      }
    }
    return name + ": its words are too many, too few or of the wrong kind; felix:help " + name;
  }

  /** What to say of a word that should be a bundle and is none; null when it is one. */
  private static @Nullable String noBundle(String word) {
    Bundle own = FrameworkUtil.getBundle(Failures.class);
    if (own == null || word.isEmpty() || word.startsWith("-") || word.startsWith("$")) {
      return null;
    }
    List<String> names = new ArrayList<>();
    for (Bundle each : own.getBundleContext().getBundles()) {
      if (word.equals(each.getSymbolicName()) || word.equals("" + each.getBundleId())) {
        return null;
      }
      names.add(String.valueOf(each.getSymbolicName()));
    }
    String hint = Near.hint(word, names);
    return "there is no bundle '"
        + word
        + "'"
        + (hint.isEmpty() ? "; felix:lb -s lists names and numbers" : hint);
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
