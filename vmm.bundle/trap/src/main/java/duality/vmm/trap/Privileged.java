package duality.vmm.trap;

import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import java.util.HashMap;
import java.util.Map;

/**
 * The part of a virtual hart that user mode does not have: privilege, and the registers of S-mode
 * (RISC-V Priv. §4.1), with what is legal in them. What M-mode has is kept for who takes it back.
 *
 * <p><em>Concurrency:</em> as {@link TrapHart}.
 */
final class Privileged {
  static final int U = 0;
  static final int S = 1;

  // Of sstatus:
  static final long SIE = 1L << 1;
  private static final long SPIE = 1L << 5;
  private static final long SPP = 1L << 8;
  static final long FS = 3L << 13;
  private static final long MPRV = 1L << 17;
  static final long SUM = 1L << 18;
  static final long MXR = 1L << 19;

  static final long S_INTERRUPTS = Lines.SSIP | Lines.STIP | Lines.SEIP;
  static final long INTERRUPT = 1L << 63;

  private static final long SSTATUS_WRITABLE = 0xc6122;
  private static final long SSTATUS_XLEN_64 = 2L << 32;
  private static final long XLEN_64 = 0xaL << 32;
  private static final long STATE_DIRTY = 1L << 63;
  private static final long SATP_MODE = 15L << 60;
  private static final int SV39 = 8;
  private static final int SV57 = 10;

  /** FIOM, CBIE, CBCFE and CBZE of senvcfg. */
  private static final long ENVIRONMENT = 0xf1;

  private static final long CBIE = 0x30;
  private static final long CBIE_RESERVED = 0x20;
  private static final long ASID_AND_ROOT = (1L << 60) - 1;
  private static final int COUNTERS = 7;

  /** Interrupts from the most urgent to the least: external, software, timer. */
  private static final int[] PRIORITY = {9, 1, 5};

  int privilege;

  /** What software set of sip: SSIP. */
  long softwarePending;

  private long mstatus;
  private long mie;
  private long stvec;
  private long scounteren;
  private long senvcfg;
  private long sscratch;
  private long sepc;
  private long scause;
  private long stval;
  private long satp;
  private long stimecmp = -1;
  private long timeOffsetNanos;
  private Map<String, Long> rest = Map.of();

  /** Takes its part of a full hart. */
  void load(HartState state) {
    Map<String, Long> csrs = state.csrs();
    rest = csrs;
    privilege = state.privilege();
    timeOffsetNanos = state.timeOffsetNanos();
    mstatus = csrs.getOrDefault("mstatus", 0L) & ~STATE_DIRTY;
    mie = csrs.getOrDefault("mie", 0L);
    softwarePending = csrs.getOrDefault("mip", 0L) & Lines.SSIP;
    stvec = csrs.getOrDefault("stvec", 0L);
    scounteren = csrs.getOrDefault("scounteren", 0L) & COUNTERS;
    senvcfg = csrs.getOrDefault("senvcfg", 0L);
    sscratch = csrs.getOrDefault("sscratch", 0L);
    sepc = csrs.getOrDefault("sepc", 0L);
    scause = csrs.getOrDefault("scause", 0L);
    stval = csrs.getOrDefault("stval", 0L);
    satp = csrs.getOrDefault("satp", 0L);
    stimecmp = csrs.getOrDefault("stimecmp", -1L);
  }

  /** Becomes what another one is. */
  void copy(Privileged other) {
    rest = other.rest;
    privilege = other.privilege;
    timeOffsetNanos = other.timeOffsetNanos;
    mstatus = other.mstatus;
    mie = other.mie;
    softwarePending = other.softwarePending;
    stvec = other.stvec;
    scounteren = other.scounteren;
    senvcfg = other.senvcfg;
    sscratch = other.sscratch;
    sepc = other.sepc;
    scause = other.scause;
    stval = other.stval;
    satp = other.satp;
    stimecmp = other.stimecmp;
  }

  /** A full hart of this and what its thread has. */
  HartState whole(HartState thread) {
    Map<String, Long> csrs = new HashMap<>(rest);
    for (String own : new String[] {"fcsr", "mcycle", "minstret"}) {
      csrs.put(own, thread.csrs().getOrDefault(own, 0L));
    }
    csrs.put("mstatus", mstatus | XLEN_64 | (floatDirty() ? STATE_DIRTY : 0));
    csrs.put("mie", mie);
    csrs.put("mip", csrs.getOrDefault("mip", 0L) & ~Lines.SSIP | softwarePending);
    csrs.put("stvec", stvec);
    csrs.put("scounteren", scounteren);
    csrs.put("senvcfg", senvcfg);
    csrs.put("sscratch", sscratch);
    csrs.put("sepc", sepc);
    csrs.put("scause", scause);
    csrs.put("stval", stval);
    csrs.put("satp", satp);
    csrs.put("stimecmp", stimecmp);
    return new HartState(
        HartMode.FULL,
        false,
        thread.pc(),
        privilege,
        false, // a wait may end early
        thread.x(),
        thread.f(),
        csrs,
        thread.timeOffsetNanos());
  }

  long timeOffsetNanos() {
    return timeOffsetNanos;
  }

  long satp() {
    return satp;
  }

  boolean bare() {
    return satp >>> 60 == 0;
  }

  long stimecmp() {
    return stimecmp;
  }

  void stimecmp(long value) {
    stimecmp = value;
  }

  boolean has(long statusBits) {
    return (mstatus & statusBits) != 0;
  }

  /** Whether floating-point registers may be written without anybody noticing. */
  boolean floatDirty() {
    return (mstatus & FS) == FS;
  }

  void makeFloatDirty() {
    mstatus |= FS;
  }

  /** Counters that may be read where the hart is now. */
  long counters() {
    return privilege == U ? scounteren : COUNTERS;
  }

  /** Interrupts that {@code sie} enables. */
  long enabled() {
    return mie & S_INTERRUPTS;
  }

  /** Those of them that would be taken where the hart is now. */
  long taken() {
    return privilege == U || (mstatus & SIE) != 0 ? enabled() : 0;
  }

  /** Interrupts that are pending; {@code lines} is the word of the hart's lines. */
  long pending(long lines, long nowNanos) {
    long time = (nowNanos - timeOffsetNanos) / 100;
    boolean timer = Long.compareUnsigned(time, stimecmp) >= 0;
    return softwarePending | lines & S_INTERRUPTS | (timer ? Lines.STIP : 0);
  }

  /** Whether S-mode has that register. */
  static boolean exists(int csr) {
    return switch (csr) {
      case 0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144, 0x14d, 0x180 ->
          true;
      default -> false;
    };
  }

  /** The value of a register that {@link #exists}. */
  long read(int csr, long lines, long nowNanos) {
    return switch (csr) {
      case 0x100 -> mstatus & SSTATUS_WRITABLE | SSTATUS_XLEN_64 | (floatDirty() ? STATE_DIRTY : 0);
      case 0x104 -> mie & S_INTERRUPTS;
      case 0x105 -> stvec;
      case 0x106 -> scounteren;
      case 0x10a -> senvcfg;
      case 0x140 -> sscratch;
      case 0x141 -> sepc;
      case 0x142 -> scause;
      case 0x143 -> stval;
      case 0x144 -> pending(lines, nowNanos);
      case 0x14d -> stimecmp;
      case 0x180 -> satp;
      default -> throw new IllegalArgumentException("csr 0x" + Integer.toHexString(csr));
    };
  }

  /** Writes what is legal of the value. */
  void write(int csr, long value) {
    switch (csr) {
      case 0x100 -> mstatus = mstatus & ~SSTATUS_WRITABLE | value & SSTATUS_WRITABLE;
      case 0x104 -> mie = mie & ~S_INTERRUPTS | value & S_INTERRUPTS;
      case 0x105 -> stvec = (value & 2) != 0 ? stvec : value;
      case 0x106 -> scounteren = value & COUNTERS;
      case 0x10a -> {
        boolean reserved = (value & CBIE) == CBIE_RESERVED;
        senvcfg = reserved ? value & ENVIRONMENT & ~CBIE | senvcfg & CBIE : value & ENVIRONMENT;
      }
      case 0x140 -> sscratch = value;
      case 0x141 -> sepc = value & -2;
      case 0x142 -> scause = value;
      case 0x143 -> stval = value;
      case 0x144 -> softwarePending = value & Lines.SSIP;
      case 0x14d -> stimecmp = value;
      case 0x180 -> {
        int mode = (int) (value >>> 60);
        if (mode == 0 || mode >= SV39 && mode <= SV57) {
          satp = value & (SATP_MODE | ASID_AND_ROOT);
        }
      }
      default -> throw new IllegalArgumentException("csr 0x" + Integer.toHexString(csr));
    }
  }

  /** Takes a trap into S-mode (§4.1.1, §3.1.6); answers where to go on. */
  long enter(long cause, long value, long pc) {
    scause = cause;
    stval = value;
    sepc = pc;
    mstatus = put(mstatus, SPIE, (mstatus & SIE) != 0);
    mstatus = put(mstatus, SPP, privilege == S) & ~SIE;
    privilege = S;
    return (stvec & -4) + ((stvec & 1) != 0 && cause < 0 ? 4 * (cause & 63) : 0);
  }

  /** {@code sret}; answers where to go on. */
  long leave() {
    privilege = (mstatus & SPP) != 0 ? S : U;
    mstatus = put(mstatus, SIE, (mstatus & SPIE) != 0);
    mstatus = (mstatus | SPIE) & ~(SPP | MPRV);
    return sepc;
  }

  /** The most urgent of these interrupts. */
  static int mostUrgent(long interrupts) {
    for (int number : PRIORITY) {
      if ((interrupts >>> number & 1) != 0) {
        return number;
      }
    }
    throw new IllegalArgumentException("no interrupt in " + interrupts);
  }

  private static long put(long status, long bit, boolean set) {
    return set ? status | bit : status & ~bit;
  }
}
