package duality.processor.interpreter;

/**
 * Expands two-byte instructions to the four-byte ones they stand for (RISC-V Unpriv. "C" extension,
 * RV64C with F and D). 0 stands for an illegal one.
 */
final class Compressed {
  private static final int SP = 2;

  private Compressed() {}

  static int expand(int h) {
    return switch (h & 3) {
      case 0 -> quadrant0(h);
      case 1 -> quadrant1(h);
      default -> quadrant2(h);
    };
  }

  private static int quadrant0(int h) {
    int rd = 8 + (h >>> 2 & 7);
    int rs1 = 8 + (h >>> 7 & 7);
    int word = bits(h, 10, 3, 3) | bits(h, 6, 1, 2) | bits(h, 5, 1, 6);
    int doubleWord = bits(h, 10, 3, 3) | bits(h, 5, 2, 6);
    return switch (h >>> 13) {
      case 0 -> {
        int imm = bits(h, 11, 2, 4) | bits(h, 7, 4, 6) | bits(h, 6, 1, 2) | bits(h, 5, 1, 3);
        yield imm == 0 ? 0 : i(0x13, 0, rd, SP, imm);
      }
      case 1 -> i(0x07, 3, rd, rs1, doubleWord);
      case 2 -> i(0x03, 2, rd, rs1, word);
      case 3 -> i(0x03, 3, rd, rs1, doubleWord);
      case 5 -> s(0x27, 3, rs1, rd, doubleWord);
      case 6 -> s(0x23, 2, rs1, rd, word);
      case 7 -> s(0x23, 3, rs1, rd, doubleWord);
      default -> 0;
    };
  }

  private static int quadrant1(int h) {
    int rd = h >>> 7 & 31;
    int imm = (h << 19 >> 31) << 5 | h >>> 2 & 31;
    return switch (h >>> 13) {
      case 0 -> i(0x13, 0, rd, rd, imm);
      case 1 -> rd == 0 ? 0 : i(0x1b, 0, rd, rd, imm);
      case 2 -> i(0x13, 0, rd, 0, imm);
      case 3 -> {
        if (rd == SP) {
          int by =
              (h << 19 >> 31) << 9
                  | bits(h, 6, 1, 4)
                  | bits(h, 5, 1, 6)
                  | bits(h, 3, 2, 7)
                  | bits(h, 2, 1, 5);
          yield by == 0 ? 0 : i(0x13, 0, SP, SP, by);
        }
        yield imm == 0 ? 0 : imm << 12 | rd << 7 | 0x37;
      }
      case 4 -> arithmetic(h, imm);
      case 5 -> {
        int to =
            (h << 19 >> 31) << 11
                | bits(h, 11, 1, 4)
                | bits(h, 9, 2, 8)
                | bits(h, 8, 1, 10)
                | bits(h, 7, 1, 6)
                | bits(h, 6, 1, 7)
                | bits(h, 3, 3, 1)
                | bits(h, 2, 1, 5);
        yield (to >>> 20 & 1) << 31
            | (to >>> 1 & 0x3ff) << 21
            | (to >>> 11 & 1) << 20
            | (to >>> 12 & 0xff) << 12
            | 0x6f;
      }
      default -> {
        int to =
            (h << 19 >> 31) << 8
                | bits(h, 10, 2, 3)
                | bits(h, 5, 2, 6)
                | bits(h, 3, 2, 1)
                | bits(h, 2, 1, 5);
        yield (to >>> 12 & 1) << 31
            | (to >>> 5 & 0x3f) << 25
            | (8 + (h >>> 7 & 7)) << 15
            | (h >>> 13 & 1) << 12
            | (to >>> 1 & 15) << 8
            | (to >>> 11 & 1) << 7
            | 0x63;
      }
    };
  }

  private static int arithmetic(int h, int imm) {
    int rd = 8 + (h >>> 7 & 7);
    int rs2 = 8 + (h >>> 2 & 7);
    return switch (h >>> 10 & 3) {
      case 0 -> i(0x13, 5, rd, rd, imm & 63);
      case 1 -> i(0x13, 5, rd, rd, imm & 63 | 0x400);
      case 2 -> i(0x13, 7, rd, rd, imm);
      default ->
          switch (h >>> 10 & 4 | h >>> 5 & 3) {
            case 0 -> r(0x33, 0, 0x20, rd, rd, rs2);
            case 1 -> r(0x33, 4, 0, rd, rd, rs2);
            case 2 -> r(0x33, 6, 0, rd, rd, rs2);
            case 3 -> r(0x33, 7, 0, rd, rd, rs2);
            case 4 -> r(0x3b, 0, 0x20, rd, rd, rs2);
            case 5 -> r(0x3b, 0, 0, rd, rd, rs2);
            default -> 0;
          };
    };
  }

  private static int quadrant2(int h) {
    int rd = h >>> 7 & 31;
    int rs2 = h >>> 2 & 31;
    int word = bits(h, 12, 1, 5) | bits(h, 4, 3, 2) | bits(h, 2, 2, 6);
    int doubleWord = bits(h, 12, 1, 5) | bits(h, 5, 2, 3) | bits(h, 2, 3, 6);
    int storeDouble = bits(h, 10, 3, 3) | bits(h, 7, 3, 6);
    return switch (h >>> 13) {
      case 0 -> i(0x13, 1, rd, rd, bits(h, 12, 1, 5) | rs2);
      case 1 -> i(0x07, 3, rd, SP, doubleWord);
      case 2 -> rd == 0 ? 0 : i(0x03, 2, rd, SP, word);
      case 3 -> rd == 0 ? 0 : i(0x03, 3, rd, SP, doubleWord);
      case 4 -> {
        boolean high = (h & 1 << 12) != 0;
        if (rs2 == 0) {
          yield rd == 0 ? (high ? 0x00100073 : 0) : i(0x67, 0, high ? 1 : 0, rd, 0);
        }
        yield r(0x33, 0, 0, rd, high ? rd : 0, rs2);
      }
      case 5 -> s(0x27, 3, SP, rs2, storeDouble);
      case 6 -> s(0x23, 2, SP, rs2, bits(h, 9, 4, 2) | bits(h, 7, 2, 6));
      default -> s(0x23, 3, SP, rs2, storeDouble);
    };
  }

  /** {@code count} bits of {@code h} from bit {@code from}, moved to bit {@code to}. */
  private static int bits(int h, int from, int count, int to) {
    return (h >>> from & (1 << count) - 1) << to;
  }

  private static int i(int opcode, int funct3, int rd, int rs1, int imm) {
    return imm << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
  }

  private static int s(int opcode, int funct3, int rs1, int rs2, int imm) {
    return (imm >>> 5) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (imm & 31) << 7 | opcode;
  }

  private static int r(int opcode, int funct3, int funct7, int rd, int rs1, int rs2) {
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode;
  }
}
