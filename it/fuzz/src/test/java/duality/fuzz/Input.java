package duality.fuzz;

/** Takes an input apart; behind its end everything is zero. */
final class Input {
  private static final long[] ODD = {
    0,
    1,
    -1,
    2,
    3,
    7,
    8,
    0xff,
    0x100,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000L,
    0xffff_ffffL,
    Long.MIN_VALUE,
    Long.MAX_VALUE,
    0x8000_0000L,
    0x8010_0000L,
    0x7fff_fff8L,
    0x8040_0000L,
    0x8000_0ff8L,
    4095,
    4096,
    512,
    1L << 56,
    -4096
  };

  private final byte[] bytes;
  private int at;

  Input(byte[] bytes) {
    this.bytes = bytes;
  }

  boolean hasMore() {
    return at < bytes.length;
  }

  int next() {
    return at < bytes.length ? bytes[at++] & 0xff : 0;
  }

  int next(int bound) {
    return next() % bound;
  }

  long number(int count) {
    long value = 0;
    for (int i = 0; i < count; i++) {
      value |= (long) next() << 8 * i;
    }
    return value;
  }

  /** A number of any size, or one that is often wrong. */
  long value() {
    int how = next();
    return switch (how >> 6) {
      case 0 -> ODD[how % ODD.length];
      case 1 -> how & 63;
      case 2 -> number(1 + (how & 7));
      default -> RING + 8 * number(1 + (how & 1)); // in or near the place of rings
    };
  }

  /** Guest-physical address where targets put rings and tables. */
  static final long RING = 0x8010_0000L;
}
