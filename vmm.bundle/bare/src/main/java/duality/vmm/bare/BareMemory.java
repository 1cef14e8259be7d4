package duality.vmm.bare;

import duality.kernel.processor.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A bare machine's memory: 2 GiB at the place where QEMU's {@code virt} has it, as Spike gives
 * programs, of which pieces are taken from the host when they are touched.
 *
 * <p><em>Concurrency:</em> for the threads that run the program's harts; the machine closes it when
 * they have ended.
 */
final class BareMemory implements Memory, AutoCloseable {
  static final long BASE = 0x8000_0000L;
  static final long BYTES = 2L << 30;

  private static final int PIECE_SHIFT = 16;
  private static final int PIECE_BYTES = 1 << PIECE_SHIFT;
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Arena arena = Arena.ofShared();
  private final AtomicReferenceArray<@Nullable MemorySegment> pieces =
      new AtomicReferenceArray<>((int) (BYTES >> PIECE_SHIFT));

  /** The host has no memory left. */
  static final class Full extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  @Override
  public long translate(long page, int access) {
    long offset = page - (BASE >> PAGE_SHIFT);
    if (offset < 0 || offset >= BYTES >> PAGE_SHIFT) {
      return OUTSIDE;
    }
    long at = offset << PAGE_SHIFT;
    return piece(at).address() + (at & PIECE_BYTES - 1);
  }

  @Override
  public int epoch() {
    return 0; // nothing is ever taken away
  }

  private MemorySegment piece(long offset) {
    int number = (int) (offset >> PIECE_SHIFT);
    MemorySegment there = pieces.get(number);
    return there != null ? there : take(number);
  }

  private synchronized MemorySegment take(int number) {
    MemorySegment there = pieces.get(number);
    if (there == null) {
      try {
        there = arena.allocate(PIECE_BYTES, 1 << PAGE_SHIFT);
      } catch (OutOfMemoryError e) {
        throw new Full();
      }
      pieces.set(number, there);
    }
    return there;
  }

  /** Whether all these bytes are in memory. */
  boolean contains(long address, long count) {
    long offset = address - BASE;
    return offset >= 0 && count >= 0 && offset <= BYTES && count <= BYTES - offset;
  }

  /** Copies bytes to an address; all of them are in memory. */
  void write(long address, byte[] from, int offset, int count) {
    for (int done = 0; done < count; ) {
      long at = address - BASE + done;
      int inPiece = (int) at & PIECE_BYTES - 1;
      int part = Math.min(count - done, PIECE_BYTES - inPiece);
      MemorySegment.copy(MemorySegment.ofArray(from), offset + done, piece(at), inPiece, part);
      done += part;
    }
  }

  /** A byte, unsigned. */
  int readByte(long address) {
    long at = address - BASE;
    return piece(at).get(ValueLayout.JAVA_BYTE, at & PIECE_BYTES - 1) & 0xff;
  }

  /** Eight bytes at an address that is a multiple of four. */
  long readLong(long address) {
    long at = address - BASE;
    int inPiece = (int) at & PIECE_BYTES - 1;
    if (inPiece > PIECE_BYTES - 8) {
      long value = 0;
      for (int b = 7; b >= 0; b--) {
        value = value << 8 | readByte(address + b);
      }
      return value;
    }
    return piece(at).get(LONG, inPiece);
  }

  /** As {@link #readLong}. */
  void writeLong(long address, long value) {
    byte[] bytes = new byte[8];
    for (int b = 0; b < 8; b++) {
      bytes[b] = (byte) (value >>> 8 * b);
    }
    write(address, bytes, 0, 8);
  }

  @Override
  public void close() {
    arena.close();
  }
}
