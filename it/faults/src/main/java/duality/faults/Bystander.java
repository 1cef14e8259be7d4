package duality.faults;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The second guest, which uses none of the faulty servers but those that all share. */
final class Bystander implements AutoCloseable {
  private static final long REST_NANOS = 100_000_000;

  private final Guest guest;
  private final Thread thread;
  private volatile boolean stopped;
  private volatile long rounds;

  /** It goes on without a rest until so many are done. */
  private volatile long wanted;

  private volatile @Nullable String deviation;

  Bystander(Guest guest) {
    this.guest = guest;
    thread = new Thread(this::body, "bystander");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void body() {
    while (!stopped) {
      try {
        guest.round();
        rounds = rounds + 1;
        if (rounds >= wanted) {
          // All the time would be a processor's whole time.
          LockSupport.parkNanos(REST_NANOS);
        }
      } catch (Deviation e) {
        if (!stopped) {
          deviation = e.getMessage();
        }
        return;
      }
    }
  }

  /** Waits until it has done another whole round, or deviated; answers what went wrong. */
  @Nullable String check(long millis) throws InterruptedException {
    long least = rounds + 2; // the first one that ends may have begun before
    wanted = least;
    LockSupport.unpark(thread);
    long end = System.nanoTime() + millis * 1_000_000;
    while (deviation == null && rounds < least) {
      if (System.nanoTime() - end > 0) {
        return "no progress within " + millis + " ms";
      }
      thread.join(2);
    }
    return deviation;
  }

  @Override
  public void close() {
    stopped = true;
    try {
      thread.join(5_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
