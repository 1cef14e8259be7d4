package duality.soak;

import java.util.Arrays;

/** The swaps of one kind: how they ended, and what they cost in microseconds. Not thread-safe. */
final class Pauses {
  private final Samples pause = new Samples();
  private final Samples undisturbed = new Samples();
  private final Samples drain = new Samples();
  private final Samples probe = new Samples();
  private long kept;
  private long failed;

  /** A swap that was done; it is set aside when a fifth of its pause is the host's. */
  void done(long pauseMicros, long drainMicros, long takenNanos) {
    pause.add(pauseMicros);
    drain.add(drainMicros);
    if (takenNanos / 1_000 * 5 < pauseMicros || takenNanos == 0) {
      undisturbed.add(pauseMicros);
    }
  }

  /** The old server serves on. */
  void kept() {
    kept++;
  }

  /** It ended in an error. */
  void failed() {
    failed++;
  }

  /** The longest that a caller waited while it was swapped. */
  void probed(long micros) {
    probe.add(micros);
  }

  /** What came out. */
  Outcome.Row row(Kind kind) {
    return new Outcome.Row(
        kind.name(),
        pause.count,
        kept,
        failed,
        pause.count - undisturbed.count,
        undisturbed.at(50),
        undisturbed.at(99),
        undisturbed.at(100),
        pause.at(99),
        pause.at(100),
        drain.at(50),
        drain.at(99),
        probe.at(99),
        kind.limitMicros());
  }

  private static final class Samples {
    private long[] micros = new long[256];
    private int count;

    void add(long value) {
      if (count == micros.length) {
        micros = Arrays.copyOf(micros, 2 * count);
      }
      micros[count++] = value;
    }

    /** The smallest value that so many percent do not exceed; 0 without values. */
    long at(int percent) {
      if (count == 0) {
        return 0;
      }
      long[] sorted = Arrays.copyOf(micros, count);
      Arrays.sort(sorted);
      return sorted[Math.max(0, Math.ceilDiv(count * percent, 100) - 1)];
    }
  }
}
