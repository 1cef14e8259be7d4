package duality.vmm.bare;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Writes ELF files as linkers do and as they seldom do. */
final class ElfFile {
  private record Segment(long virtual, long physical, byte[] content, long memoryBytes) {}

  private record Symbol(String name, long address) {}

  private final List<Segment> segments = new ArrayList<>();
  private final List<Symbol> symbols = new ArrayList<>();
  private final long entry;
  private int symbolType = 2;
  private String section = "";
  private long sectionAddress;

  ElfFile(long entry) {
    this.entry = entry;
  }

  ElfFile segment(long address, int... words) {
    return segment(address, address, words);
  }

  ElfFile segment(long virtual, long physical, int... words) {
    ByteBuffer content = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int word : words) {
      content.putInt(word);
    }
    segments.add(new Segment(virtual, physical, content.array(), content.capacity()));
    return this;
  }

  /** Memory that is not in the file. */
  ElfFile zeros(long address, long bytes) {
    segments.add(new Segment(address, address, new byte[0], bytes));
    return this;
  }

  ElfFile symbol(String name, long address) {
    symbols.add(new Symbol(name, address));
    return this;
  }

  /** Symbols for the dynamic linker only. */
  ElfFile dynamic() {
    symbolType = 11;
    return this;
  }

  /** A section of that name, of which nothing is in the file. */
  ElfFile section(String name, long address) {
    section = name;
    sectionAddress = address;
    return this;
  }

  byte[] bytes() {
    ByteArrayOutputStream names = new ByteArrayOutputStream();
    names.write(0);
    ByteBuffer table = ByteBuffer.allocate(24 * (symbols.size() + 1));
    table.order(ByteOrder.LITTLE_ENDIAN).position(24);
    for (Symbol symbol : symbols) {
      table.putInt(names.size()).put((byte) 0x10).put((byte) 0).putShort((short) 1);
      table.putLong(symbol.address).putLong(8);
      names.writeBytes((symbol.name + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    int sectionName = names.size();
    names.writeBytes((section + "\0").getBytes(StandardCharsets.US_ASCII));
    int headers = 64 + 56 * segments.size();
    int contents = segments.stream().mapToInt(each -> each.content.length).sum();
    int strings = headers + contents;
    int symbolsAt = strings + names.size() + 7 & -8;
    boolean anySymbols = !symbols.isEmpty();
    boolean anySections = anySymbols || !section.isEmpty();
    int sectionsAt = symbolsAt + (anySymbols ? table.capacity() : 0);
    int sectionCount = anySections ? 4 : 0;
    ByteBuffer file =
        ByteBuffer.allocate(sectionsAt + 64 * sectionCount).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0}).position(16);
    file.putShort((short) 2).putShort((short) 243).putInt(1).putLong(entry).putLong(64);
    file.putLong(anySections ? sectionsAt : 0).putInt(5).putShort((short) 64).putShort((short) 56);
    file.putShort((short) segments.size()).putShort((short) 64);
    file.putShort((short) sectionCount).putShort((short) (anySections ? 1 : 0));
    int at = headers;
    for (Segment segment : segments) {
      file.putInt(1).putInt(7).putLong(at).putLong(segment.virtual).putLong(segment.physical);
      file.putLong(segment.content.length).putLong(segment.memoryBytes).putLong(4096);
      file.put(at, segment.content);
      at += segment.content.length;
    }
    file.put(strings, names.toByteArray());
    if (anySections) {
      header(file, sectionsAt + 64, 0, 3, 0, strings, names.size(), 0);
      if (anySymbols) {
        file.put(symbolsAt, table.array());
        header(file, sectionsAt + 128, 0, symbolType, 0, symbolsAt, table.capacity(), 1);
      }
      if (!section.isEmpty()) {
        header(file, sectionsAt + 192, sectionName, 8, sectionAddress, 0, 64, 0);
      }
    }
    return file.array();
  }

  private static void header(
      ByteBuffer file, int at, int name, int type, long address, int offset, int bytes, int link) {
    file.putInt(at, name).putInt(at + 4, type).putLong(at + 16, address);
    file.putLong(at + 24, offset).putLong(at + 32, bytes).putInt(at + 40, link);
    file.putLong(at + 56, type == 2 || type == 11 ? 24 : 0);
  }
}
