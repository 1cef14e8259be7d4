package duality.processor.interpreter;

/**
 * The dense operation codes that {@link Decoder} writes into records.
 *
 * <p>Below {@link #FLOAT} are the operations of {@link Loop}'s inner switch, from {@link #FLOAT}
 * those of {@link FloatUnit}, from {@link #BITS} those of {@link BitUnit}, from {@link #ATOMIC}
 * those of {@link AtomicUnit}, from {@link #SYSTEM} those of {@link SystemUnit}.
 */
final class Ops {
  static final int NOP = 0;
  static final int LUI = 1;
  static final int AUIPC = 2;
  static final int JAL = 3;
  static final int J = 4;
  static final int JALR = 5;
  static final int BEQ = 6;
  static final int BNE = 7;
  static final int BLT = 8;
  static final int BGE = 9;
  static final int BLTU = 10;
  static final int BGEU = 11;
  static final int LB = 12;
  static final int LH = 13;
  static final int LW = 14;
  static final int LD = 15;
  static final int LBU = 16;
  static final int LHU = 17;
  static final int LWU = 18;
  static final int SB = 19;
  static final int SH = 20;
  static final int SW = 21;
  static final int SD = 22;
  static final int ADDI = 23;
  static final int SLTI = 24;
  static final int SLTIU = 25;
  static final int XORI = 26;
  static final int ORI = 27;
  static final int ANDI = 28;
  static final int SLLI = 29;
  static final int SRLI = 30;
  static final int SRAI = 31;
  static final int ADD = 32;
  static final int SUB = 33;
  static final int SLL = 34;
  static final int SLT = 35;
  static final int SLTU = 36;
  static final int XOR = 37;
  static final int SRL = 38;
  static final int SRA = 39;
  static final int OR = 40;
  static final int AND = 41;
  static final int ADDIW = 42;
  static final int SLLIW = 43;
  static final int SRLIW = 44;
  static final int SRAIW = 45;
  static final int ADDW = 46;
  static final int SUBW = 47;
  static final int SLLW = 48;
  static final int SRLW = 49;
  static final int SRAW = 50;
  static final int MUL = 51;
  static final int MULH = 52;
  static final int MULHSU = 53;
  static final int MULHU = 54;
  static final int DIV = 55;
  static final int DIVU = 56;
  static final int REM = 57;
  static final int REMU = 58;
  static final int MULW = 59;
  static final int DIVW = 60;
  static final int DIVUW = 61;
  static final int REMW = 62;
  static final int REMUW = 63;
  static final int LI = 64;
  static final int MV = 65;

  /** Not an instruction: go on at record imm, because what follows was decoded before. */
  static final int GOTO = 66;

  /** Not an instruction: pc is the page's address plus imm, outside the page. */
  static final int FAR = 67;

  /** A four-byte instruction that begins in the last two bytes of the page. */
  static final int CROSS = 68;

  static final int FENCE = 69;

  /** A fence that lets loads overtake stores. */
  static final int FENCE_LIGHT = 70;

  static final int FLOAT = 128;
  static final int FLW = FLOAT;
  static final int FLD = FLOAT + 1;
  static final int FSW = FLOAT + 2;
  static final int FSD = FLOAT + 3;

  /**
   * First operation on single precision; those on double precision follow {@link #DOUBLE} later.
   */
  static final int SINGLE = FLOAT + 8;

  static final int DOUBLE = 40;
  static final int FADD = SINGLE;
  static final int FSUB = SINGLE + 1;
  static final int FMUL = SINGLE + 2;
  static final int FDIV = SINGLE + 3;
  static final int FSQRT = SINGLE + 4;
  static final int FSGNJ = SINGLE + 5;
  static final int FSGNJN = SINGLE + 6;
  static final int FSGNJX = SINGLE + 7;
  static final int FMIN = SINGLE + 8;
  static final int FMAX = SINGLE + 9;
  static final int FLE = SINGLE + 10;
  static final int FLT = SINGLE + 11;
  static final int FEQ = SINGLE + 12;
  static final int FCLASS = SINGLE + 13;
  static final int FMADD = SINGLE + 14;
  static final int FMSUB = SINGLE + 15;
  static final int FNMSUB = SINGLE + 16;
  static final int FNMADD = SINGLE + 17;

  /** To integer: W, WU, L, LU in this order. */
  static final int FCVT_INT = SINGLE + 18;

  /** From integer: W, WU, L, LU in this order. */
  static final int FCVT_FROM = SINGLE + 22;

  static final int FMV_X = SINGLE + 26;
  static final int FMV_F = SINGLE + 27;

  /** From the other precision: FCVT.S.D, and {@link #DOUBLE} later FCVT.D.S. */
  static final int FCVT_FLOAT = SINGLE + 28;

  /** Operations of {@link BitUnit}. */
  static final int BITS = 208;

  static final int ADD_UW = BITS + 0;
  static final int SH1ADD = BITS + 1;
  static final int SH2ADD = BITS + 2;
  static final int SH3ADD = BITS + 3;
  static final int SH1ADD_UW = BITS + 4;
  static final int SH2ADD_UW = BITS + 5;
  static final int SH3ADD_UW = BITS + 6;
  static final int ANDN = BITS + 7;
  static final int ORN = BITS + 8;
  static final int XNOR = BITS + 9;
  static final int MAX = BITS + 10;
  static final int MAXU = BITS + 11;
  static final int MIN = BITS + 12;
  static final int MINU = BITS + 13;
  static final int CLZ = BITS + 14;
  static final int CTZ = BITS + 15;
  static final int CPOP = BITS + 16;
  static final int CLZW = BITS + 17;
  static final int CTZW = BITS + 18;
  static final int CPOPW = BITS + 19;
  static final int SEXT_B = BITS + 20;
  static final int SEXT_H = BITS + 21;
  static final int ZEXT_H = BITS + 22;
  static final int ROL = BITS + 23;
  static final int ROLW = BITS + 24;
  static final int ROR = BITS + 25;
  static final int RORW = BITS + 26;
  static final int ORC_B = BITS + 27;
  static final int REV8 = BITS + 28;
  static final int BCLR = BITS + 29;
  static final int BEXT = BITS + 30;
  static final int BINV = BITS + 31;
  static final int BSET = BITS + 32;
  static final int CLMUL = BITS + 33;
  static final int CLMULH = BITS + 34;
  static final int CLMULR = BITS + 35;
  static final int CZERO_EQZ = BITS + 36;
  static final int CZERO_NEZ = BITS + 37;

  /** From here on to {@link #ATOMIC} with a number in place of the second register. */
  static final int WITH_IMMEDIATE = BITS + 38;

  static final int SLLI_UW = WITH_IMMEDIATE + 0;
  static final int RORI = WITH_IMMEDIATE + 1;
  static final int RORIW = WITH_IMMEDIATE + 2;
  static final int BCLRI = WITH_IMMEDIATE + 3;
  static final int BEXTI = WITH_IMMEDIATE + 4;
  static final int BINVI = WITH_IMMEDIATE + 5;
  static final int BSETI = WITH_IMMEDIATE + 6;

  static final int ATOMIC = 256;

  /** Plus funct5; {@link #AMO_D} later the 64-bit form. */
  static final int AMO_W = ATOMIC;

  static final int AMO_D = ATOMIC + 32;

  static final int SYSTEM = 384;
  static final int ILLEGAL = SYSTEM;
  static final int FENCE_I = SYSTEM + 2;
  static final int ECALL = SYSTEM + 3;
  static final int EBREAK = SYSTEM + 4;
  static final int SRET = SYSTEM + 5;
  static final int MRET = SYSTEM + 6;
  static final int WFI = SYSTEM + 7;
  static final int SFENCE_VMA = SYSTEM + 8;

  /** Cache block operations of Zicbom and Zicboz; the immediate says which. */
  static final int CBO = SYSTEM + 9;

  /** Return from a trap to a ring of user mode (the draft N extension). */
  static final int URET = SYSTEM + 10;

  /** Plus funct3: 1 CSRRW, 2 CSRRS, 3 CSRRC, 5 to 7 with an immediate in rs1. */
  static final int CSR = SYSTEM + 16;

  private Ops() {}
}
