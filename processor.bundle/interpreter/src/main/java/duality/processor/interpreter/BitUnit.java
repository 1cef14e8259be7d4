package duality.processor.interpreter;

/**
 * The bit manipulation of Zba, Zbb, Zbc and Zbs, and the conditional zero of Zicond (RISC-V Unpriv.
 * "B" and "Zicond"). Forms with an immediate have it where others have the register's number.
 */
final class BitUnit {
  private BitUnit() {}

  /** Executes the record on registers {@code x}; nothing here can trap. */
  static void execute(long record, long[] x) {
    int op = Decoder.op(record);
    long a = x[Decoder.rs1(record)];
    int second = Decoder.rs2(record);
    long b = op >= Ops.WITH_IMMEDIATE ? second : x[second];
    x[Decoder.rd(record)] = result(op, a, b);
  }

  private static long result(int op, long a, long b) {
    return switch (op) {
      case Ops.ADD_UW -> b + (a & 0xffffffffL);
      case Ops.SH1ADD -> b + (a << 1);
      case Ops.SH2ADD -> b + (a << 2);
      case Ops.SH3ADD -> b + (a << 3);
      case Ops.SH1ADD_UW -> b + ((a & 0xffffffffL) << 1);
      case Ops.SH2ADD_UW -> b + ((a & 0xffffffffL) << 2);
      case Ops.SH3ADD_UW -> b + ((a & 0xffffffffL) << 3);
      case Ops.SLLI_UW -> (a & 0xffffffffL) << b;
      case Ops.ANDN -> a & ~b;
      case Ops.ORN -> a | ~b;
      case Ops.XNOR -> ~(a ^ b);
      case Ops.MAX -> Math.max(a, b);
      case Ops.MAXU -> Long.compareUnsigned(a, b) > 0 ? a : b;
      case Ops.MIN -> Math.min(a, b);
      case Ops.MINU -> Long.compareUnsigned(a, b) < 0 ? a : b;
      case Ops.CLZ -> Long.numberOfLeadingZeros(a);
      case Ops.CTZ -> Long.numberOfTrailingZeros(a);
      case Ops.CPOP -> Long.bitCount(a);
      case Ops.CLZW -> Integer.numberOfLeadingZeros((int) a);
      case Ops.CTZW -> Integer.numberOfTrailingZeros((int) a);
      case Ops.CPOPW -> Integer.bitCount((int) a);
      case Ops.SEXT_B -> (byte) a;
      case Ops.SEXT_H -> (short) a;
      case Ops.ZEXT_H -> a & 0xffff;
      case Ops.ROL -> Long.rotateLeft(a, (int) b);
      case Ops.ROR, Ops.RORI -> Long.rotateRight(a, (int) b);
      case Ops.ROLW -> Integer.rotateLeft((int) a, (int) b);
      case Ops.RORW, Ops.RORIW -> Integer.rotateRight((int) a, (int) b);
      case Ops.ORC_B -> combined(a);
      case Ops.REV8 -> Long.reverseBytes(a);
      case Ops.BCLR, Ops.BCLRI -> a & ~(1L << b);
      case Ops.BEXT, Ops.BEXTI -> a >>> b & 1;
      case Ops.BINV, Ops.BINVI -> a ^ 1L << b;
      case Ops.BSET, Ops.BSETI -> a | 1L << b;
      case Ops.CLMUL -> multiply(a, b);
      case Ops.CLMULH -> multiplyHigh(a, b);
      case Ops.CLMULR -> Long.reverse(multiply(Long.reverse(a), Long.reverse(b)));
      case Ops.CZERO_EQZ -> b == 0 ? 0 : a;
      case Ops.CZERO_NEZ -> b != 0 ? 0 : a;
      default -> throw new IllegalStateException("operation " + op + " is none on bits");
    };
  }

  /** All bits of each byte that has any. */
  private static long combined(long a) {
    long low = 0x7f7f7f7f7f7f7f7fL;
    long any = ((a & low) + low | a) & ~low;
    return (any >>> 7) * 0xff;
  }

  /** The low half of the product without carries. */
  private static long multiply(long a, long b) {
    long product = 0;
    for (long rest = b; rest != 0; rest &= rest - 1) {
      product ^= a << Long.numberOfTrailingZeros(rest);
    }
    return product;
  }

  /** The high half: that of mirrored factors is the mirrored low half, but for one place. */
  private static long multiplyHigh(long a, long b) {
    return Long.reverse(multiply(Long.reverse(a), Long.reverse(b))) >>> 1;
  }
}
