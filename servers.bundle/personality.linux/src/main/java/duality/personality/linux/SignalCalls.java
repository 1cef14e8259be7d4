package duality.personality.linux;

import duality.personality.linux.SystemCalls.Arguments;
import java.nio.ByteBuffer;
import java.util.function.Predicate;

/** kill, sigaction and what belongs to them. */
final class SignalCalls {
  private static final int BLOCK = 0;
  private static final int UNBLOCK = 1;
  private static final int SET = 2;
  private static final int LEAST_STACK = 2048;

  private final Linux linux;

  SignalCalls(Linux linux) {
    this.linux = linux;
  }

  void register(SystemCalls table) {
    table.add(129, "kill", this::kill);
    table.add(130, "tkill", (caller, a) -> killOne(caller, a.number(0), a.number(1)));
    table.add(131, "tgkill", (caller, a) -> killOne(caller, a.number(1), a.number(2)));
    table.add(132, "sigaltstack", SignalCalls::stack);
    table.add(133, "rt_sigsuspend", SignalCalls::suspend);
    table.add(134, "rt_sigaction", SignalCalls::action);
    table.add(135, "rt_sigprocmask", SignalCalls::mask);
    table.add(136, "rt_sigpending", SignalCalls::pending);
    table.add(137, "rt_sigtimedwait", SignalCalls::await);
    table.add(139, "rt_sigreturn", SignalCalls::leave);
  }

  private long kill(Process caller, Arguments a) {
    int pid = a.number(0);
    int group = pid == 0 ? caller.group : -pid;
    Predicate<Process> to =
        pid > 0
            ? each -> each.pid == pid
            : pid == -1 ? each -> each != caller && each.pid != 1 : each -> each.group == group;
    return kill(caller, to, a.number(1));
  }

  private long killOne(Process caller, int pid, int signal) {
    return pid <= 0 ? Errno.EINVAL : kill(caller, each -> each.pid == pid, signal);
  }

  private long kill(Process caller, Predicate<Process> to, int signal) {
    if (signal < 0 || signal > Signals.MOST) {
      return Errno.EINVAL;
    }
    return linux.post(to, signal, new Signals.Origin(0, caller.pid, 0)) == 0 ? Errno.ESRCH : 0;
  }

  private static long stack(Process caller, Arguments a) throws Failed {
    Signals signals = caller.signals();
    ByteBuffer old = UserMemory.numbers(24);
    old.putLong(0, signals.stack);
    old.putInt(8, signals.stackBytes == 0 ? 2 : 0);
    old.putLong(16, signals.stackBytes);
    if (a.get(0) != 0) {
      ByteBuffer fresh = caller.memory().readNumbers(a.get(0), 24);
      boolean off = (fresh.getInt(8) & 2) != 0;
      if (!off && fresh.getLong(16) < LEAST_STACK) {
        return Errno.ENOMEM;
      }
      signals.stack = off ? 0 : fresh.getLong(0);
      signals.stackBytes = off ? 0 : fresh.getLong(16);
    }
    if (a.get(1) != 0) {
      caller.memory().write(a.get(1), old);
    }
    return 0;
  }

  private static long suspend(Process caller, Arguments a) throws Failed {
    if (a.get(1) != 8) {
      return Errno.EINVAL;
    }
    caller.signals().blockedMeanwhile(caller.memory().readLong(a.get(0)));
    return caller.waitFor(caller.signals());
  }

  private static long action(Process caller, Arguments a) throws Failed {
    int signal = a.number(0);
    if (signal < 1 || signal > Signals.MOST || a.get(3) != 8) {
      return Errno.EINVAL;
    }
    Signals.Action before = caller.signals().action(signal);
    if (a.get(1) != 0) {
      if (signal == Signals.KILL || signal == Signals.STOP) {
        return Errno.EINVAL;
      }
      ByteBuffer fresh = caller.memory().readNumbers(a.get(1), 24);
      caller
          .signals()
          .action(
              signal, new Signals.Action(fresh.getLong(0), fresh.getLong(8), fresh.getLong(16)));
    }
    if (a.get(2) != 0) {
      ByteBuffer old = UserMemory.numbers(24);
      old.putLong(before.handler()).putLong(before.flags()).putLong(before.mask());
      caller.memory().write(a.get(2), old);
    }
    return 0;
  }

  private static long mask(Process caller, Arguments a) throws Failed {
    if (a.get(3) != 8) {
      return Errno.EINVAL;
    }
    Signals signals = caller.signals();
    long before = signals.blocked();
    if (a.get(1) != 0) {
      long set = caller.memory().readLong(a.get(1));
      switch (a.number(0)) {
        case BLOCK -> signals.blocked(before | set);
        case UNBLOCK -> signals.blocked(before & ~set);
        case SET -> signals.blocked(set);
        default -> {
          return Errno.EINVAL;
        }
      }
    }
    if (a.get(2) != 0) {
      caller.memory().write(a.get(2), UserMemory.numbers(8).putLong(0, before));
    }
    return 0;
  }

  private static long pending(Process caller, Arguments a) throws Failed {
    Signals signals = caller.signals();
    caller
        .memory()
        .write(a.get(0), UserMemory.numbers(8).putLong(0, signals.pending() & signals.blocked()));
    return 0;
  }

  private static long await(Process caller, Arguments a) throws Failed {
    long set = caller.memory().readLong(a.get(0));
    int signal = caller.signals().takeOf(set);
    if (signal == 0) {
      long nanos = a.get(2) == 0 ? -1 : WaitCalls.nanos(caller, a.get(2));
      return caller.waitFor(caller.signals(), nanos) == SystemCalls.BLOCKED
          ? SystemCalls.BLOCKED
          : Errno.EAGAIN;
    }
    if (a.get(1) != 0) {
      ByteBuffer origin = UserMemory.numbers(128);
      origin.putInt(0, signal).putInt(8, caller.signals().origin(signal).code());
      origin.putLong(16, caller.signals().origin(signal).value());
      caller.memory().write(a.get(1), origin);
    }
    return signal;
  }

  private static long leave(Process caller, Arguments a) {
    try {
      SignalFrame.leave(caller);
    } catch (UserMemory.Fault e) {
      caller.signals().force(Signals.SEGV, Signals.Origin.KERNEL);
    }
    return SystemCalls.ELSEWHERE;
  }
}
