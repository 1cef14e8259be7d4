package duality.bench;

import duality.kernel.processor.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** One region with every page present, in one piece of host memory. */
final class FlatMemory implements Memory {
  private final long base;
  private final MemorySegment bytes;

  FlatMemory(Arena arena, long base, long sizeBytes) {
    this.base = base;
    this.bytes = arena.allocate(sizeBytes, 1 << PAGE_SHIFT);
  }

  @Override
  public long translate(long page, int access) {
    long offset = (page << PAGE_SHIFT) - base;
    return offset < 0 || offset >= bytes.byteSize() ? OUTSIDE : bytes.address() + offset;
  }

  @Override
  public int epoch() {
    return 0;
  }

  void write(long address, byte[] from) {
    MemorySegment.copy(MemorySegment.ofArray(from), 0, bytes, address - base, from.length);
  }

  void writeLong(long address, long value) {
    bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, address - base, value);
  }

  byte[] read(long address, int length) {
    return bytes.asSlice(address - base, length).toArray(ValueLayout.JAVA_BYTE);
  }
}
