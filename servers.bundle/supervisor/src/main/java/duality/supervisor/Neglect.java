package duality.supervisor;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Finds endpoints that stay down while nobody is at work on them. */
final class Neglect {
  private static final long LONG_NANOS = TimeUnit.MILLISECONDS.toNanos(1_500);

  /** On a host that stops, looks are late too: so these are counted as well. */
  private static final int LEAST_LOOKS = 3;

  private static final class Down {
    private long sinceNanos;
    private boolean again;
    private int looks;

    Down(long now) {
      sinceNanos = now;
    }
  }

  private final LongSupplier nanos;

  /** Guarded by this. */
  private final Map<String, Down> all = new HashMap<>();

  /** With the host's monotonic clock, or another. */
  Neglect(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /**
   * Looks once.
   *
   * @param down paths that are down now, with nobody at them
   * @param again told of those that are down for long, once
   * @throws IllegalStateException when that did not help either
   */
  synchronized void look(Collection<String> down, Consumer<String> again) {
    long now = nanos.getAsLong();
    all.keySet().retainAll(down);
    for (String path : down) {
      Down known = all.get(path);
      if (known == null) {
        all.put(path, new Down(now));
      } else if (++known.looks >= LEAST_LOOKS && now - known.sinceNanos > LONG_NANOS) {
        if (known.again) {
          throw new IllegalStateException(path + " is down, and nobody mends it");
        }
        known.again = true;
        known.sinceNanos = now;
        known.looks = 0;
        again.accept(path);
      }
    }
  }
}
