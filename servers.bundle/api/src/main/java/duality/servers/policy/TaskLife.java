package duality.servers.policy;

import duality.kernel.State;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Where the task of a personality is in its life: created, running, exited.
 *
 * <p><em>Concurrency:</em> any thread may call anything; each step is taken once. A personality may
 * hold a lock of its own around it, and never takes one inside.
 */
public final class TaskLife {
  private static final long MOST_WAIT_MILLIS = 1_000;
  private static final String CREATED = "created";
  private static final String RUNNING = "running";
  private static final String EXITED = "exited";
  private static final Set<String> STATES = Set.of(CREATED, RUNNING, EXITED);

  /**
   * One look at it, with the meaning that the figures have in {@link duality.servers.TaskReport}.
   *
   * @param residentBytes what was backed at the end; 0 before
   */
  public record Figures(String state, int status, String reason, long residentBytes) {
    /** Whether it is over. */
    public boolean ended() {
      return status >= 0;
    }
  }

  /** Guarded by this. */
  private Figures figures = new Figures(CREATED, -1, "", 0);

  /** Says yes to the first who starts it. */
  public synchronized boolean start() {
    if (!figures.state.equals(CREATED)) {
      return false;
    }
    figures = new Figures(RUNNING, -1, "", 0);
    return true;
  }

  /** It is over, by what its parameters say; who waits is told. Only the first time counts. */
  public synchronized void end(int status, String reason, long residentBytes) {
    if (!figures.ended()) {
      figures = new Figures(EXITED, status, reason, residentBytes);
      notifyAll();
    }
  }

  /** How it stands. */
  public synchronized Figures now() {
    return figures;
  }

  /** Whether it is over. */
  public boolean ended() {
    return now().ended();
  }

  /**
   * Waits for the end.
   *
   * @param timeoutMillis at most that long, and at most a second
   */
  public synchronized void await(long timeoutMillis) {
    long deadline =
        System.nanoTime()
            + TimeUnit.MILLISECONDS.toNanos(Math.clamp(timeoutMillis, 0, MOST_WAIT_MILLIS));
    long left = deadline - System.nanoTime();
    while (!figures.ended() && left > 0) {
      try {
        TimeUnit.NANOSECONDS.timedWait(this, left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
      left = deadline - System.nanoTime();
    }
  }

  /**
   * {@code state} with the keys {@code state}, {@code status}, {@code reason}, {@code
   * residentAtEnd}.
   */
  public State save(State state) {
    Figures now = now();
    return state
        .with("state", now.state)
        .with("status", now.status)
        .with("reason", now.reason)
        .with("residentAtEnd", now.residentBytes);
  }

  /**
   * Goes on from what {@link #save} wrote.
   *
   * @throws State.Refused when that cannot be
   */
  public synchronized void restore(State saved) {
    String state = saved.text("state");
    int status = (int) saved.number("status", -1, 255);
    if (!STATES.contains(state) || state.equals(EXITED) != (status >= 0)) {
      throw new State.Refused(
          saved.schema() + ".state is '" + state + "' with status " + status + ", which cannot be");
    }
    figures =
        new Figures(
            state, status, saved.text("reason"), saved.number("residentAtEnd", 0, Long.MAX_VALUE));
  }
}
