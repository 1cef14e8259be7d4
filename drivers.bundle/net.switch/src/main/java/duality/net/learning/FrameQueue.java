package duality.net.learning;

import java.util.Arrays;

/**
 * Frames that wait for a card, first in, first out, in one ring of bytes: each has its length
 * before it. It grows with what waits, up to its limit, and never above. Not thread-safe.
 */
final class FrameQueue {
  private static final int LENGTH_BYTES = 4;
  private static final int AT_FIRST = 4096;

  private final int limit;
  private byte[] ring = {};
  private int start;
  private int used;
  private int frames;

  /** A queue of at most {@code limit} bytes, a power of two, lengths included. */
  FrameQueue(int limit) {
    this.limit = limit;
  }

  boolean isEmpty() {
    return frames == 0;
  }

  int frames() {
    return frames;
  }

  /** Bytes that wait, lengths included. */
  int bytes() {
    return used;
  }

  /** Appends a frame; false when there is no room for it. */
  boolean add(byte[] frame, int length) {
    int needed = LENGTH_BYTES + length;
    if (needed > limit - used) {
      return false;
    }
    if (needed > ring.length - used) {
      grow(used + needed);
    }
    for (int i = 0; i < LENGTH_BYTES; i++) {
      ring[at(used + i)] = (byte) (length >>> 8 * i);
    }
    int from = at(used + LENGTH_BYTES);
    int before = Math.min(length, ring.length - from);
    System.arraycopy(frame, 0, ring, from, before);
    System.arraycopy(frame, before, ring, 0, length - before);
    used += needed;
    frames++;
    return true;
  }

  /** Length of the first frame, 0 when there is none. */
  int firstLength() {
    if (frames == 0) {
      return 0;
    }
    int length = 0;
    for (int i = 0; i < LENGTH_BYTES; i++) {
      length |= (ring[at(i)] & 0xff) << 8 * i;
    }
    return length;
  }

  /** Copies {@code length} bytes of the first frame from its byte {@code skip} on. */
  void copyFirst(int skip, byte[] to, int length) {
    int from = at(LENGTH_BYTES + skip);
    int before = Math.min(length, ring.length - from);
    System.arraycopy(ring, from, to, 0, before);
    System.arraycopy(ring, 0, to, before, length - before);
  }

  /** Whether the first frame lies in what is used, and there is one exactly when bytes wait. */
  boolean isSound() {
    int length = firstLength();
    return frames == 0 ? used == 0 : length > 0 && LENGTH_BYTES + length <= used;
  }

  /** Takes the first frame away. */
  void removeFirst() {
    int gone = LENGTH_BYTES + firstLength();
    start = at(gone);
    used -= gone;
    frames--;
  }

  private int at(int offset) {
    return start + offset & ring.length - 1;
  }

  private void grow(int wanted) {
    byte[] all = content();
    int size = Math.max(AT_FIRST, ring.length);
    while (size < wanted) {
      size *= 2;
    }
    ring = Arrays.copyOf(all, size);
    start = 0;
  }

  /** All frames, each behind its length: four bytes, the lowest first. */
  byte[] content() {
    byte[] all = new byte[used];
    int before = Math.min(used, ring.length - start);
    System.arraycopy(ring, start, all, 0, before);
    System.arraycopy(ring, 0, all, before, used - before);
    return all;
  }

  /**
   * Becomes what {@link #content} said; false when it makes no sense, and then it is empty.
   *
   * @param longest length of the longest frame that there may be
   */
  boolean restore(byte[] content, int longest) {
    int at = 0;
    int count = 0;
    while (at <= content.length - LENGTH_BYTES) {
      int length = 0;
      for (int i = 0; i < LENGTH_BYTES; i++) {
        length |= (content[at + i] & 0xff) << 8 * i;
      }
      if (length < 1 || length > longest || length > content.length - at - LENGTH_BYTES) {
        return false;
      }
      at += LENGTH_BYTES + length;
      count++;
    }
    if (at != content.length || content.length > limit) {
      return false;
    }
    grow(content.length);
    System.arraycopy(content, 0, ring, 0, content.length);
    used = content.length;
    frames = count;
    return true;
  }
}
