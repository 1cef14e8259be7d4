package duality.processor.interpreter;

import static duality.processor.interpreter.Ops.*;

/**
 * Turns instruction words into records.
 *
 * <p>A record is one {@code long}:
 *
 * <pre>
 * 63        38 37  32 31 27  26  25    15 14   9 8  0
 * |    imm    | rs2  | rs1 |short| offset |  rd  | op |
 * </pre>
 *
 * {@code imm} is signed. {@code short} is set for a two-byte instruction, {@code offset} is its
 * place in the page in halfwords. {@code rd} = 32 stands for x0 as a destination, a register that
 * nobody reads. What writes nothing but x0 becomes {@link Ops#NOP}. {@code rs2} is also where a
 * shift by a constant has its distance; {@code lui} has its value in bits 63 to 32, {@code auipc}
 * what is to be added to the page's address in bits 63 to 31.
 *
 * <p>What {@link CodePage} makes of the immediates of jumps, when it knows their place and that of
 * their targets: a branch, {@code j} and {@code jal} have the target's record index in the 13 low
 * bits of imm, {@code jal} above it the offset in the page of what follows it; {@code jalr} has
 * that offset in the 13 low bits, and its own immediate above them.
 *
 * <p>The layout is chosen for {@link Loop}: an expression over the record that two of its cases
 * share is computed before the jump to the case, for every instruction, and lies in a register that
 * is then missing.
 */
final class Decoder {
  static final int RD_SHIFT = 9;
  static final int OFFSET_SHIFT = 15;
  static final int RS1_SHIFT = 27;
  static final int RS2_SHIFT = 32;
  static final int IMM_SHIFT = 38;
  static final int UPPER_SHIFT = 32;
  static final int AUIPC_SHIFT = 31;
  static final int INDEX_BITS = 13;
  static final int INDEX_MASK = (1 << INDEX_BITS) - 1;
  static final long SHORT = 1L << 26;

  /** The destination that nobody reads. */
  static final int SINK = 32;

  private static final int[] LOADS = {LB, LH, LW, LD, LBU, LHU, LWU, ILLEGAL};
  private static final int[] STORES = {SB, SH, SW, SD, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL};
  private static final int[] BRANCHES = {BEQ, BNE, ILLEGAL, ILLEGAL, BLT, BGE, BLTU, BGEU};
  private static final int[] REGISTER = {ADD, SLL, SLT, SLTU, XOR, SRL, OR, AND};
  private static final int[] MULTIPLY = {MUL, MULH, MULHSU, MULHU, DIV, DIVU, REM, REMU};
  private static final int[] MULTIPLY_W = {
    MULW, ILLEGAL, ILLEGAL, ILLEGAL, DIVW, DIVUW, REMW, REMUW
  };

  private static final int[] CARRYLESS_AND_ORDER = {
    ILLEGAL, CLMUL, CLMULR, CLMULH, MIN, MINU, MAX, MAXU
  };
  private static final int[] SHIFTED_ADD = {
    ILLEGAL, ILLEGAL, SH1ADD, ILLEGAL, SH2ADD, ILLEGAL, SH3ADD, ILLEGAL
  };
  private static final int[] SHIFTED_ADD_UW = {
    ILLEGAL, ILLEGAL, SH1ADD_UW, ILLEGAL, SH2ADD_UW, ILLEGAL, SH3ADD_UW, ILLEGAL
  };
  private static final int[] INVERTED = {SUB, ILLEGAL, ILLEGAL, ILLEGAL, XNOR, SRA, ORN, ANDN};

  private Decoder() {}

  static int op(long record) {
    return (int) record & 0x1ff;
  }

  static int rd(long record) {
    return (int) record >>> RD_SHIFT & 63;
  }

  static int rs1(long record) {
    return (int) record >>> RS1_SHIFT;
  }

  static int rs2(long record) {
    return (int) (record >>> RS2_SHIFT) & 63;
  }

  static long imm(long record) {
    return record >> IMM_SHIFT;
  }

  /** The record's place in its page in bytes. */
  static int offset(long record) {
    return (int) record >>> OFFSET_SHIFT - 1 & 0xffe;
  }

  /** Length of the instruction in bytes: 2 or 4. */
  static int length(long record) {
    return (record & SHORT) != 0 ? 2 : 4;
  }

  static long withImm(long record, long imm) {
    return record & (1L << IMM_SHIFT) - 1 | imm << IMM_SHIFT;
  }

  /** The record at its place in a page. */
  static long at(long record, int halfword) {
    long placed = record | (long) halfword << OFFSET_SHIFT;
    return switch (op(placed)) {
      case AUIPC -> placed + ((long) 2 * halfword << AUIPC_SHIFT);
      case JALR -> withImm(placed, imm(placed) << INDEX_BITS | 2 * halfword + length(placed));
      default -> placed;
    };
  }

  /** The branch or jump with the index of its target's record. */
  static long linked(long record, int to) {
    long next = op(record) == JAL ? offset(record) + length(record) : 0;
    return withImm(record, next << INDEX_BITS | to);
  }

  /** Whether what follows the record is reached only by jumps to it. */
  static boolean ends(long record) {
    int op = op(record);
    return op == JAL
        || op == J
        || op == JALR
        || op == ILLEGAL
        || op == SRET
        || op == MRET
        || op == URET;
  }

  static boolean branches(long record) {
    int op = op(record);
    return op == JAL || op == J || op >= BEQ && op <= BGEU;
  }

  static long record(int op, int rd, int rs1, int rs2, long imm) {
    return op
        | (long) rd << RD_SHIFT
        | (long) rs1 << RS1_SHIFT
        | (long) rs2 << RS2_SHIFT
        | imm << IMM_SHIFT;
  }

  /** Decodes a four-byte instruction; its offset in the page is not set. */
  static long decode(int w) {
    int funct3 = w >>> 12 & 7;
    int rd = w >>> 7 & 31;
    int rs1 = w >>> 15 & 31;
    int rs2 = w >>> 20 & 31;
    int sink = rd == 0 ? SINK : rd;
    long i = w >> 20;
    long s = (w >> 25) << 5 | rd;
    return switch (w & 0x7f) {
      case 0x03 -> checked(LOADS[funct3], sink, rs1, 0, i);
      case 0x07 -> checked(funct3 == 2 ? FLW : funct3 == 3 ? FLD : ILLEGAL, rd, rs1, 0, i);
      case 0x0f ->
          funct3 == 0
              ? record(light(w) ? FENCE_LIGHT : FENCE, 0, 0, 0, 0)
              : funct3 == 1 ? record(FENCE_I, 0, 0, 0, 0) : cacheBlock(w, funct3, rd, rs1);
      case 0x13 -> immediate(w, funct3, rd, rs1, i);
      case 0x17 -> upper(AUIPC, rd, w);
      case 0x1b -> immediateWord(w, funct3, rd, rs1, i);
      case 0x23 -> checked(STORES[funct3], 0, rs1, rs2, s);
      case 0x27 -> checked(funct3 == 2 ? FSW : funct3 == 3 ? FSD : ILLEGAL, 0, rs1, rs2, s);
      case 0x2f -> atomic(w, funct3, sink, rs1, rs2);
      case 0x33 -> register(w, funct3, rd, rs1, rs2);
      case 0x37 -> upper(LUI, rd, w);
      case 0x3b -> registerWord(w, funct3, rd, rs1, rs2);
      case 0x43, 0x47, 0x4b, 0x4f, 0x53 -> FloatDecoder.decode(w);
      case 0x63 -> checked(BRANCHES[funct3], 0, rs1, rs2, branchDisplacement(w));
      case 0x67 -> checked(funct3 == 0 ? JALR : ILLEGAL, sink, rs1, 0, i);
      case 0x6f -> record(rd == 0 ? J : JAL, rd, 0, 0, jumpDisplacement(w));
      case 0x73 -> system(w, funct3, sink, rs1, rs2);
      default -> ILLEGAL;
    };
  }

  private static long checked(int op, int rd, int rs1, int rs2, long imm) {
    return op == ILLEGAL ? ILLEGAL : record(op, rd, rs1, rs2, imm);
  }

  private static long upper(int op, int rd, int w) {
    if (rd == 0) {
      return NOP;
    }
    long value = w & 0xfffff000;
    if (op == LUI && value << IMM_SHIFT >> IMM_SHIFT == value) {
      return record(LI, rd, 0, 0, value);
    }
    return op | (long) rd << RD_SHIFT | value << (op == LUI ? UPPER_SHIFT : AUIPC_SHIFT);
  }

  private static long immediate(int w, int funct3, int rd, int rs1, long i) {
    int shift = w >>> 20 & 63;
    int upper = w >>> 26;
    long r =
        switch (funct3) {
          case 0 ->
              rs1 == 0
                  ? record(LI, rd, 0, 0, i)
                  : i == 0 ? record(MV, rd, rs1, 0, 0) : record(ADDI, rd, rs1, 0, i);
          case 1 -> upper == 0 ? record(SLLI, rd, rs1, shift, 0) : bitsLeft(upper, shift, rd, rs1);
          case 2 -> record(SLTI, rd, rs1, 0, i);
          case 3 -> record(SLTIU, rd, rs1, 0, i);
          case 4 -> record(XORI, rd, rs1, 0, i);
          case 5 ->
              upper == 0
                  ? record(SRLI, rd, rs1, shift, 0)
                  : upper == 0x10
                      ? record(SRAI, rd, rs1, shift, 0)
                      : bitsRight(upper, shift, rd, rs1);
          case 6 -> record(ORI, rd, rs1, 0, i);
          default -> record(ANDI, rd, rs1, 0, i);
        };
    return rd == 0 && op(r) != ILLEGAL ? NOP : r;
  }

  private static long immediateWord(int w, int funct3, int rd, int rs1, long i) {
    int shift = w >>> 20 & 31;
    int upper = w >>> 25;
    long r =
        switch (funct3) {
          case 0 -> record(ADDIW, rd, rs1, 0, i);
          case 1 -> upper == 0 ? record(SLLIW, rd, rs1, shift, 0) : wordLeft(w, upper, rd, rs1);
          case 5 ->
              upper == 0
                  ? record(SRLIW, rd, rs1, shift, 0)
                  : upper == 0x20
                      ? record(SRAIW, rd, rs1, shift, 0)
                      : upper == 0x30 ? record(RORIW, rd, rs1, shift, 0) : ILLEGAL;
          default -> ILLEGAL;
        };
    return rd == 0 && op(r) != ILLEGAL ? NOP : r;
  }

  private static long register(int w, int funct3, int rd, int rs1, int rs2) {
    int op =
        switch (w >>> 25) {
          case 0 -> REGISTER[funct3];
          case 1 -> MULTIPLY[funct3];
          case 0x05 -> CARRYLESS_AND_ORDER[funct3];
          case 0x07 -> funct3 == 5 ? CZERO_EQZ : funct3 == 7 ? CZERO_NEZ : ILLEGAL;
          case 0x10 -> SHIFTED_ADD[funct3];
          case 0x14 -> funct3 == 1 ? BSET : ILLEGAL;
          case 0x20 -> INVERTED[funct3];
          case 0x24 -> funct3 == 1 ? BCLR : funct3 == 5 ? BEXT : ILLEGAL;
          case 0x30 -> funct3 == 1 ? ROL : funct3 == 5 ? ROR : ILLEGAL;
          case 0x34 -> funct3 == 1 ? BINV : ILLEGAL;
          default -> ILLEGAL;
        };
    return op == ILLEGAL ? ILLEGAL : rd == 0 ? NOP : record(op, rd, rs1, rs2, 0);
  }

  private static long registerWord(int w, int funct3, int rd, int rs1, int rs2) {
    int op =
        switch (w >>> 25) {
          case 0 -> funct3 == 0 ? ADDW : funct3 == 1 ? SLLW : funct3 == 5 ? SRLW : ILLEGAL;
          case 1 -> MULTIPLY_W[funct3];
          case 0x04 -> funct3 == 0 ? ADD_UW : funct3 == 4 && rs2 == 0 ? ZEXT_H : ILLEGAL;
          case 0x10 -> SHIFTED_ADD_UW[funct3];
          case 0x20 -> funct3 == 0 ? SUBW : funct3 == 5 ? SRAW : ILLEGAL;
          case 0x30 -> funct3 == 1 ? ROLW : funct3 == 5 ? RORW : ILLEGAL;
          default -> ILLEGAL;
        };
    return op == ILLEGAL ? ILLEGAL : rd == 0 ? NOP : record(op, rd, rs1, rs2, 0);
  }

  /** Bit operations with the opcode and funct3 of {@code slli}; {@code upper} has 6 bits. */
  private static long bitsLeft(int upper, int shift, int rd, int rs1) {
    return switch (upper) {
      case 0x0a -> record(BSETI, rd, rs1, shift, 0);
      case 0x12 -> record(BCLRI, rd, rs1, shift, 0);
      case 0x1a -> record(BINVI, rd, rs1, shift, 0);
      case 0x18 -> {
        int op =
            switch (shift) {
              case 0 -> CLZ;
              case 1 -> CTZ;
              case 2 -> CPOP;
              case 4 -> SEXT_B;
              case 5 -> SEXT_H;
              default -> ILLEGAL;
            };
        yield checked(op, rd, rs1, 0, 0);
      }
      default -> ILLEGAL;
    };
  }

  /** Bit operations with the opcode and funct3 of {@code srli}. */
  private static long bitsRight(int upper, int shift, int rd, int rs1) {
    return switch (upper) {
      case 0x12 -> record(BEXTI, rd, rs1, shift, 0);
      case 0x18 -> record(RORI, rd, rs1, shift, 0);
      case 0x0a -> checked(shift == 7 ? ORC_B : ILLEGAL, rd, rs1, 0, 0);
      case 0x1a -> checked(shift == 0x38 ? REV8 : ILLEGAL, rd, rs1, 0, 0);
      default -> ILLEGAL;
    };
  }

  /** Bit operations with the opcode and funct3 of {@code slliw}; {@code upper} has 7 bits. */
  private static long wordLeft(int w, int upper, int rd, int rs1) {
    if (upper >>> 1 == 2) {
      return record(SLLI_UW, rd, rs1, w >>> 20 & 63, 0);
    }
    int which = w >>> 20 & 31;
    return upper == 0x30 && which <= 2 ? record(CLZW + which, rd, rs1, 0, 0) : ILLEGAL;
  }

  /** {@code cbo.inval}, {@code clean}, {@code flush} and {@code zero}: 0, 1, 2 and 4. */
  private static long cacheBlock(int w, int funct3, int rd, int rs1) {
    int which = w >>> 20;
    boolean known = which <= 2 || which == 4;
    return funct3 == 2 && rd == 0 && known ? record(CBO, 0, rs1, 0, which) : ILLEGAL;
  }

  /**
   * Whether a fence lets loads behind it overtake stores before it: it does not name both, or it is
   * {@code fence.tso}. Accesses of devices count as those of memory.
   */
  private static boolean light(int w) {
    boolean stores = (w >>> 24 & 5) != 0;
    boolean loads = (w >>> 20 & 10) != 0;
    return !stores || !loads || w >>> 20 == 0x833;
  }

  private static long atomic(int w, int funct3, int rd, int rs1, int rs2) {
    int funct5 = w >>> 27;
    boolean known =
        switch (funct5) {
          case AtomicUnit.LR -> rs2 == 0;
          case AtomicUnit.ADD, AtomicUnit.SWAP, AtomicUnit.SC, AtomicUnit.XOR, AtomicUnit.OR ->
              true;
          case AtomicUnit.AND, AtomicUnit.MIN, AtomicUnit.MAX, AtomicUnit.MINU, AtomicUnit.MAXU ->
              true;
          default -> false;
        };
    if (!known || funct3 != 2 && funct3 != 3) {
      return ILLEGAL;
    }
    return record((funct3 == 2 ? AMO_W : AMO_D) + funct5, rd, rs1, rs2, 0);
  }

  private static long system(int w, int funct3, int rd, int rs1, int rs2) {
    if (funct3 == 4) {
      return ILLEGAL;
    }
    if (funct3 != 0) {
      return record(CSR + funct3, rd, rs1, rs2, w >>> 20);
    }
    int op =
        switch (w) {
          case 0x00000073 -> ECALL;
          case 0x00100073 -> EBREAK;
          case 0x00200073 -> URET;
          case 0x10200073 -> SRET;
          case 0x30200073 -> MRET;
          case 0x10500073 -> WFI;
          default -> w >>> 25 == 0x09 && (w >>> 7 & 31) == 0 ? SFENCE_VMA : ILLEGAL;
        };
    return op == ILLEGAL ? ILLEGAL : record(op, 0, rs1, rs2, 0);
  }

  private static long branchDisplacement(int w) {
    return (w >> 31) << 12 | (w >>> 7 & 1) << 11 | (w >>> 25 & 0x3f) << 5 | (w >>> 8 & 15) << 1;
  }

  private static long jumpDisplacement(int w) {
    return (w >> 31) << 20
        | (w >>> 12 & 0xff) << 12
        | (w >>> 20 & 1) << 11
        | (w >>> 21 & 0x3ff) << 1;
  }
}
