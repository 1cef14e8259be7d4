package duality.shell.script;

import duality.shell.command.Notice;
import duality.shell.command.Screen;
import duality.shell.text.Drawing;
import java.io.PrintStream;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import org.apache.felix.service.command.Function;
import org.jspecify.annotations.Nullable;

/**
 * Shows what statements answer.
 *
 * @param out where values go
 * @param err where notices and errors go
 * @param screen how wide tables may be
 */
public record Outcome(PrintStream out, PrintStream err, Screen screen) {
  /** Shows a value; nothing when there is none. */
  public void value(CommandSession session, @Nullable Object value) {
    switch (value) {
      case null -> {}
      case Function ignored -> {}
      case Notice notice -> err.println(notice.line());
      default -> {
        String drawn = Drawing.draw(value, screen.width());
        String text = drawn != null ? drawn : session.format(value, Converter.INSPECT).toString();
        out.print(text.isEmpty() || text.endsWith("\n") ? text : text + "\n");
      }
    }
    out.flush();
    err.flush();
  }

  /** Shows a failure. */
  public void failure(CommandSession session, String where, Throwable failure) {
    out.flush();
    err.println(where + Failures.describe(session, failure));
    if (session.get(Failures.TRACE) != null) {
      failure.printStackTrace(err);
    }
    err.flush();
  }
}
