package duality.processor.interpreter;

/**
 * Reads and writes control and status registers by number: who may, and what a legal value is
 * (RISC-V Priv. chapter 2, §3.1, §4.1).
 */
final class Csrs {
  /** RV64 with I, M, A, F, D, C, B, S and U. */
  static final long MISA = 2L << 62 | extensions("IMAFDCBSU");

  private static final long FS = 3L << 13;
  private static final long SSTATUS_WRITABLE = 0xc6122;
  private static final long MSTATUS_WRITABLE = SSTATUS_WRITABLE | 0x88 | Traps.MPP | 0x720000;
  private static final long XLEN_64 = 0xaL << 32;
  private static final long SSTATUS_XLEN_64 = 2L << 32;
  private static final long S_INTERRUPTS = 0x222;
  private static final long ALL_INTERRUPTS = 0xaaa;
  private static final long DELEGABLE = 0xb3ff;
  private static final long SSIP = 1L << 1;
  private static final long STIP = 1L << 5;
  private static final long SEIP = 1L << 9;
  private static final long TVM = 1L << 20;
  private static final int TIME = 2;
  private static final long SATP_MODE = 15L << 60;

  /** FIOM, CBIE, CBCFE and CBZE of menvcfg and senvcfg. */
  private static final long ENVIRONMENT = 0xf1;

  /** tinfo: the selected trigger does not exist (Debug §5.7.6). */
  private static final long NO_TRIGGER = 1;

  private static final long CBIE = 0x30;
  private static final long CBIE_RESERVED = 0x20;
  private static final long ASID = 0xffffL << 44;
  private static final long PPN = 0xfffffffffffL;

  private final Context c;
  private final Mmu mmu;

  Csrs(Context c, Mmu mmu) {
    this.c = c;
    this.mmu = mmu;
  }

  private static long extensions(String letters) {
    return letters.chars().mapToLong(letter -> 1L << letter - 'A').reduce(0, (a, b) -> a | b);
  }

  /**
   * Whether the current privilege may access the register at all; existence is {@link #read}'s
   * matter.
   */
  boolean accessible(int csr, boolean write) {
    if (write && csr >>> 10 == 3) {
      return false;
    }
    if (c.privilege < (csr >>> 8 & 3)) {
      return false;
    }
    if (csr >= 0xc03 && csr <= 0xc1f) {
      return c.privilege == Context.M; // event counters, whose enables are zero for ever
    }
    return switch (csr) {
      case 0x001, 0x002, 0x003 -> (c.mstatus & FS) != 0;
      case 0xc00, 0xc01, 0xc02 -> counterEnabled(csr & 31);
      case 0x14d ->
          c.privilege == Context.M || !c.firmware || c.sstc() && (c.mcounteren & TIME) != 0;
      case 0x180 -> c.privilege != Context.S || (c.mstatus & TVM) == 0;
      default -> true;
    };
  }

  private boolean counterEnabled(int number) {
    boolean byM = c.user || !c.firmware || (c.mcounteren >>> number & 1) != 0;
    boolean byS = (c.scounteren >>> number & 1) != 0;
    return c.privilege == Context.M || byM && (c.privilege == Context.S || byS);
  }

  /** The register's value; {@link Context#pending} is a trap when there is no such register. */
  long read(int csr) {
    return switch (csr) {
      case 0x000, 0x040, 0x041, 0x042, 0x043 -> readRing(csr);
      case 0x001 -> c.fflags;
      case 0x002 -> c.frm;
      case 0x003 -> c.frm << 5 | c.fflags;
      case 0xc00 -> cycle();
      case 0xc01 -> c.time();
      case 0xc02 -> instret();
      case 0x100 -> status() & (SSTATUS_WRITABLE | SSTATUS_XLEN_64 | 1L << 63);
      case 0x104 -> c.mie & delegated();
      case 0x105 -> c.stvec;
      case 0x106 -> c.scounteren;
      case 0x10a -> c.senvcfg;
      case 0x140 -> c.sscratch;
      case 0x141 -> c.sepc;
      case 0x142 -> c.scause;
      case 0x143 -> c.stval;
      case 0x144 -> pending() & delegated();
      case 0x14d -> c.stimecmp;
      case 0x180 -> c.satp;
      default -> readMachine(csr);
    };
  }

  private long readRing(int csr) {
    if (!c.rings.inner()) {
      c.trap(2, 0);
    }
    return c.rings.read(csr);
  }

  private long readMachine(int csr) {
    return switch (csr) {
      case 0x300 -> status();
      case 0x301 -> MISA;
      case 0x302 -> c.medeleg;
      case 0x303 -> c.mideleg;
      case 0x304 -> c.mie;
      case 0x305 -> c.mtvec;
      case 0x306 -> c.mcounteren;
      case 0x30a -> c.menvcfg;
      case 0x320 -> c.mcountinhibit;
      case 0x340 -> c.mscratch;
      case 0x341 -> c.mepc;
      case 0x342 -> c.mcause;
      case 0x343 -> c.mtval;
      case 0x344 -> pending();
      case 0x3a0, 0x3a2 -> c.pmp.config(csr & 15);
      case 0x7a4 -> NO_TRIGGER;
      case 0xb00 -> cycle();
      case 0xb02 -> instret();
      case 0xf14 -> c.mhartid;
      default -> {
        if (csr >= 0x3b0 && csr < 0x3c0) {
          yield c.pmp.address(csr - 0x3b0);
        }
        if (!zero(csr)) {
          c.trap(2, 0);
        }
        yield 0;
      }
    };
  }

  /**
   * Registers that are there and always zero: identification, event counters and selectors, more
   * PMP, triggers.
   */
  private static boolean zero(int csr) {
    return csr >= 0xf11 && csr <= 0xf15
        || csr >= 0xc03 && csr <= 0xc1f
        || csr >= 0xb03 && csr <= 0xb1f
        || csr >= 0x7a0 && csr <= 0x7a3
        || csr >= 0x323 && csr <= 0x33f
        || csr >= 0x3c0 && csr <= 0x3ef
        || csr >= 0x3a0 && csr <= 0x3af && (csr & 1) == 0;
  }

  private long status() {
    return c.mstatus | XLEN_64 | ((c.mstatus & FS) == FS ? 1L << 63 : 0);
  }

  /** Who asks sees a timer that is due, however long ago it was compared. */
  private long pending() {
    c.compareTimer();
    return c.mip();
  }

  private long delegated() {
    return c.firmware ? c.mideleg : S_INTERRUPTS;
  }

  private long cycle() {
    return (c.mcountinhibit & 1) != 0 ? c.cycleOffset : c.instructions() + c.cycleOffset;
  }

  private long instret() {
    return (c.mcountinhibit & 4) != 0 ? c.instretOffset : c.instructions() + c.instretOffset;
  }

  /**
   * Writes what is legal of {@code value}. Answers how the loop goes on: one of {@link
   * SystemUnit}'s.
   */
  int write(int csr, long value) {
    switch (csr) {
      case 0x000, 0x040, 0x041, 0x042, 0x043 -> c.rings.write(csr, value);
      case 0x001 -> floatStatus((int) value & 31, c.frm);
      case 0x002 -> floatStatus(c.fflags, (int) value & 7);
      case 0x003 -> floatStatus((int) value & 31, (int) value >>> 5 & 7);
      case 0x100 -> status(c.mstatus & ~SSTATUS_WRITABLE | value & SSTATUS_WRITABLE);
      case 0x104 -> c.mie = c.mie & ~delegated() | value & delegated();
      case 0x105 -> c.stvec = vector(c.stvec, value);
      case 0x106 -> c.scounteren = value & Context.COUNTERS;
      case 0x10a -> c.senvcfg = environment(c.senvcfg, value);
      case 0x140 -> c.sscratch = value;
      case 0x141 -> c.sepc = value & -2;
      case 0x142 -> c.scause = value;
      case 0x143 -> c.stval = value;
      case 0x144 -> pending(SSIP & delegated(), value);
      case 0x14d -> c.stimecmp(value);
      case 0x180 -> {
        return satp(value);
      }
      case 0x3a0, 0x3a2 -> {
        c.pmp.config(csr & 15, value);
        return protectionChanged();
      }
      default -> {
        if (csr >= 0x3b0 && csr < 0x3b0 + Pmp.ENTRIES) {
          c.pmp.address(csr - 0x3b0, value);
          return protectionChanged();
        }
        writeMachine(csr, value);
      }
    }
    return SystemUnit.NEXT;
  }

  /** What may be accessed has changed, and the fetch of the next instruction with it. */
  private int protectionChanged() {
    mmu.forgetTranslations();
    return SystemUnit.REFETCH;
  }

  private static long environment(long old, long value) {
    return (value & CBIE) == CBIE_RESERVED
        ? value & ENVIRONMENT & ~CBIE | old & CBIE
        : value & ENVIRONMENT;
  }

  private void writeMachine(int csr, long value) {
    switch (csr) {
      case 0x300 -> status(c.mstatus & ~MSTATUS_WRITABLE | value & MSTATUS_WRITABLE);
      case 0x302 -> c.medeleg = value & DELEGABLE;
      case 0x303 -> c.mideleg = value & S_INTERRUPTS;
      case 0x304 -> c.mie = value & ALL_INTERRUPTS;
      case 0x305 -> c.mtvec = vector(c.mtvec, value);
      case 0x306 -> c.mcounteren = value & Context.COUNTERS;
      case 0x30a -> {
        c.menvcfg =
            environment(c.menvcfg, value) | value & (Context.STCE | Context.PBMTE | Context.ADUE);
        if (c.sstc()) {
          c.softwarePending &= ~STIP; // from now on it says what stimecmp does
        }
      }
      case 0x320 -> inhibit(value & 5);
      case 0x340 -> c.mscratch = value;
      case 0x341 -> c.mepc = value & -2;
      case 0x342 -> c.mcause = value;
      case 0x343 -> c.mtval = value;
      case 0x344 -> pending(c.sstc() ? S_INTERRUPTS & ~STIP : S_INTERRUPTS, value);
      case 0xb00 -> c.cycleOffset = counterOffset(value, (c.mcountinhibit & 1) != 0);
      case 0xb02 -> c.instretOffset = counterOffset(value, (c.mcountinhibit & 4) != 0);
      default -> {} // read-only zero
    }
  }

  /**
   * What a set or clear operation starts from. For mip that is not what a read gives: the
   * controller's line must not become the software's bit (RISC-V Priv. §3.1.9).
   */
  long base(int csr, long read) {
    return csr == 0x344 ? read & ~SEIP | c.softwarePending & SEIP : read;
  }

  /** Sets what a hart in user mode has of them; says whether it has it. */
  boolean writeUser(int csr, long value) {
    switch (csr) {
      case 0x100 -> {
        c.mstatus = value & FS;
        c.floatDirty = c.mstatus == FS;
      }
      case 0x104 -> c.mie = value & S_INTERRUPTS;
      case 0x106 -> c.scounteren = value & Context.COUNTERS;
      case 0x14d -> c.stimecmp(value);
      case 0x042 -> c.pc = c.rings.enter(value, c.rings.read(0x043), c.pc);
      case 0x043 -> c.rings.write(csr, value);
      default -> {
        if (!c.rings.set(csr, value)) {
          return false;
        }
      }
    }
    mmu.select();
    return true;
  }

  private void floatStatus(int flags, int rounding) {
    c.fflags = flags;
    c.frm = rounding;
    c.makeFloatDirty();
  }

  /** Sets mstatus to a value whose read-only fields are right already. */
  private void status(long value) {
    if ((value & Traps.MPP) == 2L << Traps.MPP_SHIFT) {
      value = value & ~Traps.MPP | c.mstatus & Traps.MPP;
    }
    long changed = value ^ c.mstatus;
    c.mstatus = value;
    c.floatDirty = (value & FS) == FS;
    if ((changed & (Mmu.SUM | Mmu.MXR | Traps.MPRV | Traps.MPP)) != 0) {
      mmu.select(); // others, such as those of interrupts, change nothing there
    }
  }

  private static long vector(long old, long value) {
    return (value & 2) != 0 ? old : value;
  }

  private void pending(long mask, long value) {
    c.softwarePending = c.softwarePending & ~mask | value & mask;
  }

  private int satp(long value) {
    long mode = value & SATP_MODE;
    if (mode != 0 && Mmu.levels(value) == 0) {
      return SystemUnit.NEXT;
    }
    // The TLB knows no ASIDs: it forgets everything whenever satp changes, which is always allowed.
    long next = value & (SATP_MODE | ASID | PPN);
    if (next != c.satp) {
      c.satp = next;
      mmu.tlb.flush();
      mmu.select();
    }
    return SystemUnit.REFETCH;
  }

  /** The instruction that writes a counter does not count in it. */
  private long counterOffset(long value, boolean inhibited) {
    return inhibited ? value : value - (c.instructions() + 1);
  }

  private void inhibit(long bits) {
    long changed = bits ^ c.mcountinhibit;
    if ((changed & 1) != 0) {
      c.cycleOffset = (bits & 1) != 0 ? cycle() : c.cycleOffset - (c.instructions() + 1);
    }
    if ((changed & 4) != 0) {
      c.instretOffset = (bits & 4) != 0 ? instret() : c.instretOffset - (c.instructions() + 1);
    }
    c.mcountinhibit = bits;
  }
}
