package duality.vmm.board;

import duality.kernel.CallFailed;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A guest kernel as it is to lie in memory: read from a flat Linux {@code Image} (Linux
 * Documentation/arch/riscv/boot-image-header.rst) or from an ELF file (System V ABI, chapter 4 and
 * 5; RISC-V psABI). The file is not trusted: whatever it says about places and sizes is checked
 * here.
 *
 * @param entry guest-physical address of the first instruction
 * @param segments what to load, in order of addresses; none overlaps another
 */
record KernelFile(long entry, List<Segment> segments) {
  /**
   * A part of the file and its place.
   *
   * @param fileOffset first byte in the file
   * @param fileBytes bytes to load
   * @param address guest-physical address
   * @param memoryBytes bytes that it takes there; those behind the loaded ones are zero
   */
  record Segment(long fileOffset, long fileBytes, long address, long memoryBytes) {
    long end() {
      return address + memoryBytes;
    }
  }

  /** No place for a file that does not say where it belongs: it is refused. */
  static final long NOWHERE = 0;

  private static final int IMAGE_HEADER_BYTES = 64;
  private static final int IMAGE_MAGIC_AT = 0x30;
  private static final long IMAGE_MAGIC = 0x5643534952L; // "RISCV"
  private static final int IMAGE_MAGIC2_AT = 0x38;
  private static final int IMAGE_MAGIC2 = 0x05435352; // "RSC" 5

  private static final int ELF_MAGIC = 0x464c457f;
  private static final int ELF_HEADER_BYTES = 64;
  private static final int ELF_SEGMENT_BYTES = 56;
  private static final int ELF_MAX_SEGMENTS = 64;
  private static final int ELF_EXECUTABLE = 2;

  private static final int ELF_RISCV = 243;
  private static final int ELF_LOAD = 1;

  /** First guest-physical address that the kernel takes. */
  long low() {
    return segments.getFirst().address();
  }

  /** Guest-physical address behind the kernel. */
  long high() {
    return segments.getLast().end();
  }

  /**
   * Reads a kernel's headers.
   *
   * @param memory first byte of guest memory
   * @param memoryBytes its size
   * @throws CallFailed.BadRequest when the file is no kernel that fits; the message says why
   */
  static KernelFile read(GuestFile file, long memory, long memoryBytes) {
    return read(file, memory, memoryBytes, NOWHERE);
  }

  /**
   * Reads a kernel's or firmware's headers.
   *
   * @param memory first byte of guest memory
   * @param memoryBytes its size
   * @param otherwise address of a file without a header, or {@link #NOWHERE}
   * @throws CallFailed.BadRequest when the file is none that fits; the message says why
   */
  static KernelFile read(GuestFile file, long memory, long memoryBytes, long otherwise) {
    ByteBuffer head = file.head(0, ELF_HEADER_BYTES);
    if (head.capacity() < ELF_HEADER_BYTES && otherwise == NOWHERE) {
      throw refused(file, "it has only " + head.capacity() + " bytes, too few for any header");
    }
    if (head.capacity() < ELF_HEADER_BYTES) {
      return plain(file, otherwise, memory, memoryBytes);
    }
    if (head.getInt(0) == ELF_MAGIC) {
      return elf(file, head, memory, memoryBytes);
    }
    if ((head.getLong(IMAGE_MAGIC_AT) & 0xFF_FFFF_FFFFL) == IMAGE_MAGIC
        || head.getInt(IMAGE_MAGIC2_AT) == IMAGE_MAGIC2) {
      return image(file, head, memory, memoryBytes);
    }
    if (otherwise != NOWHERE) {
      return plain(file, otherwise, memory, memoryBytes);
    }
    if ((head.getShort(0) & 0xFFFF) == 0x8B1F) {
      throw refused(file, "it is compressed by gzip; unpack it first");
    }
    throw refused(file, "it is neither a RISC-V Linux Image nor an ELF file");
  }

  /** A file without a header: all of it, from its first byte on. */
  private static KernelFile plain(GuestFile file, long at, long memory, long memoryBytes) {
    long bytes = file.length();
    if (bytes < 2 || bytes > memoryBytes - (at - memory)) {
      throw refused(file, "its " + bytes + " bytes do not fit at 0x" + Long.toHexString(at));
    }
    return new KernelFile(at, List.of(new Segment(0, bytes, at, bytes)));
  }

  private static KernelFile image(GuestFile file, ByteBuffer head, long memory, long memoryBytes) {
    long textOffset = head.getLong(8);
    long imageBytes = head.getLong(16);
    long flags = head.getLong(24);
    if ((flags & 1) != 0) {
      throw refused(file, "it is a big-endian kernel");
    }
    if (imageBytes < IMAGE_HEADER_BYTES) {
      throw refused(
          file, "its header says that it takes " + Long.toUnsignedString(imageBytes) + " bytes");
    }
    // A file may be padded beyond what the header says, or the header includes memory behind the
    // file.
    long bytes = Math.max(imageBytes, file.length());
    if (textOffset < 0 || textOffset > memoryBytes || bytes > memoryBytes - textOffset) {
      throw refused(
          file,
          "its header asks for "
              + bytes
              + " bytes at offset "
              + Long.toUnsignedString(textOffset)
              + " of "
              + memoryBytes
              + " bytes of memory; give the machine more memory");
    }
    if (textOffset % 4 != 0) {
      throw refused(file, "its text offset " + textOffset + " is not aligned to an instruction");
    }
    long at = memory + textOffset;
    return new KernelFile(at, List.of(new Segment(0, file.length(), at, bytes)));
  }

  private static KernelFile elf(GuestFile file, ByteBuffer head, long memory, long memoryBytes) {
    if (head.get(4) != 2 || head.get(5) != 1) {
      throw refused(file, "it is not a 64-bit little-endian ELF file");
    }
    int machine = head.getShort(18) & 0xFFFF;
    if (machine != ELF_RISCV) {
      throw refused(file, "it is for ELF machine " + machine + ", not for RISC-V (243)");
    }
    int type = head.getShort(16) & 0xFFFF;
    if (type != ELF_EXECUTABLE) {
      throw refused(file, "its ELF type is " + type + ", not an executable with fixed places (2)");
    }
    long table = head.getLong(32);
    int entryBytes = head.getShort(54) & 0xFFFF;
    int count = head.getShort(56) & 0xFFFF;
    if (entryBytes != ELF_SEGMENT_BYTES || count == 0 || count > ELF_MAX_SEGMENTS) {
      throw refused(
          file,
          "it has "
              + count
              + " program headers of "
              + entryBytes
              + " bytes, where 1 to "
              + ELF_MAX_SEGMENTS
              + " of "
              + ELF_SEGMENT_BYTES
              + " are understood");
    }
    long tableBytes = (long) count * ELF_SEGMENT_BYTES;
    if (table < 0 || table > file.length() - tableBytes) {
      throw refused(file, "its program headers lie outside of the file");
    }
    return elfSegments(file, head.getLong(24), table, count, memory, memoryBytes);
  }

  private static KernelFile elfSegments(
      GuestFile file, long start, long table, int count, long memory, long memoryBytes) {
    ByteBuffer headers = file.head(table, count * ELF_SEGMENT_BYTES);
    List<Segment> segments = new ArrayList<>();
    long entry = -1;
    for (int i = 0; i < count; i++) {
      ByteBuffer header =
          headers.slice(i * ELF_SEGMENT_BYTES, ELF_SEGMENT_BYTES).order(headers.order());
      long bytes = header.getLong(40);
      if (header.getInt(0) != ELF_LOAD || bytes == 0) {
        continue;
      }
      Segment segment = segment(file, i, header, bytes, memory, memoryBytes);
      segments.add(segment);
      // Kernels are linked at virtual addresses but entered at the physical one.
      long into = start - header.getLong(16);
      if (into >= 0 && into < bytes) {
        entry = segment.address() + into;
      } else if (entry < 0 && start >= segment.address() && start < segment.end()) {
        entry = start;
      }
    }
    if (entry < 0 || entry % 2 != 0) {
      throw refused(
          file,
          "its entry 0x" + Long.toHexString(start) + " is no instruction of a loaded segment");
    }
    segments.sort(Comparator.comparingLong(Segment::address));
    for (int i = 1; i < segments.size(); i++) {
      if (segments.get(i).address() < segments.get(i - 1).end()) {
        throw refused(
            file, "two segments overlap at 0x" + Long.toHexString(segments.get(i).address()));
      }
    }
    return new KernelFile(entry, List.copyOf(segments));
  }

  private static Segment segment(
      GuestFile file, int number, ByteBuffer header, long bytes, long memory, long memoryBytes) {
    long offset = header.getLong(8);
    long address = header.getLong(24);
    long fileBytes = header.getLong(32);
    String which = "its segment " + number;
    if (fileBytes < 0 || bytes < 0 || fileBytes > bytes) {
      throw refused(
          file,
          which
              + " has "
              + Long.toUnsignedString(fileBytes)
              + " bytes in the file and "
              + Long.toUnsignedString(bytes)
              + " in memory");
    }
    if (offset < 0 || offset > file.length() - fileBytes) {
      throw refused(file, which + " lies outside of the file");
    }
    long into = address - memory;
    if (into < 0 || into > memoryBytes || bytes > memoryBytes - into) {
      throw refused(
          file,
          which
              + " wants "
              + bytes
              + " bytes at 0x"
              + Long.toHexString(address)
              + ", outside of memory ("
              + memoryBytes
              + " bytes at 0x"
              + Long.toHexString(memory)
              + ")");
    }
    return new Segment(offset, fileBytes, address, bytes);
  }

  private static CallFailed.BadRequest refused(GuestFile file, String why) {
    return new CallFailed.BadRequest("cannot boot " + file.path() + ": " + why);
  }
}
