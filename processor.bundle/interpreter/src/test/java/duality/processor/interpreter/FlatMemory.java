package duality.processor.interpreter;

import duality.kernel.processor.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** One region of memory, every page present, in one piece of host memory. */
final class FlatMemory implements Memory {
  private final long base;
  private final MemorySegment bytes;
  private int epoch;

  FlatMemory(Arena arena, long base, long sizeBytes) {
    this.base = base;
    this.bytes = arena.allocate(sizeBytes, 4096);
  }

  @Override
  public long translate(long page, int access) {
    long offset = (page << PAGE_SHIFT) - base;
    return offset < 0 || offset >= bytes.byteSize() ? OUTSIDE : bytes.address() + offset;
  }

  @Override
  public int epoch() {
    return epoch;
  }

  void changeEpoch() {
    epoch++;
  }

  void write(long address, byte[] from) {
    MemorySegment.copy(MemorySegment.ofArray(from), 0, bytes, address - base, from.length);
  }

  byte[] read(long address, int length) {
    return bytes.asSlice(address - base, length).toArray(ValueLayout.JAVA_BYTE);
  }

  void writeLong(long address, long value) {
    bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, address - base, value);
  }

  long readLong(long address) {
    return bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, address - base);
  }

  void writeInt(long address, int value) {
    bytes.set(ValueLayout.JAVA_INT_UNALIGNED, address - base, value);
  }
}
