package duality.personality.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A statically linked RV64 program, checked (System V ABI, chapters 4 and 5; RISC-V ELF psABI). The
 * file is hostile until {@link #read} has returned.
 *
 * @param entry address of the first instruction
 * @param headers address of the program headers in memory, 0 when no segment holds them
 * @param headerCount how many program headers
 * @param segments what is to be in memory, ascending, without overlap
 * @param executableStack whether the program asks for it
 */
record Elf(
    long entry, long headers, int headerCount, List<Segment> segments, boolean executableStack) {
  /** Size of a program header in bytes. */
  static final int HEADER_BYTES = 56;

  /**
   * Where a position-independent program is put: two thirds of the address space up, as Linux does.
   */
  static final long POSITION_INDEPENDENT_BASE = 0x2a_aaaa_a000L;

  private static final int FILE_HEADER_BYTES = 64;
  private static final int EXECUTABLE = 2;
  private static final int SHARED = 3;
  private static final int RISC_V = 243;
  private static final int FLAG_EMBEDDED = 8;
  private static final int LOAD = 1;
  private static final int INTERPRETER = 3;
  private static final int GNU_STACK = 0x6474e551;
  private static final int MOST_HEADERS = 128;

  /**
   * A part of the program in memory.
   *
   * @param address of its first byte
   * @param offset of its first byte in the file
   * @param fileBytes bytes that come from the file
   * @param memoryBytes bytes in memory, at least {@code fileBytes}; the rest is zero
   * @param rights bits of {@link duality.kernel.processor.Memory}
   */
  record Segment(long address, int offset, int fileBytes, long memoryBytes, int rights) {
    long end() {
      return address + memoryBytes;
    }
  }

  /** Why a file is no program that can run here. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    Malformed(String message) {
      super(message, null, false, false);
    }
  }

  /** Reads and checks a program that is here as a whole. */
  static Elf read(byte[] file) throws Malformed {
    return read(file, file.length);
  }

  /**
   * Reads and checks a program.
   *
   * @param file its first bytes, with all headers
   * @param fileLength how long it is as a whole
   */
  static Elf read(byte[] file, long fileLength) throws Malformed {
    if (file.length < FILE_HEADER_BYTES
        || !Arrays.equals(file, 0, 4, new byte[] {0x7f, 'E', 'L', 'F'}, 0, 4)) {
      throw new Malformed("it is no ELF file");
    }
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    if (file[4] != 2 || file[5] != 1 || bytes.getShort(18) != RISC_V) {
      throw new Malformed(
          "it is not for RV64 but for machine "
              + bytes.getShort(18)
              + ", class "
              + file[4]
              + ", data "
              + file[5]
              + "; riscv64-linux-gnu-gcc -static makes programs that run here");
    }
    int type = bytes.getShort(16);
    if (type != EXECUTABLE && type != SHARED) {
      throw new Malformed("it is no program: its ELF type is " + type + ", neither 2 nor 3");
    }
    if ((bytes.getInt(48) & FLAG_EMBEDDED) != 0) {
      throw new Malformed("it is for RV64E, which has 16 registers only");
    }
    int count = Short.toUnsignedInt(bytes.getShort(56));
    long headerOffset = bytes.getLong(32);
    if (bytes.getShort(54) != HEADER_BYTES
        || count < 1
        || count > MOST_HEADERS
        || headerOffset < 0
        || headerOffset > file.length - (long) count * HEADER_BYTES) {
      throw new Malformed(
          "its "
              + count
              + " program headers of "
              + bytes.getShort(54)
              + " bytes at offset "
              + headerOffset
              + " are not inside the file, or too many");
    }
    long base = type == SHARED ? POSITION_INDEPENDENT_BASE : 0;
    List<Segment> segments = new ArrayList<>();
    boolean executableStack = false;
    for (int i = 0; i < count; i++) {
      ByteBuffer header =
          bytes.slice((int) headerOffset + i * HEADER_BYTES, HEADER_BYTES).order(bytes.order());
      switch (header.getInt(0)) {
        case LOAD -> {
          if (header.getLong(40) != 0) {
            segments.add(segment(i, header, base, fileLength, segments));
          }
        }
        case INTERPRETER -> throw new Malformed("it is dynamically linked; link it with -static");
        case GNU_STACK -> executableStack = (header.getInt(4) & 1) != 0;
        default -> {
          // Notes, thread-local storage, relocation ranges: the program looks at them itself.
        }
      }
    }
    long entry = base + bytes.getLong(24);
    checkEntry(entry, segments);
    long headers = 0;
    for (Segment each : segments) {
      long inside = headerOffset - each.offset;
      if (inside >= 0 && inside <= each.fileBytes - (long) count * HEADER_BYTES) {
        headers = each.address + inside;
      }
    }
    return new Elf(entry, headers, count, List.copyOf(segments), executableStack);
  }

  private static Segment segment(
      int index, ByteBuffer header, long base, long fileLength, List<Segment> before)
      throws Malformed {
    int flags = header.getInt(4);
    long offset = header.getLong(8);
    long address = base + header.getLong(16);
    long fileBytes = header.getLong(32);
    long memoryBytes = header.getLong(40);
    String which = "segment " + index;
    if (offset < 0 || fileBytes < 0 || fileBytes > fileLength || offset > fileLength - fileBytes) {
      throw new Malformed(
          which
              + " has "
              + fileBytes
              + " bytes at offset "
              + offset
              + " of a file of "
              + fileLength);
    }
    if (memoryBytes < fileBytes
        || address < AddressSpace.LOWEST
        || memoryBytes > AddressSpace.HIGHEST
        || address > AddressSpace.HIGHEST - memoryBytes) {
      throw new Malformed(
          which
              + " has "
              + memoryBytes
              + " bytes at 0x"
              + Long.toHexString(address)
              + ", which is not between 0x"
              + Long.toHexString(AddressSpace.LOWEST)
              + " and 0x"
              + Long.toHexString(AddressSpace.HIGHEST)
              + ", or less than it has in the file");
    }
    if (!before.isEmpty() && before.getLast().end() > address) {
      throw new Malformed(which + " overlaps the one before it, or is not behind it");
    }
    // Bits of p_flags: 1 execute, 2 write, 4 read.
    int rights = (flags & 4) >> 2 | flags & 2 | (flags & 1) << 2;
    return new Segment(address, (int) offset, (int) fileBytes, memoryBytes, rights);
  }

  private static void checkEntry(long entry, List<Segment> segments) throws Malformed {
    if ((entry & 1) == 0) {
      for (Segment each : segments) {
        if (entry >= each.address && entry < each.end() && (each.rights & 4) != 0) {
          return;
        }
      }
    }
    throw new Malformed(
        "its entry 0x" + Long.toHexString(entry) + " is odd, or in no executable segment");
  }
}
