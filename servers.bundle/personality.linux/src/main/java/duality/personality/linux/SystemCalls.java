package duality.personality.linux;

import duality.drivers.Console;
import duality.personality.linux.UserMemory.Fault;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.random.RandomGenerator;

/**
 * The system calls of Linux that are served, by their numbers on RISC-V (include/uapi/asm-generic/
 * unistd.h). Arguments are in a0 to a5; the answer, or a negative error number, goes to a0.
 *
 * <p>A program sees standard input that is empty, standard output and error that are pipes to its
 * console, an empty file system, one process (number 1) with one thread, and user 0.
 */
final class SystemCalls {
  /** Registers of the arguments, and of the call's number. */
  static final int A0 = 10;

  static final int A7 = 17;

  /** The call that gives the processor up. */
  static final int SCHED_YIELD = 124;

  /** Answer of {@link #serve}: the call is none of those that are served. */
  static final long UNSERVED = Long.MIN_VALUE;

  /** Bytes that one write takes; a program that has more writes again, as after any short write. */
  private static final int MOST_BYTES = 1 << 16;

  private static final int MOST_VECTORS = 1024;
  private static final long PROCESS = 1;
  private static final int STAT_BYTES = 128;
  private static final int PIPE_MODE = 0x1180; // S_IFIFO, 0600
  private static final long AT_EMPTY_PATH = 0x1000;
  private static final int MAP_FIXED = 0x10;
  private static final int MAP_ANONYMOUS = 0x20;
  private static final int MAP_FIXED_NOREPLACE = 0x100000;
  private static final int RLIMIT_STACK = 3;
  private static final int MADV_DONTNEED = 4;

  private final AddressSpace space;
  private final UserMemory memory;
  private final Console console;
  private final RandomGenerator random;
  private final TaskClock clock;
  private final Ending ending;

  /** How a program ends itself. */
  interface Ending {
    /**
     * It has ended.
     *
     * @param status 0 to 255
     * @param reason empty when it did so by exit
     */
    void ended(int status, String reason);
  }

  SystemCalls(
      AddressSpace space, Console console, RandomGenerator random, TaskClock clock, Ending ending) {
    this.space = space;
    this.memory = space.memory();
    this.console = console;
    this.random = random;
    this.clock = clock;
    this.ending = ending;
  }

  /** Registers a0 to a5, in this order. */
  interface Arguments {
    long get(int index);
  }

  /** Serves one call; answers what goes to a0, or {@link #UNSERVED}. */
  long serve(int number, Arguments a) {
    try {
      return switch (number) {
        case 29, 62, 57, 63, 64, 66, 79, 80 -> file(number, a);
        case 56, 78, 48, 439 -> noSuchFile(a.get(1));
        case 93, 94 -> {
          ending.ended((int) a.get(0) & 0xff, "");
          yield 0;
        }
        case 129, 130 -> kill(a.get(0), a.get(1));
        case 131 -> a.get(0) == PROCESS ? kill(a.get(1), a.get(2)) : Errno.ESRCH;
        case 96, 172, 178 -> PROCESS; // set_tid_address, getpid, gettid
        case 173 -> 0; // getppid
        case 174, 175, 176, 177 -> 0; // getuid, geteuid, getgid, getegid
        case 99, SCHED_YIELD -> 0; // set_robust_list, sched_yield
        case 134 -> signalAction((int) a.get(0), a.get(1));
        case 135 -> signalMask(a.get(2), a.get(3));
        case 113, 114 -> clock(number, (int) a.get(0), a.get(1));
        case 169 -> timeOfDay(a.get(0));
        case 160 -> systemName(a.get(0));
        case 261 -> limit((int) a.get(1), a.get(2), a.get(3));
        case 214 -> space.brk(a.get(0));
        case 215 -> space.unmap(a.get(0), a.get(1));
        case 222 -> map(a);
        case 226 -> protect(a.get(0), a.get(1), a.get(2));
        case 233 ->
            a.get(2) == MADV_DONTNEED ? Errno.EINVAL : 0; // madvise: the rest is advice only
        case 278 -> randomBytes(a.get(0), a.get(1));
        default -> UNSERVED;
      };
    } catch (Fault e) {
      return Errno.EFAULT;
    }
  }

  private long file(int number, Arguments a) throws Fault {
    int descriptor = (int) a.get(0);
    if (number == 79 && !isEmptyPath(a)) {
      return Errno.ENOENT;
    }
    if (descriptor < 0 || descriptor > 2) {
      return Errno.EBADF;
    }
    return switch (number) {
      case 29 -> Errno.ENOTTY; // ioctl
      case 62 -> Errno.ESPIPE; // lseek
      case 63 -> descriptor == 0 ? 0 : Errno.EBADF; // read: the input is at its end
      case 64 -> descriptor == 0 ? Errno.EBADF : write(a.get(1), a.get(2));
      case 66 -> descriptor == 0 ? Errno.EBADF : writeVectors(a.get(1), a.get(2));
      case 79 -> stat(descriptor, a.get(2)); // newfstatat
      case 80 -> stat(descriptor, a.get(1)); // fstat
      default -> 0; // close
    };
  }

  private boolean isEmptyPath(Arguments a) throws Fault {
    return (a.get(3) & AT_EMPTY_PATH) != 0 && memory.read(a.get(1), 1)[0] == 0;
  }

  /** A call that names a file: there is none. */
  private long noSuchFile(long path) throws Fault {
    memory.read(path, 1);
    return Errno.ENOENT;
  }

  private long write(long address, long length) throws Fault {
    if (length < 0) {
      return Errno.EINVAL;
    }
    int taken = (int) Math.min(length, MOST_BYTES);
    print(memory.read(address, taken));
    return taken;
  }

  private long writeVectors(long vectors, long count) throws Fault {
    if (count < 0 || count > MOST_VECTORS) {
      return Errno.EINVAL;
    }
    ByteBuffer list = memory.readNumbers(vectors, (int) count * 16);
    byte[] all = new byte[MOST_BYTES];
    int taken = 0;
    while (list.hasRemaining() && taken < MOST_BYTES) {
      long address = list.getLong();
      long length = list.getLong();
      if (length < 0) {
        return Errno.EINVAL;
      }
      byte[] part = memory.read(address, (int) Math.min(length, MOST_BYTES - taken));
      System.arraycopy(part, 0, all, taken, part.length);
      taken += part.length;
    }
    print(java.util.Arrays.copyOf(all, taken));
    return taken;
  }

  private void print(byte[] bytes) {
    if (bytes.length > 0) {
      console.written(new String(bytes, StandardCharsets.ISO_8859_1));
    }
  }

  /** struct stat of include/uapi/asm-generic/stat.h, of a pipe. */
  private long stat(int descriptor, long address) throws Fault {
    ByteBuffer stat = UserMemory.numbers(STAT_BYTES);
    stat.putLong(8, descriptor + 1); // st_ino
    stat.putInt(16, PIPE_MODE);
    stat.putInt(20, 1); // st_nlink
    stat.putInt(56, 4096); // st_blksize
    memory.write(address, stat);
    return 0;
  }

  private long kill(long process, long signal) {
    if (process != PROCESS && process != 0) {
      return Errno.ESRCH;
    }
    if (signal < 0 || signal > 64) {
      return Errno.EINVAL;
    }
    if (signal != 0) {
      ending.ended(128 + (int) signal, "it sent itself signal " + signal);
    }
    return 0;
  }

  /**
   * rt_sigaction: to leave a signal as it is, or to ignore it, needs nothing; handlers are not
   * there.
   */
  private long signalAction(int signal, long action) throws Fault {
    if (signal < 1 || signal > 64) {
      return Errno.EINVAL;
    }
    return action == 0 || (memory.readNumbers(action, 8).getLong() & ~1L) == 0 ? 0 : UNSERVED;
  }

  /** rt_sigprocmask: no signal ever comes from outside, so any mask is kept by doing nothing. */
  private long signalMask(long old, long size) throws Fault {
    if (size != 8) {
      return Errno.EINVAL;
    }
    if (old != 0) {
      memory.write(old, new byte[8]);
    }
    return 0;
  }

  private long clock(int number, int id, long address) throws Fault {
    long nanos = clock.nanos(id);
    if (nanos < 0) {
      return Errno.EINVAL;
    }
    if (number == 114 && address == 0) {
      return 0;
    }
    writeTime(address, number == 114 ? 1 : nanos, 1);
    return 0;
  }

  private long timeOfDay(long address) throws Fault {
    if (address != 0) {
      writeTime(address, clock.nanos(TaskClock.REALTIME), 1000);
    }
    return 0;
  }

  private void writeTime(long address, long nanos, int unitNanos) throws Fault {
    ByteBuffer time = UserMemory.numbers(16);
    time.putLong(nanos / 1_000_000_000);
    time.putLong(nanos % 1_000_000_000 / unitNanos);
    memory.write(address, time);
  }

  /** uname: six texts of 65 bytes. */
  private long systemName(long address) throws Fault {
    String[] texts = {"Linux", "duality", "6.1.0", "#1 Duality", "riscv64", "(none)"};
    ByteBuffer name = UserMemory.numbers(6 * 65);
    for (int i = 0; i < texts.length; i++) {
      name.put(65 * i, texts[i].getBytes(StandardCharsets.US_ASCII));
    }
    memory.write(address, name);
    return 0;
  }

  private long limit(int resource, long fresh, long old) throws Fault {
    if (resource < 0 || resource > 15) {
      return Errno.EINVAL;
    }
    if (fresh != 0) {
      return Errno.EPERM;
    }
    if (old != 0) {
      long limit = resource == RLIMIT_STACK ? space.stackBytes() : -1; // -1: no limit
      memory.write(old, UserMemory.numbers(16).putLong(0, limit).putLong(8, limit));
    }
    return 0;
  }

  private long map(Arguments a) {
    long flags = a.get(3);
    if ((flags & MAP_ANONYMOUS) == 0) {
      return Errno.EBADF; // No open file can be mapped.
    }
    if ((a.get(2) & ~7L) != 0) {
      return Errno.EINVAL;
    }
    boolean replace = (flags & MAP_FIXED_NOREPLACE) == 0;
    boolean fixed = (flags & MAP_FIXED) != 0 || !replace;
    return space.map(a.get(0), a.get(1), rights(a.get(2)), fixed, replace);
  }

  private long protect(long address, long length, long protection) {
    return (protection & ~7L) != 0
        ? Errno.EINVAL
        : space.protect(address, length, rights(protection));
  }

  /** PROT_READ 1, WRITE 2 and EXECUTE 4 are our bits; a page that may be written can be read. */
  private static int rights(long protection) {
    return (int) protection | (int) (protection & 2) >> 1;
  }

  private long randomBytes(long address, long length) throws Fault {
    if (length < 0) {
      return Errno.EINVAL;
    }
    byte[] bytes = new byte[(int) Math.min(length, MOST_BYTES)];
    random.nextBytes(bytes);
    memory.write(address, bytes);
    return bytes.length;
  }

  /** Name of a call that is known and not served, for the log. */
  static String name(int number) {
    return switch (number) {
      case 98 -> " (futex)";
      case 101 -> " (nanosleep)";
      case 115 -> " (clock_nanosleep)";
      case 134 -> " (rt_sigaction with a handler)";
      case 198 -> " (socket)";
      case 216 -> " (mremap)";
      case 220, 435 -> " (clone)";
      case 221 -> " (execve)";
      case 258 -> " (riscv_hwprobe)";
      case 293 -> " (rseq)";
      default -> "";
    };
  }
}
