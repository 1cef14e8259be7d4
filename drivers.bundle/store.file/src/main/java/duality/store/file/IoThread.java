package duality.store.file;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One host thread of a store, and whether it is stuck in what it does: asleep, waiting for a lock,
 * or burning a processor, at several looks in a row and for longer than any request needs. One that
 * is inside a system call of the host is not, however long that takes.
 *
 * <p><em>Concurrency:</em> {@link #begins} and {@link #rests} are the thread's own; anybody looks.
 */
final class IoThread {
  /** The guest behind it waits as long, and then until the store is replaced. */
  private static final long LONG_NANOS = TimeUnit.MILLISECONDS.toNanos(1_500);

  private static final int LEAST_LOOKS = 3;

  /** Of that time, this part spent on a processor is a loop. */
  private static final int BURNT_PART = 4;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private volatile @Nullable Thread host;

  /** Odd while it is at work. */
  private volatile long turns;

  // What was seen since a look at which it was in the present turn; guarded by this.
  private long seenTurn;
  private long sinceNanos;
  private long sinceProcessorNanos;
  private boolean waits;
  private int looks;

  /** The calling thread has work now. */
  void begins() {
    host = Thread.currentThread();
    turns = turns + 1 | 1;
  }

  /** It has done it. */
  void rests() {
    turns = turns + 1 & ~1L;
  }

  /** Whether it is at work and not known to be stuck in it. */
  boolean mayEnd() {
    Thread thread = host;
    return thread != null && thread.isAlive() && (turns & 1) == 1 && !isStuck();
  }

  /** Looks once more: whether it is stuck. */
  synchronized boolean isStuck() {
    Thread thread = host;
    long turn = turns;
    if (thread == null || (turn & 1) == 0 || !thread.isAlive()) {
      looks = 0;
      return false;
    }
    long now = System.nanoTime();
    long processor = Math.max(0, THREADS.getThreadCpuTime(thread.threadId()));
    if (looks == 0 || turn != seenTurn) {
      begin(turn, now, processor);
    }
    looks++;
    waits &= thread.getState() != Thread.State.RUNNABLE;
    long since = now - sinceNanos;
    if (looks < LEAST_LOOKS || since < LONG_NANOS) {
      return false;
    }
    if (waits || processor - sinceProcessorNanos >= since / BURNT_PART) {
      return true;
    }
    begin(turn, now, processor);
    return false;
  }

  private void begin(long turn, long now, long processor) {
    seenTurn = turn;
    sinceNanos = now;
    sinceProcessorNanos = processor;
    waits = true;
    looks = 0;
  }

  @Override
  public String toString() {
    Thread thread = host;
    return thread == null ? "a thread that never worked" : thread.getName();
  }
}
