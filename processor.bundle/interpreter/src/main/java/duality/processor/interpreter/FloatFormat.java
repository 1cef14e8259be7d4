package duality.processor.interpreter;

/**
 * Binary interchange formats (IEEE 754-2008 §3.4), their numbers as bits in the low end of a {@code
 * long}.
 */
enum FloatFormat {
  SINGLE(32, 24),
  DOUBLE(64, 53);

  /** Digits of the significand, with the one that is not stored. */
  final int precision;

  /** Exponent of the smallest normal number. */
  final int minExponent;

  /** Exponent of the largest number. */
  final int maxExponent;

  /** The only NaN that RISC-V operations make. */
  final long canonicalNan;

  private final int signShift;
  private final int fractionBits;
  private final long fractionMask;
  private final int exponentMask;

  FloatFormat(int width, int precision) {
    this.precision = precision;
    signShift = width - 1;
    fractionBits = precision - 1;
    fractionMask = (1L << fractionBits) - 1;
    exponentMask = (1 << width - precision) - 1;
    maxExponent = exponentMask >>> 1;
    minExponent = 1 - maxExponent;
    canonicalNan = (long) exponentMask << fractionBits | 1L << fractionBits - 1;
  }

  boolean negative(long bits) {
    return (bits >>> signShift & 1) != 0;
  }

  private int exponentField(long bits) {
    return (int) (bits >>> fractionBits) & exponentMask;
  }

  boolean isNan(long bits) {
    return exponentField(bits) == exponentMask && (bits & fractionMask) != 0;
  }

  boolean isSignaling(long bits) {
    return isNan(bits) && (bits >>> fractionBits - 1 & 1) == 0;
  }

  boolean isInfinite(long bits) {
    return exponentField(bits) == exponentMask && (bits & fractionMask) == 0;
  }

  boolean isZero(long bits) {
    return (bits & ~(1L << signShift) & mask()) == 0;
  }

  boolean isSubnormal(long bits) {
    return exponentField(bits) == 0 && (bits & fractionMask) != 0;
  }

  private long mask() {
    return -1L >>> 63 - signShift;
  }

  long negate(long bits) {
    return bits ^ 1L << signShift;
  }

  long zero(boolean negative) {
    return negative ? 1L << signShift : 0;
  }

  long infinity(boolean negative) {
    return zero(negative) | (long) exponentMask << fractionBits;
  }

  long largest(boolean negative) {
    return infinity(negative) - 1;
  }

  /** Exponent of a finite number that is not zero: it is significand · 2^(exponent − 63). */
  int exponent(long bits) {
    int field = exponentField(bits);
    return field != 0
        ? field - maxExponent
        : minExponent - (Long.numberOfLeadingZeros(bits & fractionMask) - (63 - fractionBits));
  }

  /** Significand of a finite number that is not zero, unsigned with bit 63 set. */
  long significand(long bits) {
    long fraction = bits & fractionMask;
    return exponentField(bits) != 0
        ? (fraction | 1L << fractionBits) << 63 - fractionBits
        : fraction << Long.numberOfLeadingZeros(fraction);
  }

  /**
   * Puts a number together.
   *
   * @param exponent of a normal number, or {@link #minExponent} with a smaller significand
   * @param significand with bit {@code precision - 1} set for a normal number
   */
  long pack(boolean negative, int exponent, long significand) {
    // The leading digit, where there is one, carries into the exponent field.
    return zero(negative) + ((long) (exponent - minExponent) << fractionBits) + significand;
  }

  /** Order of two numbers that are no NaN; zeros of both signs are the same: -1, 0 or 1. */
  int compare(long a, long b) {
    return Long.compare(ordered(a), ordered(b));
  }

  private long ordered(long bits) {
    long magnitude = bits & mask() & ~(1L << signShift);
    return negative(bits) ? -magnitude : magnitude;
  }
}
