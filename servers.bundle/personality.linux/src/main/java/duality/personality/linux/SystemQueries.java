package duality.personality.linux;

import duality.personality.linux.SystemCalls.Arguments;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Calls that ask: the time, the system's name, limits, users, random bytes. */
final class SystemQueries {
  private static final int LIMIT_STACK = 3;
  private static final int LIMIT_PROCESSES = 6;
  private static final int LIMIT_FILES = 7;
  private static final long TICK_NANOS = 10_000_000;

  private final Linux linux;

  SystemQueries(Linux linux) {
    this.linux = linux;
  }

  void register(SystemCalls table) {
    table.add(81, "sync", (caller, a) -> 0);
    table.add(113, "clock_gettime", this::clock);
    table.add(114, "clock_getres", this::clockResolution);
    table.add(123, "sched_getaffinity", SystemQueries::processors);
    table.add(SystemCalls.SCHED_YIELD, "sched_yield", (caller, a) -> 0);
    table.add(140, "setpriority", (caller, a) -> 0);
    table.add(141, "getpriority", (caller, a) -> 20);
    table.add(144, "setgid", SystemQueries::zeroOnly);
    table.add(146, "setuid", SystemQueries::zeroOnly);
    table.add(153, "times", this::times);
    table.add(158, "getgroups", (caller, a) -> 0);
    table.add(159, "setgroups", (caller, a) -> 0);
    table.add(160, "uname", SystemQueries::systemName);
    table.add(163, "getrlimit", (caller, a) -> limit(caller, a.number(0), 0, a.get(1)));
    table.add(165, "getrusage", SystemQueries::usage);
    table.add(166, "umask", SystemQueries::mask);
    table.add(167, "prctl", SystemQueries::control);
    table.add(169, "gettimeofday", this::timeOfDay);
    table.add(174, "getuid", (caller, a) -> 0);
    table.add(175, "geteuid", (caller, a) -> 0);
    table.add(176, "getgid", (caller, a) -> 0);
    table.add(177, "getegid", (caller, a) -> 0);
    table.add(179, "sysinfo", this::information);
    table.add(261, "prlimit64", (caller, a) -> limit(caller, a.number(1), a.get(2), a.get(3)));
    table.add(278, "getrandom", this::randomBytes);
  }

  private static long zeroOnly(Process caller, Arguments a) {
    return a.number(0) == 0 ? 0 : Errno.EPERM;
  }

  // ---- time ----

  private long clock(Process caller, Arguments a) throws Failed {
    int id = a.number(0);
    long nanos = id == 2 || id == 3 ? caller.cpuNanos() : linux.clock().nanos(id);
    if (nanos < 0) {
      return Errno.EINVAL;
    }
    writeTime(caller, a.get(1), nanos, 1);
    return 0;
  }

  private long clockResolution(Process caller, Arguments a) throws Failed {
    int id = a.number(0);
    if (id != 2 && id != 3 && linux.clock().nanos(id) < 0) {
      return Errno.EINVAL;
    }
    if (a.get(1) != 0) {
      writeTime(caller, a.get(1), 1, 1);
    }
    return 0;
  }

  private long timeOfDay(Process caller, Arguments a) throws Failed {
    if (a.get(0) != 0) {
      writeTime(caller, a.get(0), linux.clock().nanos(TaskClock.REALTIME), 1000);
    }
    return 0;
  }

  private static void writeTime(Process caller, long address, long nanos, int unitNanos)
      throws Failed {
    ByteBuffer time = UserMemory.numbers(16);
    time.putLong(nanos / 1_000_000_000);
    time.putLong(nanos % 1_000_000_000 / unitNanos);
    caller.memory().write(address, time);
  }

  private long times(Process caller, Arguments a) throws Failed {
    if (a.get(0) != 0) {
      ByteBuffer times = UserMemory.numbers(32);
      times.putLong(0, caller.cpuNanos() / TICK_NANOS);
      times.putLong(16, caller.childrenCpu / TICK_NANOS);
      caller.memory().write(a.get(0), times);
    }
    return linux.clock().nanos(TaskClock.MONOTONIC) / TICK_NANOS;
  }

  private static long usage(Process caller, Arguments a) throws Failed {
    long cpu = a.number(0) == -1 ? caller.childrenCpu : caller.cpuNanos();
    caller.memory().write(a.get(1), ProcessCalls.usage(cpu));
    return 0;
  }

  // ---- the system ----

  /** uname: six texts of 65 bytes. */
  private static long systemName(Process caller, Arguments a) throws Failed {
    String[] texts = {"Linux", "duality", "6.1.0", "#1 Duality", "riscv64", "(none)"};
    ByteBuffer name = UserMemory.numbers(6 * 65);
    for (int i = 0; i < texts.length; i++) {
      name.put(65 * i, texts[i].getBytes(StandardCharsets.US_ASCII));
    }
    caller.memory().write(a.get(0), name);
    return 0;
  }

  private long information(Process caller, Arguments a) throws Failed {
    ByteBuffer info = UserMemory.numbers(112);
    MainMemory memory = linux.memory();
    info.putLong(0, linux.clock().nanos(TaskClock.MONOTONIC) / 1_000_000_000);
    info.putLong(32, memory.limit()).putLong(40, memory.limit() - memory.inUse());
    info.putShort(80, (short) linux.processes.size());
    info.putInt(104, MainMemory.PAGE);
    caller.memory().write(a.get(0), info);
    return 0;
  }

  private static long processors(Process caller, Arguments a) throws Failed {
    if (a.get(1) < 8) {
      return Errno.EINVAL;
    }
    caller.memory().write(a.get(2), UserMemory.numbers(8).putLong(0, 1));
    return 8;
  }

  private long limit(Process caller, int resource, long fresh, long old) throws Failed {
    if (resource < 0 || resource > 15) {
      return Errno.EINVAL;
    }
    if (fresh != 0) {
      return Errno.EPERM;
    }
    if (old != 0) {
      long limit =
          switch (resource) {
            case LIMIT_STACK -> caller.space().stackBytes();
            case LIMIT_PROCESSES -> Linux.MOST_PROCESSES;
            case LIMIT_FILES -> FileTable.MOST;
            default -> -1; // no limit
          };
      caller.memory().write(old, UserMemory.numbers(16).putLong(0, limit).putLong(8, limit));
    }
    return 0;
  }

  private static long mask(Process caller, Arguments a) {
    int before = caller.mask;
    caller.mask = a.number(0) & 0777;
    return before;
  }

  /** prctl: the name only. */
  private static long control(Process caller, Arguments a) throws Failed {
    switch (a.number(0)) {
      case 15 -> { // PR_SET_NAME
        String name = caller.memory().readText(a.get(1));
        caller.name = name.substring(0, Math.min(15, name.length()));
        return 0;
      }
      case 16 -> { // PR_GET_NAME
        byte[] name = new byte[16];
        byte[] text = caller.name.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(text, 0, name, 0, Math.min(15, text.length));
        caller.memory().write(a.get(1), name);
        return 0;
      }
      default -> {
        return Errno.EINVAL;
      }
    }
  }

  private long randomBytes(Process caller, Arguments a) throws Failed {
    if (a.get(1) < 0) {
      return Errno.EINVAL;
    }
    byte[] bytes = new byte[(int) Math.min(a.get(1), DescriptorCalls.MOST_BYTES)];
    linux.random().nextBytes(bytes);
    caller.memory().write(a.get(0), bytes);
    return bytes.length;
  }
}
