package duality.shell.script;

import duality.shell.language.HelpCommands;
import duality.shell.script.ScriptText.Link;
import duality.shell.script.ScriptText.Malformed;
import duality.shell.script.ScriptText.Step;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.felix.service.command.CommandSession;

/** Runs statements one after the other, up to the first that fails. */
public final class Script {
  /** Exit code: everything worked. */
  public static final int DONE = 0;

  /** Exit code: a command failed. */
  public static final int FAILED = 1;

  /** Exit code: the script could not be read or understood. */
  public static final int MISUSED = 2;

  private static final String PIPE_EXCEPTION = "pipe-exception";

  private final CommandSession session;
  private final Outcome outcome;
  private final String name;

  /**
   * For a session.
   *
   * @param name how errors call the script; empty for none
   */
  public Script(CommandSession session, Outcome outcome, String name) {
    this.session = session;
    this.outcome = outcome;
    this.name = name;
  }

  /** Runs a whole text, after all of it was understood. */
  public int run(String text) {
    List<Step> steps;
    try {
      steps = ScriptText.steps(text);
    } catch (Malformed e) {
      outcome.err().println(where() + e.getMessage());
      return MISUSED;
    }
    return run(steps, text.contains("\n"), 0);
  }

  /**
   * Runs what comes in line by line; statements over several lines wait for their last. Reads no
   * byte more than it must, so that a command that reads finds what follows its own line.
   */
  public int run(InputStream in) {
    StringBuilder pending = new StringBuilder();
    int line = 0;
    int first = 0;
    try {
      for (String next = line(in); ; next = line(in)) {
        if (next != null) {
          line++;
          pending.append(next).append('\n');
        }
        try {
          List<Step> steps = ScriptText.steps(pending.toString());
          int code = run(steps, true, first);
          if (code != DONE || next == null || session.get(HelpCommands.LEAVE) != null) {
            return code;
          }
          pending.setLength(0);
          first = line;
        } catch (Malformed e) {
          if (!e.incomplete() || next == null) {
            outcome.err().println(where() + e.getMessage());
            return MISUSED;
          }
        }
      }
    } catch (IOException e) {
      outcome.err().println(where() + "cannot read the commands: " + e.getMessage());
      return MISUSED;
    }
  }

  private int run(List<Step> steps, boolean lines, int before) {
    boolean worked = true;
    for (Step step : steps) {
      if (step.link() == Link.NEXT && !worked) {
        return FAILED;
      }
      if (step.link() == Link.AND && !worked || step.link() == Link.OR && worked) {
        continue;
      }
      if (session.get(HelpCommands.LEAVE) != null) {
        break;
      }
      worked = run(step, lines ? "line " + (before + step.line()) + ": " : "");
    }
    return worked ? DONE : FAILED;
  }

  private boolean run(Step step, String place) {
    try {
      session.put(PIPE_EXCEPTION, null);
      session.put(Failures.STATEMENT, step.text());
      Object value = session.execute(step.text());
      if (!step.assigns()) {
        outcome.value(session, value);
      }
      if (session.get(PIPE_EXCEPTION) instanceof Exception inPipe) {
        Throwable[] causes = inPipe.getSuppressed();
        outcome.failure(session, where() + place, causes.length == 0 ? inPipe : causes[0]);
        return false;
      }
      return true;
    } catch (Exception e) {
      outcome.failure(session, where() + place, e);
      return false;
    }
  }

  private String where() {
    return name.isEmpty() ? "" : name + ": ";
  }

  private static @org.jspecify.annotations.Nullable String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int next = in.read();
    if (next < 0) {
      return null;
    }
    while (next >= 0 && next != '\n') {
      line.write(next);
      next = in.read();
    }
    return line.toString(StandardCharsets.UTF_8);
  }
}
