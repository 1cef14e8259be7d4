package duality.processor.interpreter;

import static duality.processor.interpreter.Decoder.imm;
import static duality.processor.interpreter.Decoder.rd;
import static duality.processor.interpreter.Decoder.rs1;
import static duality.processor.interpreter.Decoder.rs2;

/**
 * The inner loop.
 *
 * <p>{@link #execute} must stay below 8,000 bytes of bytecode, or the JVM never compiles it; a test measures it.
 * So what is rare lives in the units, and what is here is written out rather than called. Falling through to the
 * next instruction is the next record, without a look at the address, the budget or the interrupt lines; those
 * are looked at where a branch is taken and where the page changes, and retired instructions are counted there,
 * as the distance between record indices.
 */
final class Loop {
  /** Answers of {@link #execute}: look at interrupts and budget and come back; or see Context.pending. */
  static final int POLL = 0;

  static final int PENDING = 1;

  private static final int OP = 0x1ff;

  private final Context c;
  private final Mmu mmu;
  private final SystemUnit system;
  private final AtomicUnit atomics;
  private final FloatUnit floats;

  Loop(Context c, Mmu mmu, SystemUnit system) {
    this.c = c;
    this.mmu = mmu;
    this.system = system;
    this.atomics = new AtomicUnit(c, mmu);
    this.floats = new FloatUnit(c, mmu);
  }

  /** Executes about {@code slice} instructions from Context.pc, fewer when something needs attention. */
  int execute(int slice) {
    Context c = this.c;
    Mmu mmu = this.mmu;
    long[] x = c.x;
    long[] tlb = mmu.table;
    long stamp = mmu.tlb.stamp;
    long pc = c.pc;
    int left = slice;
    long r = 0;
    int i;
    int start;
    long base;
    page:
    for (; ; ) {
      CodePage page = mmu.fetch(pc);
      if (page == null) {
        c.pc = pc;
        c.record = 0;
        c.retired += slice - left;
        return PENDING;
      }
      if (left <= 0) {
        c.pc = pc;
        c.retired += slice - left;
        return POLL;
      }
      base = pc & -4096;
      i = page.index[(int) pc >>> 1 & 2047] - 1;
      if (i < 0) {
        i = page.decode((int) pc >>> 1 & 2047);
      }
      long[] code = page.code;
      run:
      for (; ; ) {
        if (left <= 0 && ((int) code[i] & OP) < Ops.GOTO) {
          c.pc = base + Decoder.offset(code[i]);
          c.retired += slice - left;
          return POLL;
        }
        start = i;
        for (; ; ) {
          r = code[i++];
          switch ((int) r & OP) {
            case Ops.NOP:
              continue;
            case Ops.LUI:
              x[rd(r)] = r >> 32;
              continue;
            case Ops.AUIPC:
              x[rd(r)] = base + Decoder.offset(r) + (r >> 32);
              continue;
            case Ops.LI:
              x[rd(r)] = imm(r);
              continue;
            case Ops.MV:
              x[rd(r)] = x[rs1(r)];
              continue;
            case Ops.ADDI:
              x[rd(r)] = x[rs1(r)] + imm(r);
              continue;
            case Ops.SLTI:
              x[rd(r)] = x[rs1(r)] < imm(r) ? 1 : 0;
              continue;
            case Ops.SLTIU:
              x[rd(r)] = Long.compareUnsigned(x[rs1(r)], imm(r)) < 0 ? 1 : 0;
              continue;
            case Ops.XORI:
              x[rd(r)] = x[rs1(r)] ^ imm(r);
              continue;
            case Ops.ORI:
              x[rd(r)] = x[rs1(r)] | imm(r);
              continue;
            case Ops.ANDI:
              x[rd(r)] = x[rs1(r)] & imm(r);
              continue;
            case Ops.SLLI:
              x[rd(r)] = x[rs1(r)] << imm(r);
              continue;
            case Ops.SRLI:
              x[rd(r)] = x[rs1(r)] >>> imm(r);
              continue;
            case Ops.SRAI:
              x[rd(r)] = x[rs1(r)] >> imm(r);
              continue;
            case Ops.ADD:
              x[rd(r)] = x[rs1(r)] + x[rs2(r)];
              continue;
            case Ops.SUB:
              x[rd(r)] = x[rs1(r)] - x[rs2(r)];
              continue;
            case Ops.SLL:
              x[rd(r)] = x[rs1(r)] << x[rs2(r)];
              continue;
            case Ops.SLT:
              x[rd(r)] = x[rs1(r)] < x[rs2(r)] ? 1 : 0;
              continue;
            case Ops.SLTU:
              x[rd(r)] = Long.compareUnsigned(x[rs1(r)], x[rs2(r)]) < 0 ? 1 : 0;
              continue;
            case Ops.XOR:
              x[rd(r)] = x[rs1(r)] ^ x[rs2(r)];
              continue;
            case Ops.SRL:
              x[rd(r)] = x[rs1(r)] >>> x[rs2(r)];
              continue;
            case Ops.SRA:
              x[rd(r)] = x[rs1(r)] >> x[rs2(r)];
              continue;
            case Ops.OR:
              x[rd(r)] = x[rs1(r)] | x[rs2(r)];
              continue;
            case Ops.AND:
              x[rd(r)] = x[rs1(r)] & x[rs2(r)];
              continue;
            case Ops.ADDIW:
              x[rd(r)] = (int) (x[rs1(r)] + imm(r));
              continue;
            case Ops.SLLIW:
              x[rd(r)] = (int) x[rs1(r)] << (int) imm(r);
              continue;
            case Ops.SRLIW:
              x[rd(r)] = (int) x[rs1(r)] >>> (int) imm(r);
              continue;
            case Ops.SRAIW:
              x[rd(r)] = (int) x[rs1(r)] >> (int) imm(r);
              continue;
            case Ops.ADDW:
              x[rd(r)] = (int) (x[rs1(r)] + x[rs2(r)]);
              continue;
            case Ops.SUBW:
              x[rd(r)] = (int) (x[rs1(r)] - x[rs2(r)]);
              continue;
            case Ops.SLLW:
              x[rd(r)] = (int) x[rs1(r)] << (int) x[rs2(r)];
              continue;
            case Ops.SRLW:
              x[rd(r)] = (int) x[rs1(r)] >>> (int) x[rs2(r)];
              continue;
            case Ops.SRAW:
              x[rd(r)] = (int) x[rs1(r)] >> (int) x[rs2(r)];
              continue;
            case Ops.MUL:
              x[rd(r)] = x[rs1(r)] * x[rs2(r)];
              continue;
            case Ops.MULW:
              x[rd(r)] = (int) x[rs1(r)] * (int) x[rs2(r)];
              continue;
            case Ops.MULH:
              x[rd(r)] = Math.multiplyHigh(x[rs1(r)], x[rs2(r)]);
              continue;
            case Ops.MULHU:
              x[rd(r)] = Math.unsignedMultiplyHigh(x[rs1(r)], x[rs2(r)]);
              continue;
            case Ops.BEQ:
              if (x[rs1(r)] == x[rs2(r)]) {
                left -= i - start;
                i = (int) imm(r);
                continue run;
              }
              continue;
            case Ops.BNE:
              if (x[rs1(r)] != x[rs2(r)]) {
                left -= i - start;
                i = (int) imm(r);
                continue run;
              }
              continue;
            case Ops.BLT:
              if (x[rs1(r)] < x[rs2(r)]) {
                left -= i - start;
                i = (int) imm(r);
                continue run;
              }
              continue;
            case Ops.BGE:
              if (x[rs1(r)] >= x[rs2(r)]) {
                left -= i - start;
                i = (int) imm(r);
                continue run;
              }
              continue;
            case Ops.BLTU:
              if (Long.compareUnsigned(x[rs1(r)], x[rs2(r)]) < 0) {
                left -= i - start;
                i = (int) imm(r);
                continue run;
              }
              continue;
            case Ops.BGEU:
              if (Long.compareUnsigned(x[rs1(r)], x[rs2(r)]) >= 0) {
                left -= i - start;
                i = (int) imm(r);
                continue run;
              }
              continue;
            case Ops.JAL:
              x[rd(r)] = base + Decoder.offset(r) + Decoder.length(r);
              left -= i - start;
              i = (int) imm(r);
              continue run;
            case Ops.J:
              left -= i - start;
              i = (int) imm(r);
              continue run;
            case Ops.JALR:
              {
                long to = x[rs1(r)] + imm(r) & -2;
                x[rd(r)] = base + Decoder.offset(r) + Decoder.length(r);
                left -= i - start;
                if ((to & -4096) == base) {
                  int known = page.index[(int) to >>> 1 & 2047];
                  if (known != 0) {
                    code = page.code;
                    i = known - 1;
                    continue run;
                  }
                }
                pc = to;
                continue page;
              }
            case Ops.LB:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t] == (va & -4096 | stamp)) {
                  x[rd(r)] = (byte) Host.BYTE.get(Host.ALL, va + tlb[t + 2]);
                  continue;
                }
                long value = mmu.load(va, 1);
                if (c.pending == 0) {
                  x[rd(r)] = (byte) value;
                  continue;
                }
                break run;
              }
            case Ops.LBU:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t] == (va & -4096 | stamp)) {
                  x[rd(r)] = (byte) Host.BYTE.get(Host.ALL, va + tlb[t + 2]) & 0xff;
                  continue;
                }
                long value = mmu.load(va, 1);
                if (c.pending == 0) {
                  x[rd(r)] = value;
                  continue;
                }
                break run;
              }
            case Ops.LH:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t] == (va & (-4096 | 1) | stamp)) {
                  x[rd(r)] = (short) Host.SHORT.get(Host.ALL, va + tlb[t + 2]);
                  continue;
                }
                long value = mmu.load(va, 2);
                if (c.pending == 0) {
                  x[rd(r)] = (short) value;
                  continue;
                }
                break run;
              }
            case Ops.LHU:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t] == (va & (-4096 | 1) | stamp)) {
                  x[rd(r)] = (short) Host.SHORT.get(Host.ALL, va + tlb[t + 2]) & 0xffff;
                  continue;
                }
                long value = mmu.load(va, 2);
                if (c.pending == 0) {
                  x[rd(r)] = value;
                  continue;
                }
                break run;
              }
            case Ops.LW:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t] == (va & (-4096 | 3) | stamp)) {
                  x[rd(r)] = (int) Host.INT.get(Host.ALL, va + tlb[t + 2]);
                  continue;
                }
                long value = mmu.load(va, 4);
                if (c.pending == 0) {
                  x[rd(r)] = (int) value;
                  continue;
                }
                break run;
              }
            case Ops.LWU:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t] == (va & (-4096 | 3) | stamp)) {
                  x[rd(r)] = (int) Host.INT.get(Host.ALL, va + tlb[t + 2]) & 0xffffffffL;
                  continue;
                }
                long value = mmu.load(va, 4);
                if (c.pending == 0) {
                  x[rd(r)] = value;
                  continue;
                }
                break run;
              }
            case Ops.LD:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t] == (va & (-4096 | 7) | stamp)) {
                  x[rd(r)] = (long) Host.LONG.get(Host.ALL, va + tlb[t + 2]);
                  continue;
                }
                long value = mmu.load(va, 8);
                if (c.pending == 0) {
                  x[rd(r)] = value;
                  continue;
                }
                break run;
              }
            case Ops.SB:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t + 1] == (va & -4096 | stamp)) {
                  Host.BYTE.set(Host.ALL, va + tlb[t + 2], (byte) x[rs2(r)]);
                  continue;
                }
                mmu.store(va, 1, x[rs2(r)]);
                if (c.pending == 0) {
                  continue;
                }
                break run;
              }
            case Ops.SH:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t + 1] == (va & (-4096 | 1) | stamp)) {
                  Host.SHORT.set(Host.ALL, va + tlb[t + 2], (short) x[rs2(r)]);
                  continue;
                }
                mmu.store(va, 2, x[rs2(r)]);
                if (c.pending == 0) {
                  continue;
                }
                break run;
              }
            case Ops.SW:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t + 1] == (va & (-4096 | 3) | stamp)) {
                  Host.INT.set(Host.ALL, va + tlb[t + 2], (int) x[rs2(r)]);
                  continue;
                }
                mmu.store(va, 4, x[rs2(r)]);
                if (c.pending == 0) {
                  continue;
                }
                break run;
              }
            case Ops.SD:
              {
                long va = x[rs1(r)] + imm(r);
                int t = (int) (va >>> 10) & Tlb.MASK;
                if (tlb[t + 1] == (va & (-4096 | 7) | stamp)) {
                  Host.LONG.set(Host.ALL, va + tlb[t + 2], x[rs2(r)]);
                  continue;
                }
                mmu.store(va, 8, x[rs2(r)]);
                if (c.pending == 0) {
                  continue;
                }
                break run;
              }
            case Ops.GOTO:
              left -= i - 1 - start;
              i = (int) imm(r);
              continue run;
            case Ops.PAGE_END:
              left -= i - 1 - start;
              pc = base + imm(r);
              continue page;
            case Ops.FAR:
              left -= i - 1 - start;
              pc = base + Decoder.offset(r) + imm(r);
              continue page;
            case Ops.CROSS:
              if (mmu.cross(page, base + 4096)) {
                left -= i - 1 - start;
                code = page.crossCode;
                i = 0;
                continue run;
              }
              break run;
            default:
              {
                int op = (int) r & OP;
                if (op < Ops.FLOAT) {
                  divide(op, r, x);
                  continue;
                }
                left -= i - 1 - start;
                start = i - 1;
                int next = rare(r, base + Decoder.offset(r), slice - left);
                tlb = mmu.table;
                stamp = mmu.tlb.stamp;
                if (next == SystemUnit.NEXT) {
                  continue;
                }
                if (next == SystemUnit.REFETCH) {
                  left--;
                  pc = c.pc;
                  continue page;
                }
                if (next == SystemUnit.POLL) {
                  c.retired += slice - left + 1;
                  return POLL;
                }
                break run;
              }
          }
        }
      }
      // The instruction before i could not be completed.
      left -= i - 1 - start;
      c.pc = base + Decoder.offset(r);
      c.record = r;
      c.retired += slice - left;
      if (c.pending == Context.TRAP && c.trapCause == 2) {
        c.trapValue = page.word(Decoder.offset(r));
      }
      return PENDING;
    }
  }

  private int rare(long record, long pc, int inSlice) {
    int op = Decoder.op(record);
    if (op < Ops.ATOMIC) {
      floats.execute(record);
    } else if (op < Ops.SYSTEM) {
      atomics.execute(record);
    } else {
      c.inSlice = inSlice;
      int next = system.execute(record, pc);
      c.inSlice = 0;
      return next;
    }
    return c.pending == Context.NONE ? SystemUnit.NEXT : SystemUnit.PENDING;
  }

  /** Divisions and mulhsu: never a trap, RISC-V Unpriv. table "division by zero and overflow". */
  private static void divide(int op, long r, long[] x) {
    long a = x[rs1(r)];
    long b = x[rs2(r)];
    x[rd(r)] =
        switch (op) {
          case Ops.MULHSU -> Math.multiplyHigh(a, b) + (b < 0 ? a : 0);
          case Ops.DIV -> b == 0 ? -1 : a / b;
          case Ops.DIVU -> b == 0 ? -1 : Long.divideUnsigned(a, b);
          case Ops.REM -> b == 0 ? a : a % b;
          case Ops.REMU -> b == 0 ? a : Long.remainderUnsigned(a, b);
          case Ops.DIVW -> (int) b == 0 ? -1 : (int) a / (int) b;
          case Ops.DIVUW -> (int) b == 0 ? -1 : Integer.divideUnsigned((int) a, (int) b);
          case Ops.REMW -> (int) b == 0 ? (int) a : (int) a % (int) b;
          case Ops.REMUW -> (int) b == 0 ? (int) a : Integer.remainderUnsigned((int) a, (int) b);
          default -> throw new IllegalStateException("no operation " + op);
        };
  }
}
