package duality.processor.interpreter;

import java.util.random.RandomGenerator;

/** Register contents that find mistakes more often than plain random numbers do. */
final class SpecialValues {
  private static final long[] INTEGERS = {
    0,
    1,
    -1,
    2,
    Long.MIN_VALUE,
    Long.MAX_VALUE,
    Integer.MIN_VALUE,
    Integer.MAX_VALUE,
    0xffffffffL,
    0x80000000L,
    63,
    64,
    31,
    32,
    -2,
    Long.MIN_VALUE + 1
  };

  private SpecialValues() {}

  static long any(RandomGenerator random) {
    return random.nextBoolean() ? integer(random) : floating(random);
  }

  static long integer(RandomGenerator random) {
    return switch (random.nextInt(5)) {
      case 0 -> INTEGERS[random.nextInt(INTEGERS.length)];
      case 1 -> random.nextLong() >> random.nextInt(64);
      case 2 -> 1L << random.nextInt(64);
      case 3 -> random.nextInt();
      default -> random.nextLong();
    };
  }

  static long floating(RandomGenerator random) {
    if (random.nextInt(20) == 0) {
      return random.nextLong();
    }
    if (random.nextBoolean()) {
      return number(random, 11, 52);
    }
    return number(random, 8, 23) | 0xffffffff00000000L;
  }

  /**
   * A number of a format: exponents at the ends and in the middle, fractions of few or many digits.
   */
  private static long number(RandomGenerator random, int exponentBits, int fractionBits) {
    int most = (1 << exponentBits) - 1;
    int bias = most >>> 1;
    long exponent =
        switch (random.nextInt(8)) {
          case 0 -> 0;
          case 1 -> most;
          case 2 -> 1 + random.nextInt(3);
          case 3 -> most - 1 - random.nextInt(3);
          case 4 -> random.nextInt(most + 1);
          case 5 -> bias / 2 + random.nextInt(4);
          default -> bias + random.nextInt(-70, 70);
        };
    long mask = (1L << fractionBits) - 1;
    long fraction =
        switch (random.nextInt(6)) {
          case 0 -> 0;
          case 1 -> mask;
          case 2 -> 1L << random.nextInt(fractionBits);
          case 3 -> mask & -1L << random.nextInt(fractionBits);
          case 4 -> mask & (1L << random.nextInt(fractionBits)) - 1;
          default -> random.nextLong() & mask;
        };
    long sign = random.nextBoolean() ? 1L << exponentBits + fractionBits : 0;
    return sign | (exponent & most) << fractionBits | fraction;
  }
}
