package duality.swapper;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.servers.Supervisor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Who watches the supervisor, which watches all others: the swapper has it checked twice a second.
 * Looks as often whether a shield was forgotten.
 *
 * <p>Each look is on a thread of its own: one that hangs in a check is left to the kernel, which
 * fails the supervisor for that, and the next look need not wait for it.
 */
final class Watch {
  static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** A look that takes longer is not waited for. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final String own;
  private final Kernel kernel;
  private final Shield shield;

  /** Where it runs; null before it does. */
  private volatile @Nullable Thread thread;

  private volatile boolean stopped;
  private volatile long roundNanos = System.nanoTime();

  /** Used by its thread only. */
  private @Nullable Thread look;

  private long lookNanos;

  Watch(Context context, Shield shield) {
    this.own = context.path();
    this.kernel = context.kernel();
    this.shield = shield;
    context.host("watch", this::run);
  }

  void stop() {
    stopped = true;
    LockSupport.unpark(thread);
  }

  /** When it looked last, on the host's monotonic clock. */
  long roundNanos() {
    return roundNanos;
  }

  boolean hasEnded() {
    Thread host = thread;
    return host != null && !host.isAlive();
  }

  private void run() {
    thread = Thread.currentThread();
    while (!stopped) {
      LockSupport.parkNanos(PERIOD_NANOS);
      roundNanos = System.nanoTime();
      shield.lowerOld();
      Thread before = look;
      if (before == null || !before.isAlive() || roundNanos - lookNanos > PATIENCE_NANOS) {
        lookNanos = roundNanos;
        look = Thread.ofPlatform().daemon().name("duality swapper looks").start(this::look);
      }
    }
  }

  private void look() {
    try {
      for (Endpoint endpoint : kernel.endpointsByPath()) {
        if (endpoint.protocol().equals(Supervisor.class.getName())
            && !endpoint.path().equals(own)) {
          endpoint.check();
        }
      }
    } catch (CallFailed.Revoked e) {
      stopped = true; // this instance is not the swapper any more
    } catch (CallFailed e) {
      // It is being replaced, or failed just now, which the kernel knows.
    }
  }
}
