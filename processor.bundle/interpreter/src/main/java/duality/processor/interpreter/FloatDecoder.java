package duality.processor.interpreter;

import static duality.processor.interpreter.Ops.*;

/**
 * Decodes the arithmetic of the F and D extensions. In their records imm is rs3 | rm &lt;&lt; 5.
 */
final class FloatDecoder {
  private FloatDecoder() {}

  static long decode(int w) {
    int format = w >>> 25 & 3;
    if (format > 1) {
      return ILLEGAL;
    }
    int shift = format == 1 ? DOUBLE : 0;
    int rm = w >>> 12 & 7;
    int rd = w >>> 7 & 31;
    int rs1 = w >>> 15 & 31;
    int rs2 = w >>> 20 & 31;
    int op =
        switch (w & 0x7f) {
          case 0x43 -> FMADD;
          case 0x47 -> FMSUB;
          case 0x4b -> FNMSUB;
          case 0x4f -> FNMADD;
          default -> operation(w >>> 27, rm, rs2, format);
        };
    if (op == ILLEGAL) {
      return ILLEGAL;
    }
    if (toInteger(op) && rd == 0) {
      rd = Decoder.SINK;
    }
    return Decoder.record(op + shift, rd, rs1, rs2, w >>> 27 | rm << 5);
  }

  /** Whether the destination is an integer register; {@code op} is the one of single precision. */
  private static boolean toInteger(int op) {
    return op >= FLE && op <= FCLASS || op >= FCVT_INT && op < FCVT_FROM || op == FMV_X;
  }

  private static int operation(int funct5, int rm, int rs2, int format) {
    return switch (funct5) {
      case 0x00 -> FADD;
      case 0x01 -> FSUB;
      case 0x02 -> FMUL;
      case 0x03 -> FDIV;
      case 0x0b -> rs2 == 0 ? FSQRT : ILLEGAL;
      case 0x04 -> rm <= 2 ? FSGNJ + rm : ILLEGAL;
      case 0x05 -> rm <= 1 ? FMIN + rm : ILLEGAL;
      case 0x08 -> rs2 == 1 - format ? FCVT_FLOAT : ILLEGAL;
      case 0x14 -> rm <= 2 ? FLE + rm : ILLEGAL;
      case 0x18 -> rs2 <= 3 ? FCVT_INT + rs2 : ILLEGAL;
      case 0x1a -> rs2 <= 3 ? FCVT_FROM + rs2 : ILLEGAL;
      case 0x1c -> rs2 != 0 ? ILLEGAL : rm == 0 ? FMV_X : rm == 1 ? FCLASS : ILLEGAL;
      case 0x1e -> rs2 == 0 && rm == 0 ? FMV_F : ILLEGAL;
      default -> ILLEGAL;
    };
  }
}
