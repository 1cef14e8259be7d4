package duality.guests.linux;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/**
 * Writes a cpio archive in the "new" ASCII format that Linux unpacks as initial RAM file system.
 *
 * <p>The same entries give the same bytes: times are zero, everything belongs to root, inode
 * numbers count up from 1. Missing parent folders are added.
 *
 * <p><em>Source:</em> Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
 */
final class CpioWriter {

  private static final int FOLDER = 0040000;
  private static final int FILE = 0100000;
  private static final int LINK = 0120000;
  private static final int CHARACTER_DEVICE = 0020000;

  private final OutputStream out;
  private final Set<String> names = new HashSet<>();
  private long written;
  private int inode;

  CpioWriter(OutputStream out) {
    this.out = out;
  }

  /** Adds a folder and its missing parents; does nothing when it is there already. */
  void folder(String path) throws IOException {
    if (!names.contains(path)) {
      entry(path, FOLDER | 0755, new byte[0], 0, 0);
    }
  }

  /**
   * Adds a file.
   *
   * @param permissions the lower nine bits of its mode
   */
  void file(String path, int permissions, byte[] content) throws IOException {
    entry(path, FILE | (permissions & 0777), content, 0, 0);
  }

  /** Adds a symbolic link. */
  void link(String path, String target) throws IOException {
    entry(path, LINK | 0777, target.getBytes(StandardCharsets.UTF_8), 0, 0);
  }

  /** Adds a character device. */
  void characterDevice(String path, int permissions, int major, int minor) throws IOException {
    entry(path, CHARACTER_DEVICE | (permissions & 0777), new byte[0], major, minor);
  }

  /** Writes the end mark. The stream stays open. */
  void finish() throws IOException {
    header("TRAILER!!!", 0, 0, 0, 0, 0);
    pad(512);
    out.flush();
  }

  private void entry(String path, int mode, byte[] content, int major, int minor)
      throws IOException {
    if (path.startsWith("/") || path.isEmpty() || path.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("a path in the archive is relative: '" + path + "'");
    }
    int slash = path.lastIndexOf('/');
    if (slash > 0) {
      folder(path.substring(0, slash));
    }
    if (!names.add(path)) {
      throw new IllegalArgumentException(path + " is in the archive already");
    }
    header(path, ++inode, mode, content.length, major, minor);
    write(content);
    pad(4);
  }

  private void header(String name, int number, int mode, int size, int major, int minor)
      throws IOException {
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    int links = (mode & FOLDER) != 0 && (mode & FILE) == 0 ? 2 : 1;
    int[] fields = {
      number, mode, 0, 0, links, 0, size, 0, 0, major, minor, nameBytes.length + 1, 0
    };
    StringBuilder text = new StringBuilder("070701");
    for (int field : fields) {
      text.append(String.format("%08x", field));
    }
    write(text.toString().getBytes(StandardCharsets.US_ASCII));
    write(nameBytes);
    write(new byte[1]);
    pad(4);
  }

  private void pad(int unit) throws IOException {
    int over = (int) (written % unit);
    if (over != 0) {
      write(new byte[unit - over]);
    }
  }

  private void write(byte[] bytes) throws IOException {
    out.write(bytes);
    written += bytes.length;
  }

  /** The archive of what {@code content} adds, as bytes. */
  static byte[] bytes(Content content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 20);
    CpioWriter writer = new CpioWriter(bytes);
    content.addTo(writer);
    writer.finish();
    return bytes.toByteArray();
  }

  /** Adds entries. */
  @FunctionalInterface
  interface Content {
    void addTo(CpioWriter writer) throws IOException;
  }
}
