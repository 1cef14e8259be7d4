package duality.kernel.core;

import duality.kernel.Notification;
import duality.kernel.processor.Lines;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A word of bits, on its own or bound to a thread as its interrupt lines.
 *
 * <p>No wake-up is lost: a waiter counts itself and then looks at the word; a signaller sets the
 * word and then looks whether anybody is counted; both are volatile operations. A thread that waits
 * in {@code wfi} looks at the word again after it has announced that it waits, see {@link
 * Processors}. A fence is signalled alone, and nobody is woken for it.
 */
final class NotificationObject implements Notification, KernelObject {
  private final Core core;
  private final String name;
  private final Lines lines;
  private final @Nullable ThreadObject bound;
  private final AtomicInteger waiters = new AtomicInteger();

  NotificationObject(Core core, String name, Lines lines, @Nullable ThreadObject bound) {
    this.core = core;
    this.name = name;
    this.lines = lines;
    this.bound = bound;
  }

  @Override
  public void signal(long bits) {
    core.notifications.increment();
    long before = lines.raise(bits);
    if (waiters.get() > 0) {
      synchronized (this) {
        notifyAll();
      }
    }
    if (bound != null && (bits & (Lines.FENCE | Lines.FENCE_CODE)) != 0) {
      // The line is up, now the serial is read; a hart that goes in counts, and then looks at its
      // lines. So either it does what is asked, or it is waited for, as in a shoot-down.
      bound.leaveEngine();
    } else if (bound != null && (before & bits) != bits) {
      bound.wake();
    }
  }

  @Override
  public void clear(long bits) {
    lines.lower(bits);
  }

  @Override
  public long word() {
    return lines.wordAcquire();
  }

  @Override
  public long take(long mask, long timeoutNanos) {
    long taken = takeNow(mask);
    if (taken != 0 || timeoutNanos <= 0) {
      return taken;
    }
    long deadline = System.nanoTime() + timeoutNanos;
    CallSlot slot = CallSlot.current();
    slot.waitsInCore = true;
    try {
      return core.processors().waiting(Integer.MAX_VALUE, () -> await(mask, deadline));
    } finally {
      slot.waitsInCore = false;
    }
  }

  private long takeNow(long mask) {
    return (lines.wordAcquire() & mask) == 0 ? 0 : lines.lower(mask) & mask;
  }

  private long await(long mask, long deadline) {
    waiters.incrementAndGet();
    try {
      synchronized (this) {
        while (true) {
          long taken = takeNow(mask);
          long left = deadline - System.nanoTime();
          if (taken != 0 || left <= 0) {
            return taken;
          }
          TimeUnit.NANOSECONDS.timedWait(this, left);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 0;
    } finally {
      waiters.decrementAndGet();
    }
  }

  @Override
  public Class<?> kind() {
    return Notification.class;
  }

  @Override
  public String toString() {
    return "notification " + name;
  }
}
