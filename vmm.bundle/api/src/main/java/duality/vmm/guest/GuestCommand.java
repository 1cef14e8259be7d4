package duality.vmm.guest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import duality.vmm.GuestAgent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Runs commands in a guest's shell, each to its end.
 *
 * <p><em>Concurrency:</em> any thread; a command runs on its caller's.
 */
public final class GuestCommand {
  private static final int CHUNK = 1 << 16;
  private static final long POLL_MILLIS = 100;

  private final GuestAgent agent;
  private final BooleanSupplier cancelled;

  /**
   * With an agent that has said hello.
   *
   * @param cancelled asked ten times a second; true kills the command
   */
  public GuestCommand(GuestAgent agent, BooleanSupplier cancelled) {
    this.agent = agent;
    this.cancelled = cancelled;
  }

  /**
   * Runs one; its output, which is text, and its status.
   *
   * @param status 0 to 255; 128 + signal when one ended it
   * @param output standard output and error as they came
   */
  public record Ended(int status, String output) {
    /** The output as one line without blanks at its ends. */
    public String line() {
      return output.strip().replaceAll("\\s*\\n\\s*", "; ");
    }
  }

  /**
   * Runs a command and waits for it.
   *
   * @param limit after which it is killed; zero for never
   * @throws GuestFailed when it was killed for its time, cancelled or lost
   */
  public Ended run(String command, Duration limit) throws GuestFailed {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try {
      int status = run(command, limit, output);
      return new Ended(status, output.toString(UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Runs a command, its output to the byte into a stream.
   *
   * @return its status, as in {@link Ended}
   * @throws IOException of the stream; the command is killed then
   */
  public int run(String command, Duration limit, OutputStream output)
      throws GuestFailed, IOException {
    return follow(agent.start(command, limit.toMillis()), output);
  }

  /**
   * Runs a command with bytes for its standard input.
   *
   * @param input one character of ISO 8859-1 a byte; as many as {@link GuestAgent#feed} takes
   */
  public Ended feed(String command, String input, Duration limit) throws GuestFailed {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try {
      int status = follow(agent.feed(command, input, limit.toMillis()), output);
      return new Ended(status, output.toString(UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private int follow(long job, OutputStream output) throws GuestFailed, IOException {
    try {
      long position = 0;
      GuestAgent.Job state;
      do {
        if (cancelled.getAsBoolean()) {
          throw new GuestFailed("cancelled");
        }
        String more = agent.output(job, position, CHUNK, POLL_MILLIS);
        position += more.length();
        output.write(more.getBytes(ISO_8859_1));
        state = agent.job(job);
      } while (!state.ended() || position < state.outputBytes());
      // Killed by a signal of the guest's own is an end like others.
      boolean ended =
          state.state().equals("exited")
              || state.state().equals("killed") && state.why().startsWith("ended by signal");
      if (!ended) {
        throw new GuestFailed(
            "the command was " + state.state() + (state.why().isEmpty() ? "" : ": " + state.why()));
      }
      return state.status();
    } finally {
      agent.forget(job);
    }
  }

  /** A text as one word of the guest's shell, whatever is in it. */
  public static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }
}
