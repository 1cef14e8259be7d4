package duality.vmm.agent;

import duality.kernel.State;
import duality.vmm.GuestAgent;
import java.util.Arrays;

/** One job: its condition and the output that its reader has not given up. Not thread-safe. */
final class Command {
  static final String SCHEMA = "job";
  private static final int VERSION = 1;

  static final long NEVER = Long.MAX_VALUE;

  private static final String RUNNING = "running";

  private final int number;
  private final String line;
  private String state = RUNNING;
  private int status = -1;
  private String why = "";
  private byte[] kept = new byte[256];
  private int keptBytes;
  private long givenUp;

  /** Host clock value at which it is killed, or {@link #NEVER}. */
  private long killNanos;

  /** Host clock value at which a kill that nobody confirmed makes it lost, or {@link #NEVER}. */
  private long lostNanos = NEVER;

  Command(int number, String line, long killNanos) {
    this.number = number;
    this.line = line;
    this.killNanos = killNanos;
  }

  int number() {
    return number;
  }

  boolean running() {
    return state.equals(RUNNING);
  }

  /** When something has to be done about it next. */
  long nextNanos() {
    return running() ? Math.min(killNanos, lostNanos) : NEVER;
  }

  boolean killDue(long nowNanos) {
    return running() && killNanos != NEVER && nowNanos - killNanos >= 0;
  }

  boolean lostDue(long nowNanos) {
    return running() && lostNanos != NEVER && nowNanos - lostNanos >= 0;
  }

  /** A kill was sent; when no answer has come at {@code giveUpNanos}, the job is lost. */
  void killed(String reason, long giveUpNanos) {
    killNanos = NEVER;
    if (lostNanos == NEVER) {
      lostNanos = giveUpNanos;
      why = reason;
    }
  }

  /** Takes output; false when its reader has left too much unread. */
  boolean append(byte[] bytes) {
    if (keptBytes + bytes.length > GuestAgent.KEPT_BYTES) {
      return false;
    }
    if (keptBytes + bytes.length > kept.length) {
      kept = Arrays.copyOf(kept, Math.max(2 * kept.length, keptBytes + bytes.length));
    }
    System.arraycopy(bytes, 0, kept, keptBytes, bytes.length);
    keptBytes += bytes.length;
    return true;
  }

  void exited(int code) {
    state = "exited";
    status = code;
    why = "";
  }

  void signalled(int signal) {
    state = "killed";
    status = 128 + signal;
    why = why.isEmpty() ? "ended by signal " + signal : why;
  }

  void lost(String reason) {
    state = "lost";
    why = reason;
  }

  /** Whether that position was given up already. */
  boolean forgotten(long position) {
    return position < givenUp;
  }

  /** Whether there is output at a position. */
  boolean has(long position) {
    return position < givenUp + keptBytes;
  }

  /** Gives up what lies before a position and answers what is there, at most {@code most} bytes. */
  byte[] read(long position, int most) {
    int drop = (int) Math.min(position - givenUp, keptBytes);
    System.arraycopy(kept, drop, kept, 0, keptBytes - drop);
    keptBytes -= drop;
    givenUp += drop;
    if (kept.length > 1 << 16 && keptBytes < kept.length / 8) {
      kept = Arrays.copyOf(kept, kept.length / 4);
    }
    return Arrays.copyOf(kept, Math.min(most, keptBytes));
  }

  GuestAgent.Job report() {
    return new GuestAgent.Job(number, line, state, status, why, givenUp + keptBytes);
  }

  State save(long nowNanos) {
    return State.of(SCHEMA, VERSION)
        .with("number", number)
        .with("line", line)
        .with("state", state)
        .with("status", status)
        .with("why", why)
        .with("givenUp", givenUp)
        .with("kept", Arrays.copyOf(kept, keptBytes))
        .with("killInNanos", killNanos == NEVER ? NEVER : Math.max(0, killNanos - nowNanos))
        .with("lostInNanos", lostNanos == NEVER ? NEVER : Math.max(0, lostNanos - nowNanos));
  }

  static Command restore(State saved, long nowNanos) {
    saved.expect(SCHEMA, VERSION);
    Command command =
        new Command(
            (int) saved.number("number", 1, Integer.MAX_VALUE),
            saved.text("line"),
            later(saved.number("killInNanos", 0, NEVER), nowNanos));
    command.lostNanos = later(saved.number("lostInNanos", 0, NEVER), nowNanos);
    command.state = saved.text("state");
    if (!java.util.Set.of(RUNNING, "exited", "killed", "lost").contains(command.state)) {
      throw new State.Refused("job.state is '" + command.state + "'");
    }
    command.status = (int) saved.number("status", -1, Integer.MAX_VALUE);
    command.why = saved.text("why");
    command.givenUp = saved.number("givenUp", 0, Long.MAX_VALUE / 2);
    byte[] kept = saved.bytes("kept");
    if (!command.append(kept)) {
      throw new State.Refused("job.kept has " + kept.length + " bytes");
    }
    return command;
  }

  private static long later(long nanos, long nowNanos) {
    return nanos == NEVER ? NEVER : nowNanos + nanos;
  }
}
