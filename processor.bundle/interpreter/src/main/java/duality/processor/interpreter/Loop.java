package duality.processor.interpreter;

import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The inner loop: what nearly all instructions are.
 *
 * <p>How it is written follows from what the JVM's optimising compiler makes of it; each point was
 * measured, and together they are worth a factor of two and a half.
 *
 * <ul>
 *   <li>It calls nothing that is not inlined, not even in a case that is never executed: a call
 *       makes the compiler keep all variables of the loop in memory. Small methods in rare cases
 *       are not inlined, so the parts of a record are taken apart in place. What needs a call (a
 *       miss in the {@link Tlb}, floating point, a system instruction) leaves the loop at its
 *       record; {@link Execution} does it and comes back.
 *   <li>Each case takes its record apart as {@code q}, the record without its operation code: an
 *       expression that two cases share would be computed before the jump to the case, for all, and
 *       would take a register.
 *   <li>Indices are masked with the array's length minus one, and there was one such access before
 *       the loop, so no index is checked. A copy of the registers in a new array, whose length the
 *       compiler sees, would save the masks (4 % of a computation); but the loop is left every
 *       hundred instructions, and a boot took 9 % more and the collector came four times a second.
 *   <li>It counts down to zero, one for each record, so it is a counted loop without a safepoint
 *       poll. The count is also the budget: nothing else is looked at on the way, neither when
 *       falling through nor at branches.
 *   <li>Guest memory is accessed plainly, which is as good as opaque here: there is one access in
 *       an iteration, at an address that is not known before, and between two of them a branch on
 *       data, so the compiler can neither move, merge nor repeat them; an aligned one is one
 *       instruction of the host. Fences are the host's; of those that do not keep loads behind
 *       stores nothing is left on a host that keeps all other orders anyway. Linux has one or two
 *       for each lock that it takes, too many to leave the loop for.
 *   <li>It stays below 8,000 bytes of bytecode, or the JVM never compiles it; and small: each case
 *       costs all others registers (docs/adr/0010).
 * </ul>
 */
final class Loop {
  /** Answers of {@link #run}: the record before {@link #index} is for somebody else to execute. */
  static final int OTHER = 0;

  /** Context.pc is to be looked up. */
  static final int FETCH = 1;

  /** The budget is used up, at the record at {@link #index}. */
  static final int SPENT = 2;

  /** No address of an instruction. */
  private static final long NONE = 1;

  // Where the parts of a record are, see Decoder.
  private static final int OP = 0x1ff;
  private static final int RD = Decoder.RD_SHIFT;
  private static final int RS1 = Decoder.RS1_SHIFT;
  private static final int RS2 = Decoder.RS2_SHIFT;
  private static final int IMM = Decoder.IMM_SHIFT;
  private static final int TOP = Decoder.IMM_SHIFT + Decoder.INDEX_BITS;
  private static final int UPPER = Decoder.UPPER_SHIFT;
  private static final int AUIPC = Decoder.AUIPC_SHIFT;
  private static final int INDEX_MASK = Decoder.INDEX_MASK;

  /** Places of a page in which nothing is decoded. */
  private static final char[] NOWHERE = new char[2048];

  private final Context c;
  private final Mmu mmu;

  /**
   * Where to go on: the page, its virtual address, its records, their places, and which is next.
   */
  @Nullable CodePage page;

  long base;
  long[] code = {};
  char[] places = {};
  int index;

  /** Instructions left of the budget. */
  int left;

  /** Takes the value of accesses that are made only for their checks. */
  private long probe;

  Loop(Context c, Mmu mmu) {
    this.c = c;
    this.mmu = mmu;
  }

  int run() {
    return run(mmu.table, mmu.tlb.stamp, code);
  }

  private int run(long[] tlb, long stamp, long[] code) {
    long[] x = c.x;
    int lastX = x.length - 1;
    int i = index;
    int lastTlb = tlb.length - 1;
    page:
    for (; ; ) {
      char[] places = this.places;
      long base = this.base;
      long pc = NONE;
      int last = code.length - 1;
      probe = code[i & last] + tlb[i & lastTlb] + x[i & lastX];
      int n = left;
      int pseudo = 0;
      loop:
      do {
        long r = code[i++ & last];
        switch ((int) r & OP) {
          case Ops.NOP:
            continue;
          case Ops.LUI:
            {
              long q = r ^ Ops.LUI;
              x[(int) q >>> RD & lastX] = r >> UPPER;
              continue;
            }
          case Ops.AUIPC:
            {
              long q = r ^ Ops.AUIPC;
              x[(int) q >>> RD & lastX] = base + (q >> AUIPC);
              continue;
            }
          case Ops.LI:
            {
              long q = r ^ Ops.LI;
              x[(int) q >>> RD & lastX] = (q >> IMM);
              continue;
            }
          case Ops.MV:
            {
              long q = r ^ Ops.MV;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX];
              continue;
            }
          case Ops.ADDI:
            {
              long q = r ^ Ops.ADDI;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              continue;
            }
          case Ops.SLTI:
            {
              long q = r ^ Ops.SLTI;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] < (q >> IMM) ? 1 : 0;
              continue;
            }
          case Ops.SLTIU:
            {
              long q = r ^ Ops.SLTIU;
              x[(int) q >>> RD & lastX] =
                  Long.compareUnsigned(x[(int) q >>> RS1 & lastX], (q >> IMM)) < 0 ? 1 : 0;
              continue;
            }
          case Ops.XORI:
            {
              long q = r ^ Ops.XORI;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] ^ (q >> IMM);
              continue;
            }
          case Ops.ORI:
            {
              long q = r ^ Ops.ORI;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] | (q >> IMM);
              continue;
            }
          case Ops.ANDI:
            {
              long q = r ^ Ops.ANDI;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] & (q >> IMM);
              continue;
            }
          case Ops.SLLI:
            {
              long q = r ^ Ops.SLLI;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] << (int) (q >>> RS2);
              continue;
            }
          case Ops.SRLI:
            {
              long q = r ^ Ops.SRLI;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] >>> (int) (q >>> RS2);
              continue;
            }
          case Ops.SRAI:
            {
              long q = r ^ Ops.SRAI;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] >> (int) (q >>> RS2);
              continue;
            }
          case Ops.ADD:
            {
              long q = r ^ Ops.ADD;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] + x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.SUB:
            {
              long q = r ^ Ops.SUB;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] - x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.SLL:
            {
              long q = r ^ Ops.SLL;
              x[(int) q >>> RD & lastX] =
                  x[(int) q >>> RS1 & lastX] << x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.SLT:
            {
              long q = r ^ Ops.SLT;
              x[(int) q >>> RD & lastX] =
                  x[(int) q >>> RS1 & lastX] < x[(int) (q >>> RS2) & lastX] ? 1 : 0;
              continue;
            }
          case Ops.SLTU:
            {
              long q = r ^ Ops.SLTU;
              x[(int) q >>> RD & lastX] =
                  Long.compareUnsigned(x[(int) q >>> RS1 & lastX], x[(int) (q >>> RS2) & lastX]) < 0
                      ? 1
                      : 0;
              continue;
            }
          case Ops.XOR:
            {
              long q = r ^ Ops.XOR;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] ^ x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.SRL:
            {
              long q = r ^ Ops.SRL;
              x[(int) q >>> RD & lastX] =
                  x[(int) q >>> RS1 & lastX] >>> x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.SRA:
            {
              long q = r ^ Ops.SRA;
              x[(int) q >>> RD & lastX] =
                  x[(int) q >>> RS1 & lastX] >> x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.OR:
            {
              long q = r ^ Ops.OR;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] | x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.AND:
            {
              long q = r ^ Ops.AND;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] & x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.ADDIW:
            {
              long q = r ^ Ops.ADDIW;
              x[(int) q >>> RD & lastX] = (int) (x[(int) q >>> RS1 & lastX] + (q >> IMM));
              continue;
            }
          case Ops.SLLIW:
            {
              long q = r ^ Ops.SLLIW;
              x[(int) q >>> RD & lastX] = (int) x[(int) q >>> RS1 & lastX] << (int) (q >>> RS2);
              continue;
            }
          case Ops.SRLIW:
            {
              long q = r ^ Ops.SRLIW;
              x[(int) q >>> RD & lastX] = (int) x[(int) q >>> RS1 & lastX] >>> (int) (q >>> RS2);
              continue;
            }
          case Ops.SRAIW:
            {
              long q = r ^ Ops.SRAIW;
              x[(int) q >>> RD & lastX] = (int) x[(int) q >>> RS1 & lastX] >> (int) (q >>> RS2);
              continue;
            }
          case Ops.ADDW:
            {
              long q = r ^ Ops.ADDW;
              x[(int) q >>> RD & lastX] =
                  (int) (x[(int) q >>> RS1 & lastX] + x[(int) (q >>> RS2) & lastX]);
              continue;
            }
          case Ops.SUBW:
            {
              long q = r ^ Ops.SUBW;
              x[(int) q >>> RD & lastX] =
                  (int) (x[(int) q >>> RS1 & lastX] - x[(int) (q >>> RS2) & lastX]);
              continue;
            }
          case Ops.SLLW:
            {
              long q = r ^ Ops.SLLW;
              x[(int) q >>> RD & lastX] =
                  (int) x[(int) q >>> RS1 & lastX] << (int) x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.SRLW:
            {
              long q = r ^ Ops.SRLW;
              x[(int) q >>> RD & lastX] =
                  (int) x[(int) q >>> RS1 & lastX] >>> (int) x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.SRAW:
            {
              long q = r ^ Ops.SRAW;
              x[(int) q >>> RD & lastX] =
                  (int) x[(int) q >>> RS1 & lastX] >> (int) x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.MUL:
            {
              long q = r ^ Ops.MUL;
              x[(int) q >>> RD & lastX] = x[(int) q >>> RS1 & lastX] * x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.MULW:
            {
              long q = r ^ Ops.MULW;
              x[(int) q >>> RD & lastX] =
                  (int) x[(int) q >>> RS1 & lastX] * (int) x[(int) (q >>> RS2) & lastX];
              continue;
            }
          case Ops.MULH:
            {
              long q = r ^ Ops.MULH;
              x[(int) q >>> RD & lastX] =
                  Math.multiplyHigh(x[(int) q >>> RS1 & lastX], x[(int) (q >>> RS2) & lastX]);
              continue;
            }
          case Ops.MULHU:
            {
              long q = r ^ Ops.MULHU;
              x[(int) q >>> RD & lastX] =
                  Math.unsignedMultiplyHigh(
                      x[(int) q >>> RS1 & lastX], x[(int) (q >>> RS2) & lastX]);
              continue;
            }
          case Ops.MULHSU:
            {
              long q = r ^ Ops.MULHSU;
              x[(int) q >>> RD & lastX] =
                  Math.multiplyHigh(x[(int) q >>> RS1 & lastX], x[(int) (q >>> RS2) & lastX])
                      + (x[(int) (q >>> RS2) & lastX] < 0 ? x[(int) q >>> RS1 & lastX] : 0);
              continue;
            }
          case Ops.DIV:
            {
              long q = r ^ Ops.DIV;
              long a = x[(int) q >>> RS1 & lastX];
              long b = x[(int) (q >>> RS2) & lastX];
              x[(int) q >>> RD & lastX] = b == 0 ? -1 : a / b;
              continue;
            }
          case Ops.DIVU:
            {
              long q = r ^ Ops.DIVU;
              long a = x[(int) q >>> RS1 & lastX];
              long b = x[(int) (q >>> RS2) & lastX];
              x[(int) q >>> RD & lastX] = b == 0 ? -1 : Long.divideUnsigned(a, b);
              continue;
            }
          case Ops.REM:
            {
              long q = r ^ Ops.REM;
              long a = x[(int) q >>> RS1 & lastX];
              long b = x[(int) (q >>> RS2) & lastX];
              x[(int) q >>> RD & lastX] = b == 0 ? a : a % b;
              continue;
            }
          case Ops.REMU:
            {
              long q = r ^ Ops.REMU;
              long a = x[(int) q >>> RS1 & lastX];
              long b = x[(int) (q >>> RS2) & lastX];
              x[(int) q >>> RD & lastX] = b == 0 ? a : Long.remainderUnsigned(a, b);
              continue;
            }
          case Ops.DIVW:
            {
              long q = r ^ Ops.DIVW;
              int a = (int) x[(int) q >>> RS1 & lastX];
              int b = (int) x[(int) (q >>> RS2) & lastX];
              x[(int) q >>> RD & lastX] = b == 0 ? -1 : a / b;
              continue;
            }
          case Ops.DIVUW:
            {
              long q = r ^ Ops.DIVUW;
              int a = (int) x[(int) q >>> RS1 & lastX];
              int b = (int) x[(int) (q >>> RS2) & lastX];
              x[(int) q >>> RD & lastX] = b == 0 ? -1 : Integer.divideUnsigned(a, b);
              continue;
            }
          case Ops.REMW:
            {
              long q = r ^ Ops.REMW;
              int a = (int) x[(int) q >>> RS1 & lastX];
              int b = (int) x[(int) (q >>> RS2) & lastX];
              x[(int) q >>> RD & lastX] = b == 0 ? a : a % b;
              continue;
            }
          case Ops.REMUW:
            {
              long q = r ^ Ops.REMUW;
              int a = (int) x[(int) q >>> RS1 & lastX];
              int b = (int) x[(int) (q >>> RS2) & lastX];
              x[(int) q >>> RD & lastX] = b == 0 ? a : Integer.remainderUnsigned(a, b);
              continue;
            }
          case Ops.BEQ:
            {
              long q = r ^ Ops.BEQ;
              if (x[(int) q >>> RS1 & lastX] == x[(int) (q >>> RS2) & lastX]) {
                break;
              }
              continue;
            }
          case Ops.BNE:
            {
              long q = r ^ Ops.BNE;
              if (x[(int) q >>> RS1 & lastX] != x[(int) (q >>> RS2) & lastX]) {
                break;
              }
              continue;
            }
          case Ops.BLT:
            {
              long q = r ^ Ops.BLT;
              if (x[(int) q >>> RS1 & lastX] < x[(int) (q >>> RS2) & lastX]) {
                break;
              }
              continue;
            }
          case Ops.BGE:
            {
              long q = r ^ Ops.BGE;
              if (x[(int) q >>> RS1 & lastX] >= x[(int) (q >>> RS2) & lastX]) {
                break;
              }
              continue;
            }
          case Ops.BLTU:
            {
              long q = r ^ Ops.BLTU;
              if (Long.compareUnsigned(x[(int) q >>> RS1 & lastX], x[(int) (q >>> RS2) & lastX])
                  < 0) {
                break;
              }
              continue;
            }
          case Ops.BGEU:
            {
              long q = r ^ Ops.BGEU;
              if (Long.compareUnsigned(x[(int) q >>> RS1 & lastX], x[(int) (q >>> RS2) & lastX])
                  >= 0) {
                break;
              }
              continue;
            }
          case Ops.JAL:
            {
              long q = r ^ Ops.JAL;
              x[(int) q >>> RD & lastX] = base + (q >> TOP & INDEX_MASK);
              break;
            }
          case Ops.J:
            break;
          case Ops.GOTO:
            pseudo++;
            break;
          case Ops.JALR:
            {
              long q = r ^ Ops.JALR;
              long to = x[(int) q >>> RS1 & lastX] + (q >> TOP) & -2;
              x[(int) q >>> RD & lastX] = base + ((q >> IMM) & INDEX_MASK);
              if ((to & -4096) == base) {
                int known = places[(int) to >>> 1 & 2047];
                if (known != 0) {
                  i = known - 1;
                  continue;
                }
              }
              pc = to;
              n--;
              break loop;
            }
          case Ops.FAR:
            {
              long q = r ^ Ops.FAR;
              pc = base + (q >> IMM);
              break loop;
            }
          case Ops.LB:
            {
              long q = r ^ Ops.LB;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t & lastTlb] != (va & -4096 | stamp)) {
                left = n + pseudo;
                break page;
              }
              x[(int) q >>> RD & lastX] = (byte) Host.BYTE.get(Host.ALL, va + tlb[t + 2 & lastTlb]);
              continue;
            }
          case Ops.LBU:
            {
              long q = r ^ Ops.LBU;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t & lastTlb] != (va & -4096 | stamp)) {
                left = n + pseudo;
                break page;
              }
              x[(int) q >>> RD & lastX] =
                  (byte) Host.BYTE.get(Host.ALL, va + tlb[t + 2 & lastTlb]) & 0xff;
              continue;
            }
          case Ops.LH:
            {
              long q = r ^ Ops.LH;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t & lastTlb] != (va & (-4096 | 1) | stamp)) {
                left = n + pseudo;
                break page;
              }
              x[(int) q >>> RD & lastX] =
                  (short) Host.SHORT.get(Host.ALL, va + tlb[t + 2 & lastTlb]);
              continue;
            }
          case Ops.LHU:
            {
              long q = r ^ Ops.LHU;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t & lastTlb] != (va & (-4096 | 1) | stamp)) {
                left = n + pseudo;
                break page;
              }
              x[(int) q >>> RD & lastX] =
                  (short) Host.SHORT.get(Host.ALL, va + tlb[t + 2 & lastTlb]) & 0xffff;
              continue;
            }
          case Ops.LW:
            {
              long q = r ^ Ops.LW;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t & lastTlb] != (va & (-4096 | 3) | stamp)) {
                left = n + pseudo;
                break page;
              }
              x[(int) q >>> RD & lastX] = (int) Host.INT.get(Host.ALL, va + tlb[t + 2 & lastTlb]);
              continue;
            }
          case Ops.LWU:
            {
              long q = r ^ Ops.LWU;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t & lastTlb] != (va & (-4096 | 3) | stamp)) {
                left = n + pseudo;
                break page;
              }
              x[(int) q >>> RD & lastX] =
                  (int) Host.INT.get(Host.ALL, va + tlb[t + 2 & lastTlb]) & 0xffffffffL;
              continue;
            }
          case Ops.LD:
            {
              long q = r ^ Ops.LD;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t & lastTlb] != (va & (-4096 | 7) | stamp)) {
                left = n + pseudo;
                break page;
              }
              x[(int) q >>> RD & lastX] = (long) Host.LONG.get(Host.ALL, va + tlb[t + 2 & lastTlb]);
              continue;
            }
          case Ops.SB:
            {
              long q = r ^ Ops.SB;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t + 1 & lastTlb] != (va & -4096 | stamp)) {
                left = n + pseudo;
                break page;
              }
              Host.BYTE.set(
                  Host.ALL, va + tlb[t + 2 & lastTlb], (byte) x[(int) (q >>> RS2) & lastX]);
              continue;
            }
          case Ops.SH:
            {
              long q = r ^ Ops.SH;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t + 1 & lastTlb] != (va & (-4096 | 1) | stamp)) {
                left = n + pseudo;
                break page;
              }
              Host.SHORT.set(
                  Host.ALL, va + tlb[t + 2 & lastTlb], (short) x[(int) (q >>> RS2) & lastX]);
              continue;
            }
          case Ops.SW:
            {
              long q = r ^ Ops.SW;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t + 1 & lastTlb] != (va & (-4096 | 3) | stamp)) {
                left = n + pseudo;
                break page;
              }
              Host.INT.set(Host.ALL, va + tlb[t + 2 & lastTlb], (int) x[(int) (q >>> RS2) & lastX]);
              continue;
            }
          case Ops.SD:
            {
              long q = r ^ Ops.SD;
              long va = x[(int) q >>> RS1 & lastX] + (q >> IMM);
              int t = (int) (va >>> 12) << 2;
              if (tlb[t + 1 & lastTlb] != (va & (-4096 | 7) | stamp)) {
                left = n + pseudo;
                break page;
              }
              Host.LONG.set(Host.ALL, va + tlb[t + 2 & lastTlb], x[(int) (q >>> RS2) & lastX]);
              continue;
            }
          case Ops.FENCE:
            VarHandle.fullFence();
            continue;
          case Ops.FENCE_LIGHT:
            VarHandle.acquireFence();
            VarHandle.releaseFence();
            continue;
          default:
            {
              left = n + pseudo;
              break page;
            }
        }
        // A branch is taken.
        i = (int) (r >> IMM) & INDEX_MASK;
      } while (--n > 0);
      index = i;
      if (pc == NONE) {
        left = pseudo;
        return SPENT;
      }
      left = n + pseudo;
      c.pc = pc;
      int at = (int) (pc >>> 12) & Tlb.CODE_ENTRIES - 1;
      if (left <= 0 || mmu.codeTags[at] != (pc & -4096 | mmu.tlb.codeStamp)) {
        return FETCH;
      }
      CodePage known = mmu.codePages[at];
      int place = known == null ? 0 : known.index[(int) pc >>> 1 & 2047];
      if (known == null || place == 0) {
        return FETCH;
      }
      this.page = known;
      this.places = known.index;
      this.base = pc & -4096;
      this.code = known.code;
      code = known.code;
      i = place - 1;
    }
    index = i;
    return OTHER;
  }

  /** Will go on at a record of {@code page}, which holds the instruction at {@code pc}. */
  void enter(CodePage page, long pc, int record) {
    this.page = page;
    code = page.code;
    places = page.index;
    base = pc & -4096;
    index = record;
  }

  /** Will go on with {@code page.crossCode}. */
  void cross(CodePage page) {
    code = page.crossCode;
    places = NOWHERE;
    index = 0;
  }
}
