package duality.uart;

/**
 * The receiver's FIFO: 16 bytes, or a single holding register when FIFOs are off. Not thread-safe.
 */
final class ReceiveFifo {
  static final int CAPACITY = 16;

  private final byte[] bytes = new byte[CAPACITY];
  private int first;
  private int count;

  int count() {
    return count;
  }

  boolean isEmpty() {
    return count == 0;
  }

  void clear() {
    first = 0;
    count = 0;
  }

  /** Adds a byte; false when there is no place among the first {@code depth}. */
  boolean add(int value, int depth) {
    if (count >= depth) {
      return false;
    }
    bytes[(first + count) % CAPACITY] = (byte) value;
    count++;
    return true;
  }

  /** Replaces the newest byte: what an overrun of the holding register does. */
  void overwriteNewest(int value) {
    bytes[(first + count - 1) % CAPACITY] = (byte) value;
  }

  /** The oldest byte, or 0 when there is none. */
  int take() {
    if (count == 0) {
      return 0;
    }
    int value = bytes[first] & 0xff;
    first = (first + 1) % CAPACITY;
    count--;
    return value;
  }

  byte[] content() {
    byte[] content = new byte[count];
    for (int i = 0; i < count; i++) {
      content[i] = bytes[(first + i) % CAPACITY];
    }
    return content;
  }
}
