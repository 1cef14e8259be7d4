package duality.kernel.core;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * Tells who is stuck inside an endpoint from who is only held up.
 *
 * <p>Asleep or waiting for a lock is stuck, unless somebody else is inside the same endpoint and at
 * work, or further in at somebody else's: that one may hold the lock. Runnable is stuck when the
 * thread got much processor time in this one call. One that got little is starved by the host or
 * inside a system call, and is left to the endpoint's deadline.
 *
 * <p>Who waits in the core (for a page that is lent, for a notification) has a limit there.
 *
 * <p>Only looks of the watchdog that came in time count: on a host that is so busy that the
 * watchdog is late, a thread whose sleep is over may not have run either. Used by the watchdog's
 * thread only.
 */
final class Stalls {
  private static final long IN_TIME_NANOS = 3 * Watchdog.TICK_NANOS;

  /** Of the time that an endpoint may be stuck, this part spent on a processor is a loop. */
  private static final int BURNT_PART = 4;

  private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();

  /**
   * Whether the innermost call of a slot is stuck. Called at each look as long as that call is
   * inside.
   *
   * @param sinceLast nanoseconds since the look before
   */
  boolean stuck(CallSlot slot, Gate gate, int level, Thread.State state, long sinceLast) {
    if (gate.stallNanos == 0 || sinceLast > IN_TIME_NANOS || slot.waitsInCore) {
      return false;
    }
    int looks = ++slot.seenStalled[level];
    int limit = (int) (gate.stallNanos / Watchdog.TICK_NANOS);
    if (looks == limit / 2) {
      slot.seenProcessorNanos[level] = processorNanos(slot);
    }
    if (looks < limit) {
      return false;
    }
    if (state == Thread.State.RUNNABLE) {
      return processorNanos(slot) - slot.seenProcessorNanos[level] >= gate.stallNanos / BURNT_PART;
    }
    boolean stuck = nobodyElseWorks(slot, gate);
    if (!stuck) {
      // When that one leaves, this one needs a moment until it runs.
      slot.seenStalled[level] = limit / 2 - 1;
    }
    return stuck;
  }

  private long processorNanos(CallSlot slot) {
    return threads.isThreadCpuTimeSupported()
        ? threads.getThreadCpuTime(slot.host.threadId())
        : System.nanoTime();
  }

  private static boolean nobodyElseWorks(CallSlot slot, Gate gate) {
    for (CallSlot other : CallSlot.ALL) {
      int deepest = other == slot ? 0 : other.deepest();
      if (other.isAbandoned(deepest)) {
        continue; // given up: it is not at work, and may keep what it holds for ever
      }
      for (int level = 1; level <= deepest; level++) {
        boolean inside = other.at(level) == gate.mark && !other.isAbandoned(level);
        boolean atWork =
            level < deepest
                || other.waiting
                || other.waitsInCore
                || other.host.getState() == Thread.State.RUNNABLE;
        if (inside && atWork) {
          return false;
        }
      }
    }
    return true;
  }
}
