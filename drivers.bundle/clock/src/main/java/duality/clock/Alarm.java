package duality.clock;

import duality.kernel.Notification;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Signals a notification when a moment has come. A host thread of its own, started at the first
 * use, does nothing but that: the work is done by a worker, inside the endpoint's gate. Not
 * thread-safe.
 */
final class Alarm {
  private final Notification notification;
  private final long bits;
  private final ScheduledThreadPoolExecutor timer;
  private @Nullable ScheduledFuture<?> next;

  Alarm(String name, Notification notification, long bits) {
    this.notification = notification;
    this.bits = bits;
    timer =
        new ScheduledThreadPoolExecutor(
            1, work -> Thread.ofPlatform().daemon().name(name).unstarted(work));
    timer.setRemoveOnCancelPolicy(true);
  }

  /** Rings after {@code nanos}, and no longer at the moment that was asked for before. */
  void ringAfter(long nanos) {
    off();
    next = timer.schedule(() -> notification.signal(bits), nanos, TimeUnit.NANOSECONDS);
  }

  void off() {
    if (next != null) {
      next.cancel(false);
      next = null;
    }
  }

  void close() {
    timer.shutdownNow();
  }
}
