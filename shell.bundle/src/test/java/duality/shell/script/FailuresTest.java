package duality.shell.script;

import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.shell.command.CommandFailed;
import java.io.InputStream;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.apache.felix.gogo.runtime.threadio.ThreadIOImpl;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FailuresTest {
  private final CommandProcessorImpl processor = new CommandProcessorImpl(new ThreadIOImpl());

  @AfterEach
  void close() {
    processor.stop();
  }

  private String said(String message) {
    return Failures.describe(
        processor.createSession(InputStream.nullInputStream(), System.out, System.err),
        new CommandFailed(message));
  }

  /** Such as what a guest's stat says: a terminal would take it for orders. */
  @Test
  void whatAGuestPutsIntoAMessageMovesNoCursor() {
    assertEquals(
        "vm:copy: in the guest: ?]0;title??[2J?2J?",
        said("vm:copy: in the guest: \u001b]0;title\u0007\u001b[2J\u009b2J\u007f"));
    assertEquals("one\n\ttwo, f\u00fcr", said("one\n\ttwo, f\u00fcr"));
  }
}
