package duality.vmm.bare;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * What of an ELF file a bare machine needs (System V ABI, chapters 4 and 5): segments at their
 * physical addresses, where it starts, and where its {@code tohost} and {@code fromhost} are. The
 * file is not trusted: every place that it names is checked.
 *
 * @param file its bytes
 * @param entry address of the first instruction
 * @param segments what is to be loaded
 * @param toHost address of the word in which it reports, if it has one
 * @param fromHost address of the word in which it is answered, if it has one
 */
record ElfProgram(
    byte[] file, long entry, List<Segment> segments, OptionalLong toHost, OptionalLong fromHost) {
  /** Files larger than that are no test programs. */
  static final long MOST_BYTES = 256L << 20;

  private static final int MAGIC = 0x464c457f;
  private static final int RISCV = 243;
  private static final int LOAD = 1;
  private static final int SYMBOLS = 2;
  private static final int DYNAMIC_SYMBOLS = 11;
  private static final int HEADER_BYTES = 64;

  /** Most that linkers put in front of the text. */
  private static final int HEADERS = 4096;

  private static final int SEGMENT_BYTES = 56;
  private static final int SECTION_BYTES = 64;
  private static final int SYMBOL_BYTES = 24;
  private static final int USUAL_OFFSET = 0x1000;

  /** A run of the file and its place in memory; what lies behind it there is zero. */
  record Segment(int offset, int fileBytes, long address) {}

  /** The file cannot be run; the message says why, as the end of a sentence about it. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;

    Malformed(String why) {
      super(why);
    }
  }

  static boolean hasMagic(byte[] head) {
    return head.length >= 4
        && ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt(0) == MAGIC;
  }

  /**
   * Reads a program for a machine with memory at {@code base}.
   *
   * @throws Malformed when it is none that this machine can run
   */
  static ElfProgram read(byte[] file, long base, long bytes) throws Malformed {
    if (!hasMagic(file)) {
      throw new Malformed("it is no ELF file");
    }
    if (file.length < HEADER_BYTES) {
      throw new Malformed("it ends inside its ELF header");
    }
    ByteBuffer elf = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    if (elf.get(5) != 1) {
      throw new Malformed("it is big-endian; this machine is little-endian");
    }
    int machine = elf.getShort(18) & 0xffff;
    if (machine != RISCV) {
      throw new Malformed("it is for machine " + machine + ", not for RISC-V (243)");
    }
    if (elf.get(4) != 2) {
      throw new Malformed("it is a 32-bit program (ELF32); this machine is RV64");
    }
    List<Segment> segments = segments(elf, base, bytes);
    long entry = entry(elf, base, bytes);
    OptionalLong toHost = symbol(elf, "tohost");
    if (toHost.isEmpty()) {
      toHost = section(elf, ".tohost");
    }
    if (toHost.isEmpty() && !hasSymbols(elf)) {
      toHost = usualPlace(file, segments, base);
    }
    OptionalLong fromHost = symbol(elf, "fromhost");
    return new ElfProgram(
        file,
        entry,
        segments,
        aligned(toHost, "tohost", base, bytes),
        aligned(fromHost, "fromhost", base, bytes));
  }

  private static OptionalLong aligned(OptionalLong address, String name, long base, long bytes)
      throws Malformed {
    if (address.isEmpty()) {
      return address;
    }
    long at = reachable(address.getAsLong(), base, bytes);
    if (at % 4 != 0) {
      throw new Malformed("its symbol " + name + " is at 0x" + Long.toHexString(at));
    }
    return OptionalLong.of(at);
  }

  /**
   * An address of 32 bits that a tool has sign-extended, as it was meant; any other as it is. What
   * is linked by absolute addresses of 32 bits ("medlow") lies 2 GiB below the end of all
   * addresses, where this machine has nothing.
   */
  private static long reachable(long address, long base, long bytes) {
    boolean extended = address >> 31 == -1;
    return extended && within((address & 0xffff_ffffL) - base, 1, bytes)
        ? address & 0xffff_ffffL
        : address;
  }

  private static boolean hasSymbols(ByteBuffer elf) throws Malformed {
    int sections = elf.getShort(60) & 0xffff;
    for (int i = 0; i < sections; i++) {
      int type = elf.getInt(sectionAt(elf, i) + 4);
      if (type == SYMBOLS || type == DYNAMIC_SYMBOLS) {
        return true;
      }
    }
    return false;
  }

  /**
   * Where the linker scripts of the public tests put {@code tohost}: for a program from which the
   * symbols were stripped, when that word is zero at the start.
   */
  private static OptionalLong usualPlace(byte[] file, List<Segment> segments, long base) {
    long place = base + USUAL_OFFSET;
    for (Segment segment : segments) {
      for (long at = Math.max(place, segment.address());
          at < Math.min(place + 8, segment.address() + segment.fileBytes());
          at++) {
        if (file[(int) (segment.offset() + at - segment.address())] != 0) {
          return OptionalLong.empty();
        }
      }
    }
    return OptionalLong.of(place);
  }

  private static List<Segment> segments(ByteBuffer elf, long base, long bytes) throws Malformed {
    List<Segment> segments = new ArrayList<>();
    int count = elf.getShort(56) & 0xffff;
    for (int i = 0; i < count; i++) {
      int at = place(elf, elf.getLong(32), elf.getShort(54), SEGMENT_BYTES, i, "program header");
      long memoryBytes = elf.getLong(at + 40);
      if (elf.getInt(at) != LOAD || memoryBytes == 0) {
        continue;
      }
      long offset = elf.getLong(at + 8);
      long fileBytes = elf.getLong(at + 32);
      if (!within(offset, fileBytes, elf.capacity()) || memoryBytes < fileBytes) {
        throw new Malformed("its segment " + i + " lies outside of the file");
      }
      long address = reachable(elf.getLong(at + 24), base, bytes);
      long below = base - address;
      if (offset == 0 && below > 0 && below <= HEADERS && below < fileBytes) {
        // A linker that was told where the text goes puts the file's own headers below it.
        offset += below;
        fileBytes -= below;
        memoryBytes -= below;
        address = base;
      }
      if (!within(address - base, memoryBytes, bytes)) {
        throw new Malformed(
            "its segment "
                + i
                + " wants "
                + Long.toUnsignedString(memoryBytes)
                + " bytes at 0x"
                + Long.toHexString(address)
                + "; memory is "
                + (bytes >> 20)
                + " MiB at 0x"
                + Long.toHexString(base));
      }
      segments.add(new Segment((int) offset, (int) fileBytes, address));
    }
    if (segments.isEmpty()) {
      throw new Malformed("it has no segment to load");
    }
    return List.copyOf(segments);
  }

  /** The entry is a virtual address; a program linked elsewhere starts at the physical one. */
  private static long entry(ByteBuffer elf, long base, long bytes) throws Malformed {
    long start = elf.getLong(24);
    int count = elf.getShort(56) & 0xffff;
    long entry = reachable(start, base, bytes);
    for (int i = 0; i < count; i++) {
      int at = place(elf, elf.getLong(32), elf.getShort(54), SEGMENT_BYTES, i, "program header");
      long into = start - elf.getLong(at + 16);
      if (elf.getInt(at) == LOAD && into >= 0 && into < elf.getLong(at + 40)) {
        entry = reachable(elf.getLong(at + 24), base, bytes) + into;
        break;
      }
    }
    if (!within(entry - base, 2, bytes) || entry % 2 != 0) {
      throw new Malformed("its entry 0x" + Long.toHexString(start) + " is not in memory");
    }
    return entry;
  }

  private static OptionalLong symbol(ByteBuffer elf, String name) throws Malformed {
    int sections = elf.getShort(60) & 0xffff;
    for (int i = 0; i < sections; i++) {
      int at = sectionAt(elf, i);
      int type = elf.getInt(at + 4);
      if (type != SYMBOLS && type != DYNAMIC_SYMBOLS) {
        continue;
      }
      int link = elf.getInt(at + 40);
      if (link < 0 || link >= sections) {
        throw new Malformed("its symbols have no names");
      }
      int strings = sectionAt(elf, link);
      long offset = elf.getLong(at + 24);
      long bytes = elf.getLong(at + 32);
      if (!within(offset, bytes, elf.capacity())) {
        throw new Malformed("its symbols lie outside of the file");
      }
      for (long s = offset; s <= offset + bytes - SYMBOL_BYTES; s += SYMBOL_BYTES) {
        boolean defined = elf.getShort((int) s + 6) != 0;
        if (defined && named(elf, strings, elf.getInt((int) s) & 0xffffffffL, name)) {
          return OptionalLong.of(elf.getLong((int) s + 8));
        }
      }
    }
    return OptionalLong.empty();
  }

  /** For programs without symbols: the section that holds the word. */
  private static OptionalLong section(ByteBuffer elf, String name) throws Malformed {
    int sections = elf.getShort(60) & 0xffff;
    int names = elf.getShort(62) & 0xffff;
    if (names >= sections) {
      return OptionalLong.empty();
    }
    int strings = sectionAt(elf, names);
    for (int i = 0; i < sections; i++) {
      int at = sectionAt(elf, i);
      if (named(elf, strings, elf.getInt(at) & 0xffffffffL, name)) {
        return OptionalLong.of(elf.getLong(at + 16));
      }
    }
    return OptionalLong.empty();
  }

  private static int sectionAt(ByteBuffer elf, int number) throws Malformed {
    return place(elf, elf.getLong(40), elf.getShort(58), SECTION_BYTES, number, "section header");
  }

  private static int place(
      ByteBuffer elf, long table, int size, int expected, int number, String what)
      throws Malformed {
    long at = table + (long) expected * number;
    if (size != expected || table < 0 || !within(at, expected, elf.capacity())) {
      throw new Malformed("its " + what + " " + number + " lies outside of the file");
    }
    return (int) at;
  }

  private static boolean named(ByteBuffer elf, int strings, long at, String name) {
    long start = elf.getLong(strings + 24);
    byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
    if (start < 0 || !within(start + at, bytes.length + 1L, elf.capacity())) {
      return false;
    }
    int from = (int) (start + at);
    for (int i = 0; i < bytes.length; i++) {
      if (elf.get(from + i) != bytes[i]) {
        return false;
      }
    }
    return elf.get(from + bytes.length) == 0;
  }

  private static boolean within(long offset, long count, long size) {
    return offset >= 0 && count >= 0 && offset <= size && count <= size - offset;
  }
}
