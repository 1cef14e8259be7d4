package duality.processor.interpreter;

import duality.kernel.processor.Exit;

/** Executes what is neither arithmetic nor memory: CSR instructions, calls, returns, waiting. */
final class SystemUnit {
  /** The loop goes on with the next instruction. */
  static final int NEXT = 0;

  /** The loop looks up {@link Context#pc} again: it, or what is mapped there, has changed. */
  static final int REFETCH = 1;

  /** The loop returns at {@link Context#pc}, because an interrupt may be due. */
  static final int POLL = 2;

  /** The instruction did not complete: {@link Context#pending} says why. */
  static final int PENDING = 3;

  // Cache block operations, and the bits of menvcfg and senvcfg that allow them.
  private static final int INVALIDATE = 0;
  private static final int ZERO = 4;
  private static final long CBIE = 3L << 4;
  private static final long CBCFE = 1L << 6;
  private static final long CBZE = 1L << 7;

  private static final long TW = 1L << 21;
  private static final long TVM = 1L << 20;
  private static final long TSR = 1L << 22;

  private static final int CALL_FROM_U = 8;

  /** How a call of the inner ring is told from one of the outer: as one from S-mode is. */
  private static final int CALL_FROM_INNER = 9;

  private final Context c;
  private final Mmu mmu;
  private final Traps traps;
  private final Csrs csrs;

  SystemUnit(Context c, Mmu mmu, Traps traps, Csrs csrs) {
    this.c = c;
    this.mmu = mmu;
    this.traps = traps;
    this.csrs = csrs;
  }

  /**
   * Executes the record at {@code pc}. Except for {@link #NEXT} and {@link #PENDING} {@link
   * Context#pc} is where to go on.
   */
  int execute(long record, long pc) {
    int op = Decoder.op(record);
    if (op > Ops.CSR) {
      return csr(record, op - Ops.CSR, pc);
    }
    switch (op) {
      case Ops.FENCE_I:
        mmu.fenceCode();
        c.pc = pc + 4;
        return REFETCH;
      case Ops.ECALL:
        return call(pc);
      case Ops.URET:
        return c.user && c.rings.inner() ? leaveRing() : illegal();
      case Ops.EBREAK:
        c.trap(3, pc);
        return PENDING;
      case Ops.CBO:
        return cacheBlock(record);
      default:
        return c.user ? illegal() : privileged(record, op, pc);
    }
  }

  private int illegal() {
    c.trap(2, 0);
    return PENDING;
  }

  private int call(long pc) {
    if (c.rings.gateOpen()) {
      c.pc = c.rings.enter(CALL_FROM_U, 0, pc);
      mmu.select();
      return REFETCH;
    }
    if (c.rings.inner()) {
      c.trap(CALL_FROM_INNER, 0);
    } else if (c.user || !c.firmware && c.privilege == Context.S) {
      c.leave(Exit.CALL, 0, 0, 0, 0);
    } else {
      c.trap(8 + c.privilege, 0);
    }
    return PENDING;
  }

  private int leaveRing() {
    c.pc = c.rings.leave();
    mmu.select();
    return c.interruptPending() ? POLL : REFETCH;
  }

  /** Allowed to modes below M by menvcfg, and to U by senvcfg, too (RISC-V Priv. §3.1.18). */
  private int cacheBlock(long record) {
    int which = (int) Decoder.imm(record);
    long bits = which == ZERO ? CBZE : which == INVALIDATE ? CBIE : CBCFE;
    boolean allowed =
        c.user
            || c.privilege == Context.M
            || (!c.firmware || (c.menvcfg & bits) != 0)
                && (c.privilege == Context.S || (c.senvcfg & bits) != 0);
    if (!allowed) {
      return illegal();
    }
    long address = c.x[Decoder.rs1(record)];
    if (which == ZERO) {
      mmu.zeroBlock(address);
    } else {
      mmu.checkBlock(address);
    }
    return c.pending == Context.NONE ? NEXT : PENDING;
  }

  private int privileged(long record, int op, long pc) {
    boolean s = c.privilege == Context.S;
    boolean m = c.privilege == Context.M;
    switch (op) {
      case Ops.SRET:
        if (!m && (!s || (c.mstatus & TSR) != 0)) {
          return illegal();
        }
        traps.returnFromS();
        return traps.interruptReady() ? POLL : REFETCH;
      case Ops.MRET:
        if (!m) {
          return illegal();
        }
        traps.returnFromM();
        return traps.interruptReady() ? POLL : REFETCH;
      case Ops.WFI:
        if (!m && (!s || (c.mstatus & TW) != 0)) {
          return illegal();
        }
        c.waiting = true;
        c.pc = pc + 4;
        return POLL;
      case Ops.SFENCE_VMA:
        if (!m && (!s || (c.mstatus & TVM) != 0)) {
          return illegal();
        }
        if (Decoder.rs1(record) == 0) {
          mmu.tlb.flush();
          if (Decoder.rs2(record) == 0) {
            mmu.compareCode();
          }
        } else {
          mmu.tlb.flush(c.x[Decoder.rs1(record)]);
        }
        c.pc = pc + 4;
        return REFETCH;
      default:
        return illegal();
    }
  }

  private int csr(long record, int funct3, long pc) {
    int number = (int) Decoder.imm(record) & 0xfff;
    int source = Decoder.rs1(record);
    int how = funct3 & 3;
    boolean write = how == 1 || source != 0;
    if (!csrs.accessible(number, write)) {
      return illegal();
    }
    long old = csrs.read(number);
    if (c.pending != Context.NONE) {
      return PENDING;
    }
    int next = NEXT;
    if (write) {
      long operand = funct3 >= 5 ? source : c.x[source];
      long value =
          switch (how) {
            case 1 -> operand;
            case 2 -> csrs.base(number, old) | operand;
            default -> csrs.base(number, old) & ~operand;
          };
      next = csrs.write(number, value);
    }
    c.x[Decoder.rd(record)] = old;
    c.pc = pc + 4;
    if (write && affectsInterrupts(number) && interruptReady()) {
      return POLL;
    }
    return next;
  }

  private boolean interruptReady() {
    return c.user ? c.rings.interruptible() && c.interruptPending() : traps.interruptReady();
  }

  /** ustatus, mstatus, mie, mip and mideleg, sstatus, sie and sip, stimecmp, menvcfg. */
  private static boolean affectsInterrupts(int csr) {
    return switch (csr) {
      case 0x000, 0x100, 0x104, 0x144, 0x14d, 0x300, 0x303, 0x304, 0x344, 0x30a -> true;
      default -> false;
    };
  }
}
