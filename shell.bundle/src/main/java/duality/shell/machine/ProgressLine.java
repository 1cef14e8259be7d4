package duality.shell.machine;

import duality.guests.Progress;
import duality.shell.command.Invocation;
import duality.shell.text.ByteSize;
import java.io.PrintStream;
import java.util.Locale;

/**
 * Shows progress: on a terminal as one line that is written over, in a script as a line every few
 * seconds for steps that take that long. The rate is that of the step so far.
 */
final class ProgressLine implements Progress, AutoCloseable {
  private static final long SCREEN_NANOS = 100_000_000;
  private static final long SCRIPT_NANOS = 3_000_000_000L;
  private static final String CLEAR = "\r\u001b[K";

  private final PrintStream out;
  private final boolean terminal;
  private String step = "";
  private long shown;
  private long started;
  private long before;
  private boolean open;

  ProgressLine(Invocation call) {
    terminal = call.screen().interactive() && !call.piped();
    out = terminal ? call.out() : call.err();
  }

  @Override
  public void step(String what, long done, long total) {
    long now = System.nanoTime();
    if (!what.equals(step)) {
      step = what;
      started = now;
      before = done;
      // On a terminal the start of a step is shown at once, in a script when it has taken a while.
      shown = terminal ? now - SCREEN_NANOS : now;
    }
    if (now - shown < (terminal ? SCREEN_NANOS : SCRIPT_NANOS)) {
      return;
    }
    shown = now;
    String amount =
        total > 0
            ? ByteSize.show(done) + " of " + ByteSize.show(total) + ", " + 100 * done / total + " %"
            : done > 0 ? ByteSize.show(done) : "";
    show(amount.isEmpty() ? what : what + ": " + amount + rate(done - before, now - started));
  }

  private static String rate(long bytes, long nanos) {
    // Of the first moments it would say more about buffers than about the network.
    return bytes <= 0 || nanos < SCREEN_NANOS
        ? ""
        : String.format(Locale.ROOT, ", %.1f MB/s", 1000.0 * bytes / nanos);
  }

  /** Shows a line in the place of the last one. */
  void show(String line) {
    if (terminal) {
      out.print(CLEAR + line);
      open = true;
    } else {
      out.println(line);
    }
    out.flush();
  }

  /** Shows a line that is worth it on a terminal only. */
  void whisper(String line) {
    if (terminal) {
      show(line);
    }
  }

  /** Takes the line off the screen. */
  @Override
  public void close() {
    if (open) {
      out.print(CLEAR);
      out.flush();
      open = false;
    }
  }
}
