package duality.shell.language;

import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Filters of text for the right side of a pipe. */
@Component(service = FilterCommands.class, immediate = true)
public final class FilterCommands extends CommandGroup {
  private static final String SCOPE = "duality";
  private static final int LINES = 10;

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "grep", "Passes the lines on in which a pattern is found.")
                .flag("--not", "the lines in which it is not found")
                .flag("--ignore-case", "capitals count as small letters")
                .takes("PATTERN", Kind.TEXT, "a regular expression of Java")
                .note("kernel:stat | grep blk"),
            FilterCommands::grep),
        new Command(
            Syntax.of(SCOPE, "head", "Passes the first lines on.")
                .mayTake("LINES", Kind.COUNT, "how many (10)"),
            FilterCommands::head),
        new Command(
            Syntax.of(SCOPE, "tail", "Passes the last lines on.")
                .mayTake("LINES", Kind.COUNT, "how many (10)"),
            FilterCommands::tail),
        new Command(
            Syntax.of(SCOPE, "sort", "Sorts lines.").flag("--reverse", "backwards"),
            FilterCommands::sort),
        new Command(Syntax.of(SCOPE, "count", "Counts lines."), FilterCommands::count),
        new Command(
            Syntax.of(
                SCOPE, "copy", "Passes on what is piped into it: kernel:stat > FILE uses it."),
            FilterCommands::copy));
  }

  private interface Line {
    /** Takes a line; false when no more are wanted. */
    boolean take(String line);
  }

  /**
   * At the prompt the keyboard is the shell's: who waits for a line of it could not be cancelled.
   */
  private static void needInput(Invocation call) throws CommandFailed {
    if (call.screen().interactive() && !call.fed()) {
      throw new CommandFailed("nothing is piped into it; write: COMMAND | grep …");
    }
  }

  /** Hands over lines until there are no more or none is wanted. */
  private static void lines(Invocation call, Line line) throws CommandFailed, IOException {
    needInput(call);
    BufferedReader reader =
        new BufferedReader(new InputStreamReader(call.in(), StandardCharsets.UTF_8));
    String next = reader.readLine();
    while (next != null && line.take(next)) {
      call.cancellation().check();
      next = reader.readLine();
    }
  }

  private static @Nullable Object grep(Invocation call) throws CommandFailed, IOException {
    Pattern pattern;
    try {
      int flags = call.arguments().has("--ignore-case") ? Pattern.CASE_INSENSITIVE : 0;
      pattern = Pattern.compile(call.arguments().text("PATTERN"), flags);
    } catch (PatternSyntaxException e) {
      throw new CommandFailed("PATTERN: " + e.getDescription() + " in '" + e.getPattern() + "'");
    }
    boolean found = !call.arguments().has("--not");
    lines(
        call,
        line -> {
          if (pattern.matcher(line).find() == found) {
            call.out().println(line);
          }
          return !call.out().checkError();
        });
    return null;
  }

  private static @Nullable Object head(Invocation call) throws CommandFailed, IOException {
    int most = call.arguments().count("LINES", LINES);
    List<String> kept = new ArrayList<>();
    if (most > 0) {
      lines(
          call,
          line -> {
            kept.add(line);
            return kept.size() < most;
          });
    }
    // The rest is read and dropped, so that who writes into the pipe does not fail.
    call.in().transferTo(java.io.OutputStream.nullOutputStream());
    return text(kept);
  }

  private static @Nullable Object tail(Invocation call) throws CommandFailed, IOException {
    int most = call.arguments().count("LINES", LINES);
    Deque<String> kept = new ArrayDeque<>();
    lines(
        call,
        line -> {
          kept.add(line);
          if (kept.size() > most) {
            kept.remove();
          }
          return true;
        });
    return text(List.copyOf(kept));
  }

  private static @Nullable Object sort(Invocation call) throws CommandFailed, IOException {
    List<String> kept = new ArrayList<>();
    lines(call, kept::add);
    if (call.arguments().has("--reverse")) {
      kept.sort(Collections.reverseOrder());
    } else {
      Collections.sort(kept);
    }
    return text(kept);
  }

  private static Object count(Invocation call) throws CommandFailed, IOException {
    long[] count = {0};
    lines(call, line -> ++count[0] > 0);
    return count[0];
  }

  private static @Nullable Object copy(Invocation call) throws CommandFailed, IOException {
    needInput(call);
    byte[] bytes = new byte[8192];
    for (int read = call.in().read(bytes); read >= 0; read = call.in().read(bytes)) {
      call.out().write(bytes, 0, read);
    }
    return null;
  }

  private static @Nullable Object text(List<String> lines) {
    return lines.isEmpty() ? null : String.join("\n", lines);
  }
}
