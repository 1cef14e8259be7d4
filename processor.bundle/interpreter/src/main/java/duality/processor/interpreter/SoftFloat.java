package duality.processor.interpreter;

/**
 * Arithmetic as IEEE 754-2008 and the F and D extensions define it, by integers: every rounding
 * mode, every flag, canonical NaNs, tininess after rounding. {@link FloatUnit} comes here when the
 * host's arithmetic does not tell enough.
 *
 * <p>Finite numbers are taken apart into sign, exponent and a 64-bit significand with bit 63 set.
 * Digits that are shifted out are or-ed into the last bit ("jamming"): it is below the rounding
 * position, so that it only says "not exact".
 */
final class SoftFloat {
  static final int NX = 1;
  static final int UF = 2;
  static final int OF = 4;
  static final int DZ = 8;
  static final int NV = 16;

  static final int RNE = 0;
  static final int RTZ = 1;
  static final int RDN = 2;
  static final int RUP = 3;
  static final int RMM = 4;

  /** Exceptions raised since somebody cleared it. */
  int flags;

  /** Whether the last {@link #roundedAt} was not exact. */
  private boolean inexact;

  long add(FloatFormat t, long a, long b, int rm) {
    if (t.isNan(a) || t.isNan(b)) {
      return nan(t, a, b);
    }
    boolean sa = t.negative(a);
    boolean sb = t.negative(b);
    if (t.isInfinite(a)) {
      return t.isInfinite(b) && sa != sb ? invalid(t) : a;
    }
    if (t.isInfinite(b)) {
      return b;
    }
    if (t.isZero(a)) {
      return t.isZero(b) ? t.zero(sa == sb ? sa : rm == RDN) : b;
    }
    if (t.isZero(b)) {
      return a;
    }
    int ea = t.exponent(a);
    int eb = t.exponent(b);
    // One bit of room for the carry; formats leave at least ten below for guarding.
    long ma = t.significand(a) >>> 1;
    long mb = t.significand(b) >>> 1;
    int e = Math.max(ea, eb);
    ma = jam(ma, e - ea);
    mb = jam(mb, e - eb);
    if (sa == sb) {
      return normalized(t, sa, e + 1, ma + mb, rm);
    }
    if (ma == mb) {
      return t.zero(rm == RDN);
    }
    return ma > mb ? normalized(t, sa, e + 1, ma - mb, rm) : normalized(t, sb, e + 1, mb - ma, rm);
  }

  long multiply(FloatFormat t, long a, long b, int rm) {
    if (t.isNan(a) || t.isNan(b)) {
      return nan(t, a, b);
    }
    boolean negative = t.negative(a) != t.negative(b);
    if (t.isInfinite(a) || t.isInfinite(b)) {
      return t.isZero(a) || t.isZero(b) ? invalid(t) : t.infinity(negative);
    }
    if (t.isZero(a) || t.isZero(b)) {
      return t.zero(negative);
    }
    long ma = t.significand(a);
    long mb = t.significand(b);
    long high = Math.unsignedMultiplyHigh(ma, mb) | (ma * mb != 0 ? 1 : 0);
    return normalized(t, negative, t.exponent(a) + t.exponent(b) + 1, high, rm);
  }

  long divide(FloatFormat t, long a, long b, int rm) {
    if (t.isNan(a) || t.isNan(b)) {
      return nan(t, a, b);
    }
    boolean negative = t.negative(a) != t.negative(b);
    if (t.isInfinite(a)) {
      return t.isInfinite(b) ? invalid(t) : t.infinity(negative);
    }
    if (t.isInfinite(b)) {
      return t.zero(negative);
    }
    if (t.isZero(b)) {
      if (t.isZero(a)) {
        return invalid(t);
      }
      flags |= DZ;
      return t.infinity(negative);
    }
    if (t.isZero(a)) {
      return t.zero(negative);
    }
    // 53 digits each; the quotient is found ten digits at a time, the remainder stays below 2^53.
    long rest = t.significand(a) >>> 11;
    long divisor = t.significand(b) >>> 11;
    long quotient = rest / divisor;
    rest %= divisor;
    for (int step = 0; step < 6; step++) {
      rest <<= 10;
      quotient = quotient << 10 | rest / divisor;
      rest %= divisor;
    }
    quotient = quotient << 1 | (rest != 0 ? 1 : 0);
    return normalized(t, negative, t.exponent(a) - t.exponent(b) + 2, quotient, rm);
  }

  long squareRoot(FloatFormat t, long a, int rm) {
    if (t.isNan(a)) {
      return nan(t, a, a);
    }
    if (t.isZero(a)) {
      return a;
    }
    if (t.negative(a)) {
      return invalid(t);
    }
    if (t.isInfinite(a)) {
      return a;
    }
    int e = t.exponent(a);
    long digits = t.significand(a) >>> ((e & 1) == 0 ? 1 : 0);
    // Digit by digit: root² + rest is what has been brought down of the radicand so far.
    long root = 0;
    long rest = 0;
    for (int step = 0; step < 58; step++) {
      rest = rest << 2 | digits >>> 62;
      digits <<= 2;
      long trial = root << 2 | 1;
      root <<= 1;
      if (rest >= trial) {
        rest -= trial;
        root |= 1;
      }
    }
    return normalized(t, false, (e >> 1) + 6, root | (rest != 0 ? 1 : 0), rm);
  }

  /** a · b + c, rounded once. */
  long fusedMultiplyAdd(FloatFormat t, long a, long b, long c, int rm) {
    boolean invalidProduct = t.isInfinite(a) && t.isZero(b) || t.isZero(a) && t.isInfinite(b);
    if (t.isNan(a) || t.isNan(b) || t.isNan(c)) {
      if (invalidProduct || t.isSignaling(c)) {
        flags |= NV;
      }
      return nan(t, a, b);
    }
    if (invalidProduct) {
      return invalid(t);
    }
    boolean sp = t.negative(a) != t.negative(b);
    boolean sc = t.negative(c);
    if (t.isInfinite(a) || t.isInfinite(b)) {
      return t.isInfinite(c) && sc != sp ? invalid(t) : t.infinity(sp);
    }
    if (t.isInfinite(c)) {
      return c;
    }
    if (t.isZero(a) || t.isZero(b)) {
      return t.isZero(c) ? t.zero(sp == sc ? sp : rm == RDN) : c;
    }
    if (t.isZero(c)) {
      return multiply(t, a, b, rm);
    }
    return fused(t, a, b, c, rm);
  }

  private long fused(FloatFormat t, long a, long b, long c, int rm) {
    boolean sp = t.negative(a) != t.negative(b);
    boolean sc = t.negative(c);
    long ma = t.significand(a);
    long mb = t.significand(b);
    // Both as 128 bits with room for the carry: exponents are those of bit 126 of the high end.
    long ph = Math.unsignedMultiplyHigh(ma, mb);
    long pl = ma * mb;
    int ep = t.exponent(a) + t.exponent(b) + 1;
    pl = pl >>> 1 | ph << 63; // the product's last bits are zeros
    ph >>>= 1;
    long ch = t.significand(c) >>> 1;
    long cl = 0;
    int ec = t.exponent(c);
    int e = Math.max(ep, ec);
    if (ep < e) {
      long low = jamLow(ph, pl, e - ep);
      ph = e - ep < 64 ? ph >>> e - ep : 0;
      pl = low;
    } else if (ec < e) {
      long low = jamLow(ch, cl, e - ec);
      ch = e - ec < 64 ? ch >>> e - ec : 0;
      cl = low;
    }
    if (sp == sc) {
      long low = pl + cl;
      long high = ph + ch + (Long.compareUnsigned(low, pl) < 0 ? 1 : 0);
      return normalized128(t, sp, e + 1, high, low, rm);
    }
    boolean productLarger = ph != ch ? ph > ch : Long.compareUnsigned(pl, cl) > 0;
    if (!productLarger && ph == ch && pl == cl) {
      return t.zero(rm == RDN);
    }
    long low = productLarger ? pl - cl : cl - pl;
    boolean borrow = Long.compareUnsigned(productLarger ? pl : cl, productLarger ? cl : pl) < 0;
    long high = (productLarger ? ph - ch : ch - ph) - (borrow ? 1 : 0);
    return normalized128(t, productLarger ? sp : sc, e + 1, high, low, rm);
  }

  /** The low half of 128 bits shifted right by {@code by} &gt; 0, jammed. */
  private static long jamLow(long high, long low, int by) {
    if (by >= 128) {
      return 1;
    }
    if (by >= 64) {
      int more = by - 64;
      boolean lost = low != 0 || more != 0 && high << 64 - more != 0;
      return high >>> more | (lost ? 1 : 0);
    }
    return low >>> by | high << 64 - by | (low << 64 - by != 0 ? 1 : 0);
  }

  private long normalized128(FloatFormat t, boolean negative, int e, long high, long low, int rm) {
    if (high == 0) {
      return normalized(t, negative, e - 64, low, rm);
    }
    int by = Long.numberOfLeadingZeros(high);
    long top = by == 0 ? high : high << by | low >>> 64 - by;
    return round(t, negative, e - by, top | (low << by != 0 ? 1 : 0), rm);
  }

  private static long jam(long value, int by) {
    if (by == 0) {
      return value;
    }
    return by > 63 ? 1 : value >>> by | (value << 64 - by != 0 ? 1 : 0);
  }

  /** Rounds {@code significand} · 2^(e − 63), whose leading digit may be anywhere. */
  long normalized(FloatFormat t, boolean negative, int e, long significand, int rm) {
    int by = Long.numberOfLeadingZeros(significand);
    return round(t, negative, e - by, significand << by, rm);
  }

  private long round(FloatFormat t, boolean negative, int e, long significand, int rm) {
    int shift = 64 - t.precision;
    if (e < t.minExponent) {
      return roundTiny(t, negative, e, significand, rm);
    }
    long digits = roundedAt(significand, shift, negative, rm);
    if (digits >>> t.precision != 0) {
      digits >>>= 1;
      e++;
    }
    if (e > t.maxExponent) {
      flags |= OF | NX;
      boolean away = rm == RNE || rm == RMM || rm == (negative ? RDN : RUP);
      return away ? t.infinity(negative) : t.largest(negative);
    }
    if (inexact) {
      flags |= NX;
    }
    return t.pack(negative, e, digits);
  }

  private long roundTiny(FloatFormat t, boolean negative, int e, long significand, int rm) {
    int shift = 64 - t.precision;
    // "Tininess after rounding": not tiny when rounding to full precision would reach the smallest
    // normal.
    boolean tiny =
        e < t.minExponent - 1 || roundedAt(significand, shift, negative, rm) >>> t.precision == 0;
    long digits = roundedAt(significand, shift + t.minExponent - e, negative, rm);
    if (inexact) {
      flags |= tiny ? UF | NX : NX;
    }
    return t.pack(negative, t.minExponent, digits);
  }

  /**
   * {@code value} / 2^shift, rounded; {@code value} is unsigned, shift at least 1. Sets {@link
   * #inexact}.
   */
  long roundedAt(long value, int shift, boolean negative, int rm) {
    long whole = shift < 64 ? value >>> shift : 0;
    // What is left, as a fraction of 2^64.
    long rest = shift <= 64 ? value << 64 - shift : jam(value, shift - 64);
    inexact = rest != 0;
    boolean up =
        switch (rm) {
          case RNE -> rest < 0 && (rest != Long.MIN_VALUE || (whole & 1) != 0);
          case RDN -> negative && inexact;
          case RUP -> !negative && inexact;
          case RMM -> rest < 0;
          default -> false;
        };
    return up ? whole + 1 : whole;
  }

  boolean wasInexact() {
    return inexact;
  }

  private long nan(FloatFormat t, long a, long b) {
    if (t.isSignaling(a) || t.isSignaling(b)) {
      flags |= NV;
    }
    return t.canonicalNan;
  }

  long invalid(FloatFormat t) {
    flags |= NV;
    return t.canonicalNan;
  }
}
