package duality.drivers.virtio;

import java.util.Arrays;

/**
 * The chains of a queue that were taken and not given back, in the order in which they were taken:
 * a list through arrays, by head. Not thread-safe; allocates only when a queue is set up.
 */
final class Outstanding {
  private static final int NONE = -1;

  private int[] next = {0};
  private int[] previous = {0};
  private int[] position = {};
  private int count;

  /** Begins anew, empty, for heads below {@code size}. */
  void clear(int size) {
    // The last entry stands for both ends of the list.
    next = new int[size + 1];
    previous = new int[size + 1];
    position = new int[size];
    Arrays.fill(next, NONE);
    next[size] = size;
    previous[size] = size;
    count = 0;
  }

  int count() {
    return count;
  }

  boolean has(int head) {
    return head < position.length && next[head] != NONE;
  }

  /** The chain that was taken first, or -1. */
  int oldest() {
    return count == 0 ? NONE : next[position.length];
  }

  /** Where in the available ring it was, 0 to 65,535; -1 when that is not known. */
  int position(int head) {
    return position[head];
  }

  void add(int head, int where) {
    int end = position.length;
    position[head] = where;
    previous[head] = previous[end];
    next[head] = end;
    next[previous[end]] = head;
    previous[end] = head;
    count++;
  }

  void remove(int head) {
    next[previous[head]] = next[head];
    previous[next[head]] = previous[head];
    next[head] = NONE;
    count--;
  }

  /** All of them in order, see {@link Entry}. */
  long[] entries() {
    long[] all = new long[count];
    int head = oldest();
    for (int i = 0; i < count; i++) {
      all[i] = Entry.of(position[head], head);
      head = next[head];
    }
    return all;
  }

  /** A chain and its place in the available ring, in one number. */
  static final class Entry {
    private static final int UNKNOWN = 0x1_0000;

    private Entry() {}

    static long of(int position, int head) {
      return (long) (position < 0 ? UNKNOWN : position) << 16 | head;
    }

    static int head(long entry) {
      return (int) entry & 0xffff;
    }

    /** 0 to 65,535, or -1. */
    static int position(long entry) {
      return entry >>> 16 == UNKNOWN ? NONE : (int) (entry >>> 16);
    }

    static boolean valid(long entry, int size) {
      return entry >>> 16 >= 0 && entry >>> 16 <= UNKNOWN && head(entry) < size;
    }
  }
}
