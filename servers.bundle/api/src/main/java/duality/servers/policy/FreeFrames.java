package duality.servers.policy;

import java.util.Arrays;
import java.util.BitSet;

/**
 * Frames from which runs are taken, 64 at a step: a restore looks at each frame of a machine while
 * its guest waits.
 */
final class FreeFrames {
  private static final int WORD = Long.SIZE;

  private final long[] words;

  /** All of these are free. */
  FreeFrames(BitSet frames) {
    words = Arrays.copyOf(frames.toLongArray(), frames.length() / WORD + 2);
  }

  /**
   * Takes a run; false, with some of it taken, when one of them is not free.
   *
   * @param first within the frames, as its end is
   */
  boolean take(int first, int count) {
    int end = first + count;
    for (int at = first; at < end; ) {
      int word = at / WORD;
      int stop = Math.min(end, (word + 1) * WORD);
      long mask = -1L >>> WORD - (stop - at) << at % WORD;
      if ((words[word] & mask) != mask) {
        return false;
      }
      words[word] &= ~mask;
      at = stop;
    }
    return true;
  }

  /** Those that are still free. */
  BitSet rest() {
    return BitSet.valueOf(words);
  }
}
