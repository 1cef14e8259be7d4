package duality.personality.linux;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Space;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Copies between a program's memory and ours. A wrong address is a {@link Fault}, whatever it is:
 * in no region, without the right, or beyond what the pager gives.
 */
final class UserMemory {
  /** The program gave an address that it may not use so. */
  static final class Fault extends Exception {
    private static final long serialVersionUID = 1;

    Fault() {
      super(null, null, false, false);
    }
  }

  private static final int CHUNK = 1 << 16;

  private final Space space;

  UserMemory(Space space) {
    this.space = space;
  }

  /** Copies out of the program's memory. */
  byte[] read(long address, int length) throws Fault {
    byte[] bytes = new byte[length];
    if (length > 0) {
      try (Grant grant = grant(address, length, Memory.READ)) {
        grant.read(0, MemorySegment.ofArray(bytes), 0, length);
      }
    }
    return bytes;
  }

  /** The same, little-endian, for numbers. */
  ByteBuffer readNumbers(long address, int length) throws Fault {
    return ByteBuffer.wrap(read(address, length)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Copies a part of {@code bytes} into the program's memory. */
  void write(long address, byte[] bytes, int offset, int length) throws Fault {
    for (int done = 0; done < length; done += CHUNK) {
      int part = Math.min(CHUNK, length - done);
      try (Grant grant = grant(address + done, part, Memory.WRITE)) {
        grant.write(0, MemorySegment.ofArray(bytes), offset + done, part);
      }
    }
  }

  /** Copies all of {@code bytes} into the program's memory. */
  void write(long address, byte[] bytes) throws Fault {
    write(address, bytes, 0, bytes.length);
  }

  /** Copies numbers that were put into a buffer. */
  void write(long address, ByteBuffer numbers) throws Fault {
    write(address, numbers.array());
  }

  /** Bytes for numbers, little-endian, all zero. */
  static ByteBuffer numbers(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private Grant grant(long address, long length, int access) throws Fault {
    if (address < AddressSpace.LOWEST || address > AddressSpace.HIGHEST - length) {
      throw new Fault();
    }
    try {
      return space.grant(address, length, access);
    } catch (CallFailed.BadRequest e) {
      throw new Fault();
    }
  }
}
