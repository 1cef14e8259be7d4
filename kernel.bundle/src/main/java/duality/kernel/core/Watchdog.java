package duality.kernel.core;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Looks every 5 ms for calls that are inside longer than their endpoint's deadline. It counts its
 * own looks, not the clock: when the host held it up, all deadlines get as much longer.
 */
final class Watchdog {
  static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private final Core core;
  private final HostThread host;
  private volatile boolean stopped;

  Watchdog(Core core) {
    this.core = core;
    this.host = new HostThread("watchdog", this::body);
  }

  void start() {
    host.start();
  }

  void stop() {
    stopped = true;
    LockSupport.unpark(host);
  }

  private void body() {
    while (!stopped) {
      LockSupport.parkNanos(TICK_NANOS);
      for (CallSlot slot : CallSlot.ALL) {
        if (slot.host.isAlive() || slot.host.getState() == Thread.State.NEW) {
          look(slot);
        } else {
          slot.retire();
        }
      }
    }
  }

  private void look(CallSlot slot) {
    for (int level = 0; level < CallSlot.DEPTH; level++) {
      Gate gate = slot.at(level);
      if (gate == null) {
        return; // levels are used from the bottom up
      }
      long serial = slot.serial(level);
      if (gate.core() != core) {
        continue;
      }
      if (serial != slot.seenSerials[level]) {
        slot.seenSerials[level] = serial;
        slot.seenTicks[level] = 0;
      } else if (++slot.seenTicks[level] * TICK_NANOS == ceil(gate.deadlineNanos)
          && gate.deadlineNanos > 0) {
        core.watch(slot, gate, level, serial);
      }
    }
  }

  private static long ceil(long nanos) {
    return (nanos + TICK_NANOS - 1) / TICK_NANOS * TICK_NANOS;
  }
}
