package duality.soak;

import java.util.concurrent.TimeUnit;

/**
 * Work that takes as long as an ordinary pause and calls nobody: what is longer about one of its
 * runs than about another is the host's and the collector's doing, and so is that much of a pause.
 */
final class Control {
  /** About what half of all pauses take. */
  static final long NANOS = TimeUnit.MICROSECONDS.toNanos(400);

  private static final int TRIES = 200;
  private static final int GUESS = 100_000;

  private final int steps;
  private long state = 1;

  Control() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < TRIES; i++) {
      least = Math.min(least, run(GUESS));
    }
    steps = (int) Math.max(1, GUESS * NANOS / Math.max(1, least));
  }

  /** Does the work once; answers how long it took, in nanoseconds. */
  long run() {
    return run(steps);
  }

  private long run(int count) {
    long before = System.nanoTime();
    long x = state;
    for (int i = 0; i < count; i++) {
      x ^= x << 13; // Marsaglia, "Xorshift RNGs", 2003: each step needs the one before
      x ^= x >>> 7;
      x ^= x << 17;
    }
    state = x;
    return System.nanoTime() - before;
  }
}
