package duality.processor.interpreter;

/**
 * Conversions, comparisons and classification of the F and D extensions. Flags go to the {@link
 * SoftFloat}.
 */
final class FloatConversions {
  private final SoftFloat soft;

  FloatConversions(SoftFloat soft) {
    this.soft = soft;
  }

  /**
   * To an integer, saturating; NaN is the largest.
   *
   * @param kind 0 W, 1 WU, 2 L, 3 LU; 32-bit results are sign-extended, unsigned ones too
   */
  long toInteger(FloatFormat t, long a, int kind, int rm) {
    boolean signed = (kind & 1) == 0;
    boolean wide = kind >= 2;
    long least = signed ? (wide ? Long.MIN_VALUE : Integer.MIN_VALUE) : 0;
    long most = signed ? (wide ? Long.MAX_VALUE : Integer.MAX_VALUE) : -1;
    if (t.isNan(a)) {
      soft.flags |= SoftFloat.NV;
      return most;
    }
    if (t.isZero(a)) {
      return 0;
    }
    boolean negative = t.negative(a);
    int e = t.isInfinite(a) ? 1024 : t.exponent(a);
    if (e > 63) {
      soft.flags |= SoftFloat.NV;
      return negative ? least : most;
    }
    boolean exact = e == 63;
    long magnitude =
        exact ? t.significand(a) : soft.roundedAt(t.significand(a), 63 - e, negative, rm);
    long limit = negative ? -least : wide || signed ? most : 0xffffffffL;
    if (Long.compareUnsigned(magnitude, limit) > 0) {
      soft.flags |= SoftFloat.NV;
      return negative ? least : most;
    }
    if (!exact && soft.wasInexact()) {
      soft.flags |= SoftFloat.NX;
    }
    long result = negative ? -magnitude : magnitude;
    return wide ? result : (int) result;
  }

  /** From an integer; kinds as in {@link #toInteger}. */
  long fromInteger(FloatFormat t, long value, int kind, int rm) {
    long a =
        switch (kind) {
          case 0 -> (int) value;
          case 1 -> value & 0xffffffffL;
          default -> value;
        };
    if (a == 0) {
      return 0;
    }
    boolean negative = kind != 3 && a < 0;
    return soft.normalized(t, negative, 63, negative ? -a : a, rm);
  }

  /** From one format to the other. */
  long convert(FloatFormat from, FloatFormat to, long a, int rm) {
    if (from.isNan(a)) {
      if (from.isSignaling(a)) {
        soft.flags |= SoftFloat.NV;
      }
      return to.canonicalNan;
    }
    boolean negative = from.negative(a);
    if (from.isInfinite(a)) {
      return to.infinity(negative);
    }
    if (from.isZero(a)) {
      return to.zero(negative);
    }
    return soft.normalized(to, negative, from.exponent(a), from.significand(a), rm);
  }

  /**
   * minimumNumber or maximumNumber of IEEE 754-2019: a NaN loses against a number, -0 is below +0.
   */
  long choose(FloatFormat t, long a, long b, boolean larger) {
    if (t.isSignaling(a) || t.isSignaling(b)) {
      soft.flags |= SoftFloat.NV;
    }
    if (t.isNan(a)) {
      return t.isNan(b) ? t.canonicalNan : b;
    }
    if (t.isNan(b)) {
      return a;
    }
    int order = t.compare(a, b);
    boolean less = order != 0 ? order < 0 : t.negative(a);
    return less != larger ? a : b;
  }

  boolean equal(FloatFormat t, long a, long b) {
    if (t.isNan(a) || t.isNan(b)) {
      if (t.isSignaling(a) || t.isSignaling(b)) {
        soft.flags |= SoftFloat.NV;
      }
      return false;
    }
    return t.compare(a, b) == 0;
  }

  boolean less(FloatFormat t, long a, long b, boolean orEqual) {
    if (t.isNan(a) || t.isNan(b)) {
      soft.flags |= SoftFloat.NV;
      return false;
    }
    int order = t.compare(a, b);
    return order < 0 || orEqual && order == 0;
  }

  /** The bit that {@code fclass} sets, from negative infinity (0) to quiet NaN (9). */
  static long classify(FloatFormat t, long a) {
    if (t.isNan(a)) {
      return t.isSignaling(a) ? 1 << 8 : 1 << 9;
    }
    int size = t.isInfinite(a) ? 0 : t.isZero(a) ? 3 : t.isSubnormal(a) ? 2 : 1;
    return t.negative(a) ? 1 << size : 1 << 7 - size;
  }
}
