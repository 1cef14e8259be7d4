package duality.processor.interpreter;

import duality.kernel.processor.HartMode;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.function.LongSupplier;

/**
 * What a hart is made of, as the parts of the engine share it: registers, control and status
 * registers as stored, and why the inner loop stops.
 *
 * <p>Nothing here is private, because each of these fields is a register of the specification; the
 * rules for writing them are in {@link Csrs} and {@link Traps}.
 */
final class Context {
  static final int U = 0;
  static final int S = 1;
  static final int M = 3;

  /**
   * Values of {@link #pending}: nothing, a trap for {@link Traps#take}, an exit from the engine.
   */
  static final int NONE = 0;

  static final int TRAP = 1;
  static final int EXIT = 2;

  final boolean user;
  Memory memory;
  final Lines lines;
  final LongSupplier clock;

  /**
   * x0 to x31; {@link Decoder#SINK} takes what is written to x0; the rest pads to a power of two.
   */
  long[] x = new long[64];

  final long[] f = new long[32];
  long pc;
  int privilege;
  boolean firmware;
  boolean waiting;

  /** Instructions retired, without {@link #inSlice}. */
  long retired;

  /**
   * Instructions retired in this slice before the one that asks; the loop sets it where it can be
   * asked.
   */
  int inSlice;

  long mstatus;
  long mie;

  /** The bits of mip that software can write; the rest comes from the lines and the timer. */
  long softwarePending;

  /** Whether stimecmp has been reached when it was last compared. */
  boolean timerPending;

  long medeleg;
  long mideleg;
  long mtvec;
  long stvec;
  long mscratch;
  long sscratch;
  long mepc;
  long sepc;
  long mcause;
  long scause;
  long mtval;
  long stval;
  long satp;
  long mcounteren;
  long scounteren;
  long mcountinhibit;
  long menvcfg;
  long senvcfg;
  long stimecmp = -1;
  long mhartid;

  /**
   * What mcycle and minstret are more than {@link #instructions}; their value while they stand
   * still.
   */
  long cycleOffset;

  long instretOffset;
  final Pmp pmp = new Pmp();
  final Triggers triggers = new Triggers();
  int fflags;
  int frm;

  /**
   * Whether mstatus.FS is Dirty, so that floating-point registers may be written without looking.
   */
  boolean floatDirty;

  /** The rings of a hart in user mode; without any, all stays zero. */
  final Rings rings = new Rings();

  long timeOffsetNanos;

  /** Host clock value at which stimecmp is reached; {@link Long#MAX_VALUE} for never. */
  long wakeNanos = Long.MAX_VALUE;

  int pending;
  long trapCause;
  long trapValue;
  int exit;
  long exitAddress;
  int exitAccess;
  int exitWidth;
  long exitValue;

  /** The record of the instruction that caused {@link #pending}. */
  long record;

  // LR keeps the host address, the width and the value read, and how often was stored there.
  long reservedHost;
  int reservedWidth;
  long reservedValue;
  int reservedCount;

  Context(HartMode mode, Memory memory, Lines lines, LongSupplier clock) {
    this.user = mode == HartMode.USER;
    this.memory = memory;
    this.lines = lines;
    this.clock = clock;
  }

  /** Instructions retired before the current one. */
  long instructions() {
    return retired + inSlice;
  }

  /** The {@code time} counter. */
  long time() {
    return (clock.getAsLong() - timeOffsetNanos) / 100;
  }

  /** A floating-point register or flag was written. */
  void makeFloatDirty() {
    mstatus |= 3L << 13;
    floatDirty = true;
  }

  /** The current instruction ends in a trap. */
  void trap(long cause, long value) {
    pending = TRAP;
    trapCause = cause;
    trapValue = value;
  }

  /** The current instruction ends in leaving the engine. */
  void leave(int code, long address, int access, int width, long value) {
    pending = EXIT;
    exit = code;
    exitAddress = address;
    exitAccess = access;
    exitWidth = width;
    exitValue = value;
  }

  /** Bits of menvcfg: Sstc, page-based memory types, A and D set by hardware. */
  static final long STCE = 1L << 63;

  static final long PBMTE = 1L << 62;
  static final long ADUE = 1L << 61;

  /**
   * A hart in user mode: the counters that it may read without leaving, {@code mie} are the
   * interrupts that it leaves for, and floating point is on or off as {@code mstatus} says.
   */
  static final long COUNTERS = 7;

  /** Whether a bit of menvcfg holds: a hart without firmware has all of them. */
  boolean enabled(long bit) {
    return !firmware || (menvcfg & bit) != 0;
  }

  /** Whether stimecmp drives STIP. */
  boolean sstc() {
    return enabled(STCE);
  }

  private static final long LINES =
      Lines.SSIP | Lines.MSIP | Lines.STIP | Lines.MTIP | Lines.SEIP | Lines.MEIP;

  /** mip as it is now; looks at the lines but not at the clock. */
  long mip() {
    long word = lines.word();
    if (user) {
      // Nothing is taken here: who takes it lowers the edge.
      return word & LINES | (timerPending ? Lines.STIP : 0);
    }
    if ((word & Lines.SSIP) != 0) {
      lines.lower(Lines.SSIP);
      softwarePending |= Lines.SSIP;
    }
    long levels = word & LINES & ~Lines.SSIP;
    return softwarePending | levels | (timerPending && sstc() ? Lines.STIP : 0);
  }

  /** Compares stimecmp with the clock. */
  void compareTimer() {
    timerPending = wakeNanos != Long.MAX_VALUE && clock.getAsLong() - wakeNanos >= 0;
  }

  /** Sets stimecmp, in ticks of {@code time}, unsigned. */
  void stimecmp(long value) {
    stimecmp = value;
    // Beyond 290 years, and beyond what the host's clock can count, is never.
    boolean far = value < 0 || value > Long.MAX_VALUE / 100 - Math.abs(timeOffsetNanos / 100) - 1;
    wakeNanos = far ? Long.MAX_VALUE : value * 100 + timeOffsetNanos;
    compareTimer();
  }

  /** Whether an interrupt is pending and enabled in mie, whatever mstatus says. */
  boolean interruptPending() {
    return (mip() & mie) != 0;
  }
}
