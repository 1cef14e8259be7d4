package duality.personality.linux;

import duality.personality.linux.SystemCalls.Arguments;
import java.nio.ByteBuffer;

/** Calls that wait for time or for files: sleeping, poll, select, timers. */
final class WaitCalls {
  private static final int POLL_INVALID = 0x20;
  private static final int ABSOLUTE = 1;
  private static final long NANOS = 1_000_000_000;

  private final Linux linux;

  WaitCalls(Linux linux) {
    this.linux = linux;
  }

  void register(SystemCalls table) {
    table.add(72, "pselect6", WaitCalls::select);
    table.add(73, "ppoll", WaitCalls::poll);
    table.add(101, "nanosleep", (caller, a) -> sleep(caller, nanos(caller, a.get(0)), a.get(1)));
    table.add(102, "getitimer", WaitCalls::timer);
    table.add(103, "setitimer", WaitCalls::setTimer);
    table.add(115, "clock_nanosleep", this::clockSleep);
  }

  /** A struct timespec in nanoseconds. */
  static long nanos(Process caller, long address) throws Failed {
    ByteBuffer time = caller.memory().readNumbers(address, 16);
    long seconds = time.getLong();
    long rest = time.getLong();
    if (seconds < 0 || rest < 0 || rest >= NANOS) {
      throw new Failed(Errno.EINVAL);
    }
    return seconds > Long.MAX_VALUE / NANOS - 1 ? Long.MAX_VALUE : seconds * NANOS + rest;
  }

  private static long sleep(Process caller, long nanos, long rest) throws Failed {
    long answer = caller.waitFor(caller.files(), nanos);
    if (answer == SystemCalls.BLOCKED && rest != 0) {
      // Read when a signal ends the sleep; each kick brings it up to date.
      long left = Math.max(0, caller.left());
      caller
          .memory()
          .write(rest, UserMemory.numbers(16).putLong(left / NANOS).putLong(left % NANOS));
    }
    return answer;
  }

  private long clockSleep(Process caller, Arguments a) throws Failed {
    long now = linux.clock().nanos(a.number(0));
    if (now < 0) {
      return Errno.EINVAL;
    }
    long nanos = nanos(caller, a.get(2));
    boolean absolute = (a.get(1) & ABSOLUTE) != 0;
    return sleep(caller, absolute ? Math.max(0, nanos - now) : nanos, absolute ? 0 : a.get(3));
  }

  // ---- files ----

  /** The end of a poll or select: what it found, or waiting. */
  private static long settle(Process caller, long found, long timeout) throws Failed {
    long answer = found;
    if (found == 0) {
      answer = caller.waitFor(Process.ANYTHING, timeout == 0 ? -1 : nanos(caller, timeout));
    }
    if (answer != SystemCalls.BLOCKED) {
      caller.signals().asBefore();
    }
    return answer;
  }

  private static long poll(Process caller, Arguments a) throws Failed {
    if (a.get(1) < 0 || a.get(1) > FileTable.MOST) {
      return Errno.EINVAL;
    }
    ByteBuffer list = caller.memory().readNumbers(a.get(0), a.number(1) * 8);
    if (a.get(3) != 0) {
      caller.signals().blockedMeanwhile(caller.memory().readLong(a.get(3)));
    }
    long found = 0;
    for (int at = 0; at < list.limit(); at += 8) {
      int number = list.getInt(at);
      FileTable.Descriptor there = caller.files().all().get(number);
      int wanted = list.getShort(at + 4) | OpenFile.POLL_ERROR | OpenFile.POLL_HANG_UP;
      int ready = number < 0 ? 0 : there == null ? POLL_INVALID : there.file().ready() & wanted;
      list.putShort(at + 6, (short) ready);
      found += ready == 0 ? 0 : 1;
    }
    long answer = settle(caller, found, a.get(2));
    if (answer != SystemCalls.BLOCKED) {
      caller.memory().write(a.get(0), list);
    }
    return answer;
  }

  private static long select(Process caller, Arguments a) throws Failed {
    int count = a.number(0);
    if (count < 0 || count > FileTable.MOST) {
      return Errno.EINVAL;
    }
    int bytes = (count + 63) / 64 * 8;
    if (a.get(5) != 0) {
      long mask = caller.memory().readLong(a.get(5));
      if (mask != 0) {
        caller.signals().blockedMeanwhile(caller.memory().readLong(mask));
      }
    }
    long found = 0;
    ByteBuffer[] answers = new ByteBuffer[3];
    for (int set = 0; set < 3; set++) {
      if (a.get(1 + set) == 0) {
        continue;
      }
      ByteBuffer wanted = caller.memory().readNumbers(a.get(1 + set), bytes);
      answers[set] = UserMemory.numbers(bytes);
      int bits =
          set == 0
              ? OpenFile.POLL_IN | OpenFile.POLL_HANG_UP
              : set == 1 ? OpenFile.POLL_OUT | OpenFile.POLL_ERROR : 0;
      for (int number = 0; number < count; number++) {
        if ((wanted.get(number / 8) >> number % 8 & 1) != 0
            && (caller.files().get(number).ready() & bits) != 0) {
          found++;
          answers[set].put(number / 8, (byte) (answers[set].get(number / 8) | 1 << number % 8));
        }
      }
    }
    long answer = settle(caller, found, a.get(4));
    if (answer != SystemCalls.BLOCKED) {
      for (int set = 0; set < 3; set++) {
        if (answers[set] != null) {
          caller.memory().write(a.get(1 + set), answers[set]);
        }
      }
    }
    return answer;
  }

  // ---- timers ----

  private static ByteBuffer timer(Process caller) {
    long left = caller.alarmAt == 0 ? 0 : Math.max(1000, caller.alarmAt - System.nanoTime());
    ByteBuffer timer = UserMemory.numbers(32);
    timer.putLong(0, caller.alarmInterval / NANOS);
    timer.putLong(8, caller.alarmInterval % NANOS / 1000);
    timer.putLong(16, left / NANOS).putLong(24, left % NANOS / 1000);
    return timer;
  }

  private static long timer(Process caller, Arguments a) throws Failed {
    if (a.number(0) != 0) {
      return Errno.EINVAL;
    }
    caller.memory().write(a.get(1), timer(caller));
    return 0;
  }

  private static long setTimer(Process caller, Arguments a) throws Failed {
    if (a.number(0) != 0) {
      return Errno.EINVAL;
    }
    ByteBuffer old = timer(caller);
    ByteBuffer fresh =
        a.get(1) == 0 ? UserMemory.numbers(32) : caller.memory().readNumbers(a.get(1), 32);
    for (int at = 0; at < 32; at += 16) {
      if (fresh.getLong(at) < 0
          || fresh.getLong(at) > 1L << 32
          || fresh.getLong(at + 8) < 0
          || fresh.getLong(at + 8) >= 1_000_000) {
        return Errno.EINVAL;
      }
    }
    long first = fresh.getLong(16) * NANOS + fresh.getLong(24) * 1000;
    caller.alarmInterval = fresh.getLong(0) * NANOS + fresh.getLong(8) * 1000;
    caller.alarmAt = first == 0 ? 0 : System.nanoTime() + first;
    caller.setTimer();
    if (a.get(2) != 0) {
      caller.memory().write(a.get(2), old);
    }
    return 0;
  }
}
