package duality.kernel.core;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Host threads that are started before they are needed.
 *
 * <p>Who starts a thread waits until it has run for the first time; on a host that is busy the new
 * one queues behind all others for that, and one start in ten took 14 ms. One that has run and
 * sleeps comes first when it is woken: 0.03 ms. So these sleep until there is work. Each does one
 * piece of work and ends, because servers leave things in its thread-locals; then it starts others
 * for those that were used.
 */
final class SpareThreads {
  /**
   * A swap uses a thread for itself and one for each worker and host thread of the new server:
   * seldom over 4; and the next one may come before these are made up for.
   */
  private static final int MOST = 12;

  private final Queue<Spare> ready = new ConcurrentLinkedQueue<>();
  private volatile boolean closed;

  private static final class Spare extends HostThread {
    private volatile @Nullable Runnable work;

    Spare(SpareThreads from) {
      super("spare", () -> ((Spare) Thread.currentThread()).body(from));
    }

    private void body(SpareThreads from) {
      Runnable given = work;
      while (given == null) {
        LockSupport.park(from);
        given = work;
      }
      try {
        given.run();
      } finally {
        from.refill();
      }
    }

    void take(String name, Runnable given) {
      rename(name);
      work = given;
      LockSupport.unpark(this);
    }
  }

  /** Does that on a thread of its own, which nobody used before or uses after. */
  void run(String name, Runnable work) {
    Spare spare = ready.poll();
    if (spare == null) {
      spare = new Spare(this);
      spare.take(name, work);
      spare.start();
    } else {
      spare.take(name, work);
    }
  }

  /** Any thread may; a few too many do no harm. */
  void refill() {
    while (!closed && ready.size() < MOST) {
      Spare spare = new Spare(this);
      spare.start();
      ready.add(spare);
    }
    if (closed) { // perhaps only after the look above
      end();
    }
  }

  void close() {
    closed = true;
    end();
  }

  private void end() {
    for (Spare spare = ready.poll(); spare != null; spare = ready.poll()) {
      spare.take("spare", () -> {});
    }
  }
}
