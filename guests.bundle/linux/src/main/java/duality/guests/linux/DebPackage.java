package duality.guests.linux;

import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongConsumer;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * Reads the files of a Debian package: an {@code ar} archive that holds a compressed {@code tar}
 * archive.
 *
 * <p>Nothing is written to disk here and no name in the archive is used as a path of this machine.
 * The archive may be hostile all the same: names with {@code ..} are an error, and numbers and
 * sizes are limited.
 *
 * <p><em>Source:</em> deb(5).
 */
final class DebPackage {

  /** Limits of one package: far above what Debian ships, far below what hurts. */
  record Limits(int files, long fileBytes, long totalBytes, int decoderKib) {
    static final Limits DEFAULT = new Limits(200_000, 256L << 20, 2L << 30, 256 << 10);
  }

  /** Is offered the regular files of a package in their order in it. */
  @FunctionalInterface
  interface Visitor {
    /**
     * One file.
     *
     * @param path relative to the root of the file system, without a leading {@code ./}
     * @param size its size in bytes
     * @param content its bytes; need not be read
     * @return whether to go on with the next file
     */
    boolean file(String path, long size, InputStream content) throws IOException;
  }

  private DebPackage() {}

  /**
   * Reads {@code deb} from start to end.
   *
   * @param position told how many bytes of the package have been read, now and then
   * @throws InterruptedIOException when this thread is interrupted
   * @throws MalformedPackage when it is not of this form, or a limit is exceeded
   * @throws IOException when it cannot be read
   */
  static void read(Path deb, Limits limits, LongConsumer position, Visitor visitor)
      throws IOException {
    String name = String.valueOf(deb.getFileName());
    try (InputStream file =
            new BufferedInputStream(new Counted(Files.newInputStream(deb), position), 1 << 16);
        ArArchiveInputStream ar = new ArArchiveInputStream(file)) {
      boolean versionSeen = false;
      for (ArArchiveEntry member; (member = ar.getNextEntry()) != null; ) {
        if (!versionSeen) {
          versionSeen = isVersion2(member, ar);
          if (!versionSeen) {
            throw new MalformedPackage(name + " does not start as a Debian package of format 2");
          }
        } else if (member.getName().startsWith("data.tar")) {
          try (InputStream tar = decompressed(name, member.getName(), ar, limits)) {
            readTar(name, tar, limits, visitor);
          }
          return;
        }
      }
    } catch (MalformedPackage | InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      throw new MalformedPackage(name + " cannot be unpacked: " + e.getMessage(), e);
    } catch (IllegalArgumentException | IndexOutOfBoundsException | NegativeArraySizeException e) {
      // What the archive readers answer to some kinds of garbage.
      throw new MalformedPackage(name + " cannot be unpacked: " + e, e);
    }
    throw new MalformedPackage(name + " has no data.tar in it");
  }

  private static boolean isVersion2(ArArchiveEntry member, InputStream content) throws IOException {
    return member.getName().equals("debian-binary")
        && member.getSize() < 64
        && new String(content.readNBytes(64), StandardCharsets.US_ASCII).startsWith("2.");
  }

  private static InputStream decompressed(String deb, String member, InputStream in, Limits limits)
      throws IOException {
    InputStream buffered = new BufferedInputStream(in, 1 << 16);
    return switch (member) {
      case "data.tar" -> buffered;
      case "data.tar.gz" -> new GZIPInputStream(buffered, 1 << 16);
      case "data.tar.xz" -> new XZInputStream(buffered, limits.decoderKib());
      default -> throw new MalformedPackage(deb + ": no decoder for " + member);
    };
  }

  private static void readTar(String deb, InputStream in, Limits limits, Visitor visitor)
      throws IOException {
    try (TarArchiveInputStream tar = new TarArchiveInputStream(new Capped(deb, in, limits))) {
      int files = 0;
      for (TarArchiveEntry entry; (entry = tar.getNextEntry()) != null; ) {
        if (++files > limits.files()) {
          throw new MalformedPackage(deb + " has more than " + limits.files() + " files");
        }
        String path = relative(deb, entry.getName());
        if (!entry.isFile() || entry.isLink() || entry.isSymbolicLink()) {
          continue;
        }
        if (entry.isSparse() || entry.getSize() > limits.fileBytes()) {
          throw new MalformedPackage(
              deb + ": " + path + " is larger than " + limits.fileBytes() + " bytes");
        }
        if (!visitor.file(path, entry.getSize(), tar)) {
          return;
        }
      }
    }
  }

  private static String relative(String deb, String name) throws MalformedPackage {
    String path = name.startsWith("./") ? name.substring(2) : name;
    if (path.startsWith("/") || path.indexOf('\0') >= 0 || ("/" + path + "/").contains("/../")) {
      throw new MalformedPackage(deb + " holds a file outside its root: " + name);
    }
    return path;
  }

  /** Says how far it is, and stops when it should. */
  private static final class Counted extends FilterInputStream {
    private final LongConsumer position;
    private long done;

    Counted(InputStream in, LongConsumer position) {
      super(in);
      this.position = position;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("interrupted");
      }
      int n = super.read(bytes, offset, length);
      done += Math.max(n, 0);
      position.accept(done);
      return n;
    }
  }

  /** Ends a stream that grows beyond all reason: a small archive can unpack to any size. */
  private static final class Capped extends FilterInputStream {
    private final String deb;
    private long left;

    Capped(String deb, InputStream in, Limits limits) {
      super(in);
      this.deb = deb;
      this.left = limits.totalBytes();
    }

    @Override
    public int read() throws IOException {
      int b = super.read();
      count(b < 0 ? 0 : 1);
      return b;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int n = super.read(bytes, offset, length);
      count(n);
      return n;
    }

    @Override
    public long skip(long n) throws IOException {
      long skipped = super.skip(n);
      count(skipped);
      return skipped;
    }

    private void count(long n) throws MalformedPackage {
      if (n > 0 && (left -= n) < 0) {
        throw new MalformedPackage(deb + " unpacks to more than is allowed");
      }
    }
  }
}
