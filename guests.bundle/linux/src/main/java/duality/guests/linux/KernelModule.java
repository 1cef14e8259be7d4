package duality.guests.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a loadable kernel module says about itself in its {@code .modinfo} section.
 *
 * @param name its name, with {@code -} written as {@code _}, as the kernel does
 * @param needs names of modules that must be loaded before
 * @param wishes names or aliases of modules that should be loaded before; they may be built in
 * @param aliases names and device patterns under which it is asked for
 */
record KernelModule(String name, List<String> needs, List<String> wishes, List<String> aliases) {

  private static final int HEADER_BYTES = 64;
  private static final int SECTION_BYTES = 64;
  private static final int ELF64_LITTLE = 0x7f454c46;

  KernelModule {
    needs = List.copyOf(needs);
    wishes = List.copyOf(wishes);
    aliases = List.copyOf(aliases);
  }

  /** The name of the module in a file of that name, for instance {@code virtio-rng.ko.xz}. */
  static String nameOf(String fileName) {
    return canonical(fileName.replaceFirst("\\.ko(\\.[a-z0-9]+)?$", ""));
  }

  /** A name as the kernel writes it. */
  static String canonical(String name) {
    return name.replace('-', '_').toLowerCase(Locale.ROOT);
  }

  /**
   * Reads a module.
   *
   * @param fileName the name of its file
   * @param elf its bytes, uncompressed
   * @throws MalformedPackage when this is not a 64-bit little-endian ELF file with such a section
   */
  static KernelModule read(String fileName, byte[] elf) throws MalformedPackage {
    List<String> needs = new ArrayList<>();
    List<String> wishes = new ArrayList<>();
    List<String> aliases = new ArrayList<>();
    for (String entry : modinfo(fileName, elf)) {
      int equals = entry.indexOf('=');
      String value = entry.substring(equals + 1);
      switch (entry.substring(0, Math.max(equals, 0))) {
        case "depends" -> addNames(canonical(value), ",", needs);
        case "softdep" -> {
          // "pre: a b post: c": what comes after is a wish about order that does not matter here.
          int pre = value.indexOf("pre:");
          if (pre >= 0) {
            addNames(value.substring(pre + 4).replaceFirst("post:.*", ""), "\\s+", wishes);
          }
        }
        case "alias" -> aliases.add(value);
        default -> {}
      }
    }
    return new KernelModule(nameOf(fileName), needs, wishes, aliases);
  }

  private static void addNames(String value, String separator, List<String> names) {
    for (String name : value.strip().split(separator, -1)) {
      if (!name.isEmpty()) {
        names.add(name);
      }
    }
  }

  private static List<String> modinfo(String fileName, byte[] elf) throws MalformedPackage {
    ByteBuffer file = ByteBuffer.wrap(elf);
    if (elf.length < HEADER_BYTES || file.getInt(0) != ELF64_LITTLE || elf[4] != 2 || elf[5] != 1) {
      throw new MalformedPackage(fileName + " is no 64-bit little-endian ELF file");
    }
    file.order(ByteOrder.LITTLE_ENDIAN);
    try {
      int table = Math.toIntExact(file.getLong(0x28));
      int count = file.getShort(0x3c) & 0xffff;
      int names = file.getShort(0x3e) & 0xffff;
      int namesOffset = Math.toIntExact(file.getLong(table + names * SECTION_BYTES + 0x18));
      for (int i = 0; i < count; i++) {
        int section = table + i * SECTION_BYTES;
        if (text(elf, namesOffset + file.getInt(section)).equals(".modinfo")) {
          int start = Math.toIntExact(file.getLong(section + 0x18));
          int size = Math.toIntExact(file.getLong(section + 0x20));
          return List.of(new String(elf, start, size, StandardCharsets.UTF_8).split("\0+", -1));
        }
      }
    } catch (IndexOutOfBoundsException | ArithmeticException e) {
      throw new MalformedPackage(fileName + " has a section outside the file", e);
    }
    throw new MalformedPackage(fileName + " has no .modinfo section");
  }

  private static String text(byte[] elf, int start) {
    int end = start;
    while (elf[end] != 0) {
      end++;
    }
    return new String(elf, start, end - start, StandardCharsets.UTF_8);
  }
}
