package duality.console.host;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

/**
 * The end of a stream of bytes: what was appended last, addressed by position since the stream
 * began. Not thread-safe.
 */
final class ByteRing {
  private final int capacity;
  private byte[] bytes = new byte[64];
  private long oldest;
  private long end;

  ByteRing(int capacity) {
    this.capacity = capacity;
  }

  /** Position of the oldest byte that is still here. */
  long oldest() {
    return oldest;
  }

  /** Position behind the last byte. */
  long end() {
    return end;
  }

  int size() {
    return (int) (end - oldest);
  }

  /** Appends bytes, one per character; forgets the oldest ones when there are too many. */
  void append(String text) {
    append(text.getBytes(ISO_8859_1));
  }

  private void append(byte[] more) {
    int start = Math.max(0, more.length - capacity);
    end += start; // those before are forgotten at once
    oldest = start > 0 ? end : oldest;
    grow(Math.min(capacity, size() + more.length - start));
    put(more, start);
    oldest = Math.max(oldest, end - capacity);
  }

  /** Puts what is in {@code from} behind {@code start} at the end; it has room. */
  private void put(byte[] from, int start) {
    int count = from.length - start;
    int at = (int) (end % bytes.length);
    int first = Math.min(count, bytes.length - at);
    System.arraycopy(from, start, bytes, at, first);
    System.arraycopy(from, start + first, bytes, 0, count - first);
    end += count;
  }

  /** Forgets what lies before {@code position}. */
  void dropUpTo(long position) {
    oldest = Math.clamp(position, oldest, end);
  }

  /**
   * At most {@code most} bytes from {@code position}, or from the oldest byte when it is forgotten.
   */
  String text(long position, int most) {
    long from = Math.clamp(position, oldest, end);
    return new String(copy(from, (int) Math.min(most, end - from)), ISO_8859_1);
  }

  byte[] content() {
    return copy(oldest, size());
  }

  /** Becomes a stream of {@code position} bytes that ends with {@code content}. */
  void restore(long position, byte[] content) {
    end = position - content.length;
    oldest = end;
    append(content);
  }

  private byte[] copy(long from, int count) {
    byte[] copy = new byte[count];
    int at = (int) (from % bytes.length);
    int first = Math.min(count, bytes.length - at);
    System.arraycopy(bytes, at, copy, 0, first);
    System.arraycopy(bytes, 0, copy, first, count - first);
    return copy;
  }

  /** Makes room for {@code wanted} bytes; short streams keep small arrays. */
  private void grow(int wanted) {
    if (wanted <= bytes.length) {
      return;
    }
    byte[] content = content();
    bytes = new byte[Math.min(capacity, Math.max(wanted, 2 * bytes.length))];
    end = oldest;
    put(content, 0);
  }
}
