package duality.root;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.LongStream;

/**
 * Runs of free frames: first fit, neighbours joined when a run comes back (Knuth, The Art of
 * Computer Programming, vol. 1, §2.5). Not thread-safe.
 */
final class FreeFrames {
  private final TreeMap<Long, Long> runs = new TreeMap<>();
  private long free;

  FreeFrames(long total) {
    if (total > 0) {
      runs.put(0L, total);
    }
    free = total;
  }

  long free() {
    return free;
  }

  /** Takes the first run that is long enough; answers its first frame, or -1. */
  long take(long count) {
    for (Map.Entry<Long, Long> run : runs.entrySet()) {
      if (run.getValue() >= count) {
        long first = run.getKey();
        take(first, count);
        return first;
      }
    }
    return -1;
  }

  /** Takes these frames; says whether they were free. */
  boolean take(long first, long count) {
    Map.Entry<Long, Long> run = runs.floorEntry(first);
    if (run == null || run.getKey() + run.getValue() < first + count) {
      return false;
    }
    long start = run.getKey();
    long end = start + run.getValue();
    runs.remove(start);
    if (start < first) {
      runs.put(start, first - start);
    }
    if (first + count < end) {
      runs.put(first + count, end - first - count);
    }
    free -= count;
    return true;
  }

  /** As {@link #take(long, long)}, of numbers that may be any. */
  boolean takes(long first, long count) {
    return first >= 0
        && count >= 1
        && count <= free
        && first <= Long.MAX_VALUE - count
        && take(first, count);
  }

  /** Puts a run back and joins it with its neighbours. */
  void give(long first, long count) {
    long start = first;
    long length = count;
    Map.Entry<Long, Long> before = runs.floorEntry(first);
    if (before != null && before.getKey() + before.getValue() == first) {
      start = before.getKey();
      length += before.getValue();
    }
    Long after = runs.remove(first + count);
    if (after != null) {
      length += after;
    }
    runs.put(start, length);
    free += count;
  }

  /** First frame and length of each run. */
  long[] flat() {
    return runs.entrySet().stream()
        .flatMapToLong(run -> LongStream.of(run.getKey(), run.getValue()))
        .toArray();
  }

  /** The longest run, for error messages. */
  long longest() {
    return runs.values().stream().mapToLong(Long::longValue).max().orElse(0);
  }
}
