package duality.vmm.board;

import duality.drivers.Finish;
import duality.kernel.CallFailed;
import duality.kernel.TrapHandler;
import java.util.OptionalLong;
import java.util.function.IntConsumer;

/**
 * The supervisor binary interface for one hart of a machine (RISC-V SBI Specification 2.0): what
 * firmware does elsewhere. The extension is in a7, the function in a6, arguments from a0 on; the
 * error goes to a0, the value to a1. Everything in the registers is hostile.
 *
 * <p><em>Concurrency:</em> one for each hart, called on the processor that carries it; what is done
 * to other harts is {@link Host}'s to order.
 */
final class Sbi {
  static final long SUCCESS = 0;
  static final long FAILED = -1;
  static final long NOT_SUPPORTED = -2;
  static final long INVALID_PARAM = -3;
  static final long INVALID_ADDRESS = -5;
  static final long ALREADY_AVAILABLE = -6;

  static final long BASE = 0x10;
  static final long TIME = 0x54494D45;
  static final long IPI = 0x735049;
  static final long RFENCE = 0x52464E43;
  static final long HSM = 0x48534D;
  static final long SRST = 0x53525354;
  static final long DBCN = 0x4442434E;

  /** Version 2.0: major in bits 24 to 30, minor below. */
  static final long SPECIFICATION = 2 << 24;

  /** Not in the registry of implementations: "Du". */
  static final long IMPLEMENTATION = 0x4475;

  static final long IMPLEMENTATION_VERSION = 0x000100;

  /** Most bytes that one console call moves; the guest asks again for the rest (SBI 2.0 §12.1). */
  static final int CONSOLE_BYTES = 4096;

  private static final int A0 = 10;
  private static final int A1 = 11;
  private static final int A2 = 12;
  private static final int A6 = 16;
  private static final int A7 = 17;

  private static final long ALL_HARTS = -1;

  // Types of suspension (SBI 2.0 §9.4).
  private static final int RETENTIVE = 0;
  private static final int NON_RETENTIVE = 0x8000_0000;

  /** What the SBI needs of the hart that calls and of its machine. */
  interface Host {
    long x(int register);

    void x(int register, long value);

    /** The hart's timer becomes pending when the time counter reaches {@code time} (unsigned). */
    void timer(long time);

    /** How many harts there are, numbered from 0. */
    int harts();

    /** Raises a hart's supervisor software interrupt; nothing for one that is stopped. */
    void interrupt(int hart);

    /**
     * A hart forgets its decoded instructions ({@code code}) or its translations; it uses none of
     * them any more when this returns. Nothing for one that is stopped.
     */
    void fence(int hart, boolean code);

    /** Whether an address is one of memory. */
    boolean isMemory(long address);

    /**
     * Starts a hart at an address, with that in its a1.
     *
     * @return false when it is not stopped
     */
    boolean start(int hart, long address, long opaque);

    /** Stops this hart; false when no other one runs. */
    boolean stop();

    /** What a hart is, as the SBI numbers it. */
    long status(int hart);

    /** Notes that this hart is suspended, until it goes on. */
    void suspends();

    /** This hart waits for an interrupt and goes on at an address, having lost its registers. */
    void suspend(long address, long opaque);

    /** The machine is to end or to start again; see {@link Finish}. */
    void end(long bits);

    /**
     * Writes guest memory to the console.
     *
     * @throws CallFailed.BadRequest when it is no memory
     */
    void print(long address, int bytes);

    /** Writes one byte to the console. */
    void print(int character);

    /**
     * Moves console input into guest memory.
     *
     * @return how many bytes there were
     * @throws CallFailed.BadRequest when it is no memory
     */
    int input(long address, int most);

    /** One byte of console input, or -1. */
    int input();

    /** Eight bytes at a virtual address, as the hart sees it; empty when no memory is there. */
    OptionalLong read(long address);
  }

  private final Host host;
  private final EarlierCalls earlier;

  Sbi(Host host) {
    this.host = host;
    earlier = new EarlierCalls(host);
  }

  /**
   * Answers the call that the hart made; what the thread does next, as {@link TrapHandler#trap}.
   */
  int call() {
    long extension = host.x(A7);
    long function = host.x(A6);
    if (EarlierCalls.offers(extension)) {
      return earlier.call(extension);
    }
    long result = NOT_SUPPORTED;
    if (extension == BASE) {
      result = base(function);
    } else if (extension == TIME && function == 0) {
      host.timer(host.x(A0));
      result = answer(0);
    } else if (extension == IPI && function == 0) {
      result = toHarts(host.x(A0), host.x(A1), host::interrupt);
    } else if (extension == RFENCE && function >= 0 && function <= 2) {
      boolean code = function == 0;
      result = toHarts(host.x(A0), host.x(A1), hart -> host.fence(hart, code));
    } else if (extension == HSM && function == 1) {
      if (host.stop()) {
        return TrapHandler.SUSPEND;
      }
      result = FAILED; // nobody could start the last hart again
    } else if (extension == HSM && function == 3) {
      int type = (int) host.x(A0);
      if (type == RETENTIVE) {
        host.x(A0, SUCCESS);
        host.suspends();
        return TrapHandler.WAIT;
      }
      result = suspend(type);
      if (result == SUCCESS) {
        return TrapHandler.RESUME;
      }
    } else if (extension == HSM) {
      result = harts(function);
    } else if (extension == DBCN) {
      result = console(function);
    } else if (extension == SRST && function == 0) {
      result = reset(host.x(A0), host.x(A1));
      if (result == SUCCESS) {
        return TrapHandler.SUSPEND;
      }
    }
    if (result != SUCCESS) {
      host.x(A1, 0);
    }
    host.x(A0, result);
    return TrapHandler.RESUME_BEHIND;
  }

  private long answer(long value) {
    host.x(A1, value);
    return SUCCESS;
  }

  /** SBI 2.0 chapter 4. */
  private long base(long function) {
    return switch (Math.clamp(function, -1, 7)) {
      case 0 -> answer(SPECIFICATION);
      case 1 -> answer(IMPLEMENTATION);
      case 2 -> answer(IMPLEMENTATION_VERSION);
      case 3 -> answer(offers(host.x(A0)) ? 1 : 0);
      case 4, 5, 6 -> answer(0); // mvendorid, marchid, mimpid: nobody's
      default -> NOT_SUPPORTED;
    };
  }

  private static boolean offers(long extension) {
    return extension == BASE
        || extension == TIME
        || extension == IPI
        || extension == RFENCE
        || extension == HSM
        || extension == SRST
        || extension == DBCN
        || EarlierCalls.offers(extension);
  }

  /**
   * Does something to the harts of a mask: bit i stands for hart {@code first + i} (SBI 2.0 §3.1).
   * All of them are there, or nothing is done.
   */
  private long toHarts(long mask, long first, IntConsumer action) {
    int harts = host.harts();
    if (first == ALL_HARTS) {
      for (int hart = 0; hart < harts; hart++) {
        action.accept(hart);
      }
      return answer(0);
    }
    if (mask == 0) {
      return answer(0);
    }
    long highest = Long.SIZE - 1 - Long.numberOfLeadingZeros(mask);
    if (first < 0 || first >= harts || first + highest >= harts) {
      return INVALID_PARAM;
    }
    for (long left = mask; left != 0; left &= left - 1) {
      action.accept((int) first + Long.numberOfTrailingZeros(left));
    }
    return answer(0);
  }

  /** SBI 2.0 §9.1 and §9.3. */
  private long harts(long function) {
    if (function != 0 && function != 2) {
      return NOT_SUPPORTED;
    }
    long hart = host.x(A0);
    if (hart < 0 || hart >= host.harts()) {
      return INVALID_PARAM;
    }
    if (function == 2) {
      return answer(host.status((int) hart));
    }
    long address = host.x(A1);
    if (!host.isMemory(address)) {
      return INVALID_ADDRESS;
    }
    return host.start((int) hart, address, host.x(A2)) ? answer(0) : ALREADY_AVAILABLE;
  }

  /** SBI 2.0 §9.4. Types are 32 bits wide. */
  private long suspend(int type) {
    if (type != NON_RETENTIVE) {
      boolean ofPlatforms = (type & ~NON_RETENTIVE) >>> 28 != 0;
      return ofPlatforms ? NOT_SUPPORTED : INVALID_PARAM;
    }
    long address = host.x(A1);
    if (!host.isMemory(address)) {
      return INVALID_ADDRESS;
    }
    host.suspend(address, host.x(A2));
    host.suspends();
    return SUCCESS;
  }

  /** SBI 2.0 chapter 12. */
  private long console(long function) {
    if (function == 2) {
      host.print((int) host.x(A0) & 0xFF);
      return answer(0);
    }
    if (function != 0 && function != 1) {
      return NOT_SUPPORTED;
    }
    long bytes = host.x(A0);
    long address = host.x(A1);
    if (host.x(A2) != 0) {
      return INVALID_PARAM; // the upper half of an address twice as wide as a register
    }
    if (bytes == 0) {
      return answer(0);
    }
    int part = (int) (bytes < 0 ? CONSOLE_BYTES : Math.min(bytes, CONSOLE_BYTES));
    try {
      if (function == 0) {
        host.print(address, part);
        return answer(part);
      }
      return answer(host.input(address, part));
    } catch (CallFailed.BadRequest noMemory) {
      return INVALID_PARAM;
    }
  }

  /** SBI 2.0 chapter 10. Types and reasons are 32 bits wide. */
  private long reset(long type, long reason) {
    int kind = (int) type;
    int why = (int) reason;
    boolean ourReason = why == 0 || why == 1;
    boolean theirReason = why >>> 28 >= 0xE;
    if (!ourReason && !theirReason) {
      return INVALID_PARAM;
    }
    if (kind == 0) {
      host.end(why == 0 ? Finish.POWER_OFF : Finish.FAILED | (long) (why & 0xFFFF) << 16);
    } else if (kind == 1 || kind == 2) {
      host.end(Finish.RESET);
    } else {
      return kind >>> 28 >= 0xF ? NOT_SUPPORTED : INVALID_PARAM;
    }
    return SUCCESS;
  }
}
