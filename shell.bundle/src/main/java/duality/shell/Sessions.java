package duality.shell;

import duality.shell.command.Cancellation;
import duality.shell.command.Screen;
import java.io.InputStream;
import java.io.PrintStream;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;

/** Makes sessions of Gogo as this shell wants them. */
final class Sessions {
  /** Where commands without a scope are looked for, in this order. */
  static final String SCOPES = "duality:vm:task:guest:kernel:felix:*";

  private Sessions() {}

  static CommandSession open(
      CommandProcessor processor,
      InputStream in,
      PrintStream out,
      PrintStream err,
      Screen screen,
      Cancellation.Foreground foreground) {
    CommandSession session = processor.createSession(in, out, err);
    // A word with * is a pattern of endpoints much more often than one of files.
    session.put(CommandSession.OPTION_NO_GLOB, true);
    session.put("SCOPE", SCOPES);
    session.put(Screen.VARIABLE, screen);
    session.put(Cancellation.FOREGROUND, foreground);
    return session;
  }
}
