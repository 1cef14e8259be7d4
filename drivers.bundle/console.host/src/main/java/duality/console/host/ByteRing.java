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
    int start = Math.max(0, text.length() - capacity);
    end += start; // those before are forgotten at once
    oldest = start > 0 ? end : oldest;
    grow(Math.min(capacity, size() + text.length() - start));
    for (int i = start; i < text.length(); i++) {
      bytes[(int) (end++ % bytes.length)] = (byte) text.charAt(i);
    }
    oldest = Math.max(oldest, end - capacity);
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
    append(new String(content, ISO_8859_1));
  }

  private byte[] copy(long from, int count) {
    byte[] copy = new byte[count];
    for (int i = 0; i < count; i++) {
      copy[i] = bytes[(int) ((from + i) % bytes.length)];
    }
    return copy;
  }

  /** Makes room for {@code wanted} bytes; short streams keep small arrays. */
  private void grow(int wanted) {
    if (wanted <= bytes.length) {
      return;
    }
    byte[] content = content();
    bytes = new byte[Math.min(capacity, Math.max(wanted, 2 * bytes.length))];
    for (int i = 0; i < content.length; i++) {
      bytes[(int) ((oldest + i) % bytes.length)] = content[i];
    }
  }
}
