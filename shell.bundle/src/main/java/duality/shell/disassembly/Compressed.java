package duality.shell.disassembly;

/** The instructions of 16 bits as those of 32 that they stand for (RISC-V Unpriv. "C"). */
final class Compressed {
  private static final int SP = 2;
  private static final int LOAD = 0x03;
  private static final int LOAD_FLOAT = 0x07;
  private static final int ADD_IMMEDIATE = 0x13;
  private static final int ADD_IMMEDIATE_WORD = 0x1b;
  private static final int STORE = 0x23;
  private static final int STORE_FLOAT = 0x27;
  private static final int ADD = 0x33;
  private static final int ADD_WORD = 0x3b;
  private static final int UPPER = 0x37;
  private static final int JUMP_REGISTER = 0x67;
  private static final int JUMP = 0x6f;
  private static final int BREAK = 0x0010_0073;
  private static final int SUBTRACT = 0x20 << 25;

  private Compressed() {}

  /** The instruction of 32 bits; 0 when there is none. */
  static int expand(int c) {
    int funct = c >>> 13 & 7;
    return switch (c & 3) {
      case 0 -> memory(c, funct);
      case 1 -> arithmetic(c, funct);
      default -> stack(c, funct);
    };
  }

  private static int bits(int c, int from, int count, int to) {
    return (c >>> from & (1 << count) - 1) << to;
  }

  /** A register of the eight that three bits can name. */
  private static int near(int c, int from) {
    return 8 + (c >>> from & 7);
  }

  private static int i(int opcode, int funct, int rd, int rs, int immediate) {
    return immediate << 20 | rs << 15 | funct << 12 | rd << 7 | opcode;
  }

  private static int r(int opcode, int funct, int rd, int rs1, int rs2) {
    return rs2 << 20 | rs1 << 15 | funct << 12 | rd << 7 | opcode;
  }

  private static int s(int opcode, int funct, int base, int value, int offset) {
    return offset >>> 5 << 25
        | value << 20
        | base << 15
        | funct << 12
        | (offset & 31) << 7
        | opcode;
  }

  private static int memory(int c, int funct) {
    int word = bits(c, 6, 1, 2) | bits(c, 10, 3, 3) | bits(c, 5, 1, 6);
    int doubleword = bits(c, 10, 3, 3) | bits(c, 5, 2, 6);
    int base = near(c, 7);
    int value = near(c, 2);
    return switch (funct) {
      case 0 -> {
        int up = bits(c, 6, 1, 2) | bits(c, 5, 1, 3) | bits(c, 11, 2, 4) | bits(c, 7, 4, 6);
        yield up == 0 ? 0 : i(ADD_IMMEDIATE, 0, value, SP, up);
      }
      case 1 -> i(LOAD_FLOAT, 3, value, base, doubleword);
      case 2 -> i(LOAD, 2, value, base, word);
      case 3 -> i(LOAD, 3, value, base, doubleword);
      case 5 -> s(STORE_FLOAT, 3, base, value, doubleword);
      case 6 -> s(STORE, 2, base, value, word);
      case 7 -> s(STORE, 3, base, value, doubleword);
      default -> 0;
    };
  }

  /** Six bits with a sign: the immediate of most. */
  private static int immediate(int c) {
    return c << 19 >> 31 << 5 | c >>> 2 & 31;
  }

  private static int arithmetic(int c, int funct) {
    int rd = c >>> 7 & 31;
    int immediate = immediate(c);
    return switch (funct) {
      case 0 -> i(ADD_IMMEDIATE, 0, rd, rd, immediate);
      case 1 -> rd == 0 ? 0 : i(ADD_IMMEDIATE_WORD, 0, rd, rd, immediate);
      case 2 -> i(ADD_IMMEDIATE, 0, rd, 0, immediate);
      case 3 -> rd == SP ? stackPointer(c) : immediate == 0 ? 0 : upper(rd, immediate);
      case 4 -> withRegister(c, immediate);
      case 5 -> jump(c);
      default -> branch(c, funct - 6);
    };
  }

  private static int upper(int rd, int immediate) {
    return immediate << 12 | rd << 7 | UPPER;
  }

  private static int stackPointer(int c) {
    int by =
        c << 19 >> 31 << 9
            | bits(c, 6, 1, 4)
            | bits(c, 5, 1, 6)
            | bits(c, 3, 2, 7)
            | bits(c, 2, 1, 5);
    return by == 0 ? 0 : i(ADD_IMMEDIATE, 0, SP, SP, by);
  }

  private static int withRegister(int c, int immediate) {
    int rd = near(c, 7);
    int rs = near(c, 2);
    return switch (c >>> 10 & 3) {
      case 0 -> i(ADD_IMMEDIATE, 5, rd, rd, immediate & 63);
      case 1 -> i(ADD_IMMEDIATE, 5, rd, rd, immediate & 63 | 0x400);
      case 2 -> i(ADD_IMMEDIATE, 7, rd, rd, immediate);
      default ->
          switch (c >>> 10 & 4 | c >>> 5 & 3) {
            case 0 -> r(ADD, 0, rd, rd, rs) | SUBTRACT;
            case 1 -> r(ADD, 4, rd, rd, rs);
            case 2 -> r(ADD, 6, rd, rd, rs);
            case 3 -> r(ADD, 7, rd, rd, rs);
            case 4 -> r(ADD_WORD, 0, rd, rd, rs) | SUBTRACT;
            case 5 -> r(ADD_WORD, 0, rd, rd, rs);
            default -> 0;
          };
    };
  }

  private static int jump(int c) {
    int by =
        c << 19 >> 31 << 11
            | bits(c, 11, 1, 4)
            | bits(c, 9, 2, 8)
            | bits(c, 8, 1, 10)
            | bits(c, 7, 1, 6)
            | bits(c, 6, 1, 7)
            | bits(c, 3, 3, 1)
            | bits(c, 2, 1, 5);
    return (by >>> 20 & 1) << 31
        | (by >>> 1 & 1023) << 21
        | (by >>> 11 & 1) << 20
        | (by >>> 12 & 255) << 12
        | JUMP;
  }

  private static int branch(int c, int funct) {
    int by =
        c << 19 >> 31 << 8
            | bits(c, 10, 2, 3)
            | bits(c, 5, 2, 6)
            | bits(c, 3, 2, 1)
            | bits(c, 2, 1, 5);
    return (by >>> 12 & 1) << 31
        | (by >>> 5 & 63) << 25
        | near(c, 7) << 15
        | funct << 12
        | (by >>> 1 & 15) << 8
        | (by >>> 11 & 1) << 7
        | 0x63;
  }

  private static int stack(int c, int funct) {
    int rd = c >>> 7 & 31;
    int rs = c >>> 2 & 31;
    int doubleword = bits(c, 12, 1, 5) | bits(c, 5, 2, 3) | bits(c, 2, 3, 6);
    int word = bits(c, 12, 1, 5) | bits(c, 4, 3, 2) | bits(c, 2, 2, 6);
    int doublewordOut = bits(c, 10, 3, 3) | bits(c, 7, 3, 6);
    int wordOut = bits(c, 9, 4, 2) | bits(c, 7, 2, 6);
    return switch (funct) {
      case 0 -> i(ADD_IMMEDIATE, 1, rd, rd, immediate(c) & 63);
      case 1 -> i(LOAD_FLOAT, 3, rd, SP, doubleword);
      case 2 -> rd == 0 ? 0 : i(LOAD, 2, rd, SP, word);
      case 3 -> rd == 0 ? 0 : i(LOAD, 3, rd, SP, doubleword);
      case 4 -> jumpOrMove(c, rd, rs);
      case 5 -> s(STORE_FLOAT, 3, SP, rs, doublewordOut);
      case 6 -> s(STORE, 2, SP, rs, wordOut);
      default -> s(STORE, 3, SP, rs, doublewordOut);
    };
  }

  private static int jumpOrMove(int c, int rd, int rs) {
    boolean second = (c >>> 12 & 1) != 0;
    if (rs != 0) {
      // A move is shown as one, so it is the instruction that assemblers make of mv.
      return second ? r(ADD, 0, rd, rd, rs) : i(ADD_IMMEDIATE, 0, rd, rs, 0);
    }
    if (rd == 0) {
      return second ? BREAK : 0;
    }
    return i(JUMP_REGISTER, 0, second ? 1 : 0, rd, 0);
  }
}
