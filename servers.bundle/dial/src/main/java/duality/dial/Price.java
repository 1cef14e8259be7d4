package duality.dial;

import java.util.concurrent.atomic.LongAdder;

/** What a call to one endpoint costs, as it is now; shared by all instances in front of it. */
final class Price {
  volatile long nanos;
  volatile boolean handOff;
  final LongAdder calls = new LongAdder();

  /** Spends the time. */
  void pay() {
    calls.increment();
    long cost = nanos;
    if (cost > 0) {
      long end = System.nanoTime() + cost;
      while (System.nanoTime() - end < 0) {
        Thread.onSpinWait();
      }
    }
  }
}
