package duality.personality.linux;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Space;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Copies between a process's memory and ours. A wrong address is a {@link Fault}, whatever it is:
 * in no area, without the right, or beyond what memory there is.
 */
final class UserMemory {
  /** The program gave an address that it may not use so. */
  static final class Fault extends Failed {
    private static final long serialVersionUID = 1;

    Fault() {
      super(Errno.EFAULT);
    }
  }

  private static final int CHUNK = 1 << 16;
  private static final int MOST_TEXT = 4096;

  private final Space space;
  private final AddressSpace pages;

  UserMemory(Space space, AddressSpace pages) {
    this.space = space;
    this.pages = pages;
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

  /** A number of eight bytes. */
  long readLong(long address) throws Fault {
    try (Grant grant = grant(address, 8, Memory.READ)) {
      return grant.getLong(0);
    }
  }

  /**
   * A text that ends with a byte 0.
   *
   * @throws Failed ENAMETOOLONG when that does not come within 4,096 bytes
   */
  String readText(long address) throws Failed {
    byte[] text = new byte[0];
    while (text.length < MOST_TEXT) {
      long at = address + text.length;
      // Never past the end of a page: what follows need not be there.
      byte[] part = read(at, (int) Math.min(256, Space.PAGE_BYTES - at % Space.PAGE_BYTES));
      for (int i = 0; i < part.length; i++) {
        if (part[i] == 0) {
          return new String(join(text, part, i), StandardCharsets.ISO_8859_1);
        }
      }
      text = join(text, part, part.length);
    }
    throw new Failed(Errno.ENAMETOOLONG);
  }

  private static byte[] join(byte[] first, byte[] second, int count) {
    byte[] both = Arrays.copyOf(first, first.length + count);
    System.arraycopy(second, 0, both, first.length, count);
    return both;
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

  /** Stores a number of four bytes. */
  void writeInt(long address, int value) throws Fault {
    write(address, numbers(4).putInt(0, value));
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
      // A page that is not shown, or not with that right: the program would have met it itself.
    }
    for (long page = AddressSpace.page(address);
        page < AddressSpace.pageAfter(address + length);
        page++) {
      if (!pages.resolve(page, access)) {
        throw new Fault();
      }
    }
    try {
      return space.grant(address, length, access);
    } catch (CallFailed.BadRequest e) {
      throw new Fault();
    }
  }
}
