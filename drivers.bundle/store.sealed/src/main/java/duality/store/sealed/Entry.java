package duality.store.sealed;

import java.util.Arrays;

/** What has to be known of a block to accept it: the nonce and the tag of its encryption. */
final class Entry {
  static final int NONCE_BYTES = 12;
  static final int TAG_BYTES = 16;
  static final int BYTES = NONCE_BYTES + TAG_BYTES;

  /** Of a block that was never written: it reads as zeros, whatever lies there. */
  static final Entry NONE = new Entry(new byte[BYTES]);

  private final byte[] bytes;

  private Entry(byte[] bytes) {
    this.bytes = bytes;
  }

  /** From {@link #BYTES} bytes. */
  static Entry of(byte[] from, int at) {
    return new Entry(Arrays.copyOfRange(from, at, at + BYTES));
  }

  /** Whether the block was never written. */
  boolean isNone() {
    return equals(NONE);
  }

  void copyTo(byte[] to, int at) {
    System.arraycopy(bytes, 0, to, at, BYTES);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Entry entry && Arrays.equals(bytes, entry.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }
}
