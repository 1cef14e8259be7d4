package duality.guests.linux;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** Makes small packages for tests: Debian's form, other people's encoder. */
final class Packages {

  private Packages() {}

  /** A file or, with a target, a symbolic link. */
  record Member(String name, byte[] content, String linkTarget) {
    static Member file(String name, String content) {
      return new Member(name, content.getBytes(StandardCharsets.UTF_8), "");
    }

    static Member file(String name, byte[] content) {
      return new Member(name, content, "");
    }

    static Member link(String name, String target) {
      return new Member(name, new byte[0], target);
    }
  }

  static byte[] deb(Member... members) throws IOException {
    return ar(Map.of("data.tar.xz", xz(tar(members))));
  }

  /** An ar archive that starts as a package does. */
  static byte[] ar(Map<String, byte[]> members) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ArArchiveOutputStream ar = new ArArchiveOutputStream(bytes)) {
      put(ar, "debian-binary", "2.0\n".getBytes(StandardCharsets.US_ASCII));
      for (Map.Entry<String, byte[]> member : members.entrySet()) {
        put(ar, member.getKey(), member.getValue());
      }
    }
    return bytes.toByteArray();
  }

  private static void put(ArArchiveOutputStream ar, String name, byte[] content)
      throws IOException {
    ar.putArchiveEntry(new ArArchiveEntry(name, content.length));
    ar.write(content);
    ar.closeArchiveEntry();
  }

  static byte[] tar(Member... members) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      for (Member member : members) {
        // With preserved slashes: hostile names must reach the reader as they are.
        TarArchiveEntry entry =
            member.linkTarget().isEmpty()
                ? new TarArchiveEntry(member.name(), true)
                : new TarArchiveEntry(member.name(), TarArchiveEntry.LF_SYMLINK, true);
        entry.setLinkName(member.linkTarget());
        entry.setSize(member.content().length);
        tar.putArchiveEntry(entry);
        tar.write(member.content());
        tar.closeArchiveEntry();
      }
    }
    return bytes.toByteArray();
  }

  static byte[] xz(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (XZOutputStream xz = new XZOutputStream(bytes, new LZMA2Options(1))) {
      xz.write(content);
    }
    return bytes.toByteArray();
  }

  /** An ELF file with nothing in it but a {@code .modinfo} section of these entries. */
  static byte[] module(String... modinfo) {
    byte[] info = (String.join("\0", modinfo) + "\0").getBytes(StandardCharsets.UTF_8);
    byte[] names = "\0.modinfo\0.shstrtab\0".getBytes(StandardCharsets.US_ASCII);
    int namesAt = 64 + info.length;
    int table = namesAt + names.length;
    ByteBuffer elf = ByteBuffer.allocate(table + 3 * 64).order(ByteOrder.LITTLE_ENDIAN);
    elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(64);
    elf.put(info).put(names);
    elf.putLong(0x28, table).putShort(0x3c, (short) 3).putShort(0x3e, (short) 2);
    section(elf, table + 64, 1, 64, info.length);
    section(elf, table + 128, 10, namesAt, names.length);
    return elf.array();
  }

  private static void section(ByteBuffer elf, int at, int name, int offset, int size) {
    elf.putInt(at, name).putLong(at + 0x18, offset).putLong(at + 0x20, size);
  }

  /** A kernel package with all modules that are wanted. */
  static byte[] kernelDeb(String release, String kernelText) throws IOException {
    List<Member> members = modules(release);
    members.addFirst(Member.file("./boot/vmlinux-" + release, kernel(kernelText)));
    return deb(members.toArray(Member[]::new));
  }

  /** All modules that are wanted, without their kernel. */
  static byte[] modulesDeb(String release) throws IOException {
    return deb(modules(release).toArray(Member[]::new));
  }

  private static List<Member> modules(String release) throws IOException {
    List<Member> members = new ArrayList<>();
    String folder = "./usr/lib/modules/" + release + "/kernel/";
    Map<String, String> depends =
        Map.of(
            "virtio_mmio",
            "",
            "virtio_blk",
            "",
            "virtio-rng",
            "",
            "virtio_net",
            "net_failover",
            "net_failover",
            "failover",
            "failover",
            "",
            "crc32c_generic",
            "",
            "crc16",
            "",
            "jbd2",
            "",
            "mbcache",
            "");
    for (Map.Entry<String, String> module : depends.entrySet()) {
      members.add(
          Member.file(
              folder + "x/" + module.getKey() + ".ko.xz",
              xz(module("depends=" + module.getValue()))));
    }
    members.add(Member.file(folder + "fs/ext4.ko.xz", xz(module("depends=jbd2,mbcache,crc16"))));
    return members;
  }

  /** Bytes that start as a flat kernel image does. */
  static byte[] kernel(String text) {
    byte[] image = new byte[256];
    System.arraycopy("RISCV\0\0\0".getBytes(StandardCharsets.US_ASCII), 0, image, 0x30, 8);
    byte[] rest = text.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(rest, 0, image, 0x40, rest.length);
    return image;
  }
}
