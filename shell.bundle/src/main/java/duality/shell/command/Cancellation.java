package duality.shell.command;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Ctrl-C as seen by one command. A flag that is looked at between calls, because a thread inside a
 * driver must not be interrupted: interrupting a thread closes the file that it reads.
 */
public final class Cancellation {
  /** Session variable: the {@link Foreground} of the session. */
  public static final String FOREGROUND = ".foreground";

  private boolean cancelled;
  private @Nullable Thread interruptible;

  /** The commands that Ctrl-C ends. */
  public static final class Foreground {
    private final Set<Cancellation> running = ConcurrentHashMap.newKeySet();

    /** A new command begins. */
    Cancellation begin() {
      Cancellation cancellation = new Cancellation();
      running.add(cancellation);
      return cancellation;
    }

    /** A command has ended. */
    void end(Cancellation cancellation) {
      running.remove(cancellation);
    }

    /** Cancels all; whether there were any: also one that began just now. */
    public boolean cancel() {
      boolean any = false;
      for (Cancellation each : running) {
        each.cancel();
        any = true;
      }
      return any;
    }
  }

  /** Asks the command to end. */
  public synchronized void cancel() {
    cancelled = true;
    notifyAll();
    if (interruptible != null) {
      interruptible.interrupt();
    }
  }

  /** Whether the command shall end. */
  public synchronized boolean cancelled() {
    return cancelled;
  }

  /**
   * Ends the command when it shall.
   *
   * @throws CommandFailed saying that it was cancelled
   */
  public void check() throws CommandFailed {
    if (cancelled()) {
      throw new CommandFailed("cancelled");
    }
  }

  /** Waits for that long, or until the command shall end. */
  public void sleep(Duration time) throws CommandFailed {
    long until = System.nanoTime() + time.toNanos();
    synchronized (this) {
      long left = until - System.nanoTime();
      while (left > 0 && !cancelled) {
        try {
          wait(left / 1_000_000, (int) (left % 1_000_000));
        } catch (InterruptedException e) {
          cancelled = true;
        }
        left = until - System.nanoTime();
      }
    }
    check();
  }

  /**
   * Does work that ends early when its thread is interrupted, and interrupts it when the command
   * shall end.
   */
  public <T> T interruptibly(Callable<T> work) throws Exception {
    synchronized (this) {
      check();
      interruptible = Thread.currentThread();
    }
    try {
      return work.call();
    } finally {
      synchronized (this) {
        interruptible = null;
        if (cancelled) {
          Thread.interrupted();
        }
      }
    }
  }
}
