package duality.store.sealed;

import java.io.IOException;
import java.util.Arrays;

/** A store below in memory, which can do wrong. */
final class ArrayRaw implements Raw {
  byte[] bytes;

  /** Writes are said to be done, and are not. */
  boolean losesWrites;

  /** Reads are answered with what lies so many bytes further on. */
  long shift;

  /** Reads end after so many bytes; what is behind is what the reader had there. */
  int readsAtMost = Integer.MAX_VALUE;

  /** After so many more requests it dies, in the middle of a write. */
  int livesFor = Integer.MAX_VALUE;

  /** It dies with the next write, which is done. */
  boolean diesAfterWriting;

  ArrayRaw(int size) {
    bytes = new byte[size];
  }

  private void step(long offset, int length) throws Tampered {
    if (livesFor-- <= 0) {
      throw new Line.Halted();
    }
    if (offset + length > bytes.length) {
      throw new Tampered("there is no byte " + offset);
    }
  }

  @Override
  public void read(long offset, byte[] into, int length) throws IOException {
    step(offset, length);
    int from = (int) ((offset + shift) % (bytes.length - length + 1));
    System.arraycopy(bytes, from, into, 0, Math.min(length, readsAtMost));
  }

  @Override
  public void write(long offset, byte[] from, int length) throws IOException {
    if (livesFor == 0) {
      // Whole pages are written or not.
      int half = length / 2 / Layout.BLOCK * Layout.BLOCK;
      System.arraycopy(from, 0, bytes, (int) offset, half);
    }
    step(offset, length);
    if (!losesWrites) {
      System.arraycopy(from, 0, bytes, (int) offset, length);
    }
    if (diesAfterWriting) {
      throw new Line.Halted();
    }
  }

  @Override
  public void flush() throws IOException {
    step(0, 0);
  }

  byte[] copy(long offset, int length) {
    return Arrays.copyOfRange(bytes, (int) offset, (int) offset + length);
  }

  void put(long offset, byte[] what) {
    System.arraycopy(what, 0, bytes, (int) offset, what.length);
  }

  void flip(long offset, int bit) {
    bytes[(int) offset] ^= (byte) (1 << bit);
  }
}
