package duality.shell.machine;

import duality.shell.command.Cancellation;
import duality.shell.command.CommandFailed;
import duality.shell.text.Span;
import duality.vmm.GuestAgent;
import java.util.Locale;

/**
 * Reads a Linux guest's monotonic clock from outside. The guest prints it many times, and for each
 * line the host notes when it came; of all lines the one that was quickest on its way counts, so
 * that what is left of the way cancels out between two readings.
 */
final class GuestClock {
  private static final int TIMES = 40;
  private static final long TIMEOUT_MILLIS = 30_000;
  private static final long WAIT_MILLIS = 200;
  private static final int CHUNK = 4096;

  /**
   * Only what the shell does itself: a new process for each line would take longer than it
   * measures.
   */
  private static final String COMMAND =
      "i=0; while [ $i -lt "
          + TIMES
          + " ]; do i=$((i+1)); while read a b c d; do case $a in now) echo $c; break;; esac;"
          + " done < /proc/timer_list; done";

  private GuestClock() {}

  /**
   * What both clocks showed at one moment, each since a start of its own.
   *
   * @param machine whose guest
   * @param guestNanos the guest's clock
   * @param hostNanos the host's clock
   */
  record Reading(String machine, long guestNanos, long hostNanos) {
    /** How far both went on. */
    Progress since(Reading before) {
      long guest = guestNanos - before.guestNanos;
      long host = hostNanos - before.hostNanos;
      return new Progress(machine, guest, host, guest - host);
    }
  }

  /**
   * How far two clocks went on.
   *
   * @param machine whose guest
   * @param guestNanos the guest's clock
   * @param hostNanos the host's clock
   * @param apartNanos by how much the guest's went on further
   */
  record Progress(String machine, long guestNanos, long hostNanos, long apartNanos) {
    String line() {
      return String.format(
          Locale.ROOT,
          "the guest's clock went on by %.4f s, the host's by %.4f s: %s apart",
          guestNanos / 1e9,
          hostNanos / 1e9,
          Span.show(apartNanos));
    }
  }

  static Reading read(String machine, GuestAgent agent, Cancellation cancellation)
      throws CommandFailed {
    long job = agent.start(COMMAND, TIMEOUT_MILLIS);
    try {
      Reading best = null;
      StringBuilder line = new StringBuilder();
      long position = 0;
      GuestAgent.Job state;
      do {
        cancellation.check();
        String more = agent.output(job, position, CHUNK, WAIT_MILLIS);
        long host = System.nanoTime();
        position += more.length();
        for (int i = 0; i < more.length(); i++) {
          char c = more.charAt(i);
          if (c != '\n') {
            line.append(c);
            continue;
          }
          Reading next = new Reading(machine, number(line.toString()), host);
          line.setLength(0);
          if (best == null || next.since(best).apartNanos() > 0) {
            best = next;
          }
        }
        state = agent.job(job);
      } while (!state.ended() || position < state.outputBytes());
      if (best == null || state.status() != 0) {
        throw new CommandFailed(
            "the guest does not say the time: it has no /proc/timer_list that can be read");
      }
      return best;
    } finally {
      agent.forget(job);
    }
  }

  private static long number(String line) throws CommandFailed {
    try {
      return Long.parseLong(line.strip());
    } catch (NumberFormatException e) {
      throw new CommandFailed("the guest does not say the time, but: " + line);
    }
  }
}
