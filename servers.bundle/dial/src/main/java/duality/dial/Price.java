package duality.dial;

import java.util.concurrent.atomic.LongAdder;

/** What a call to one endpoint costs, as it is now; shared by all instances in front of it. */
final class Price {
  /**
   * Between two looks at the clock that lie further apart the thread had no processor: the rest of
   * the time was another's, and is not paid with. Without that a call on a busy host would cost
   * whatever others take.
   */
  static final long LONGEST_STEP_NANOS = 2_000;

  volatile long nanos;
  volatile boolean handOff;
  final LongAdder calls = new LongAdder();

  /** Spends the time, on a processor. */
  void pay() {
    calls.increment();
    long left = nanos;
    if (left > 0) {
      long last = System.nanoTime();
      while (left > 0) {
        Thread.onSpinWait();
        long now = System.nanoTime();
        left -= step(now - last);
        last = now;
      }
    }
  }

  /** What of the time between two looks was spent here. */
  static long step(long nanos) {
    return Math.min(nanos, LONGEST_STEP_NANOS);
  }
}
