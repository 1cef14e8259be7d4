package duality.guests.linux;

import duality.guests.Progress;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * Gets one file from a mirror, and only hands it over when its size and hash are right.
 *
 * <p>Bytes go to a {@code .part} file beside the target and are counted into the hash as they come.
 * When the connection breaks, or the JVM ends, the next try goes on where the part ends. The part
 * becomes the target by a rename, so that a target that exists is complete.
 */
final class Download {

  private static final int TRIES = 4;
  private static final int BUFFER_BYTES = 1 << 16;
  private static final long REPORT_NANOS = 100_000_000;

  private final Mirror mirror;
  private final Progress progress;

  Download(Mirror mirror, Progress progress) {
    this.mirror = mirror;
    this.progress = progress;
  }

  /**
   * Reads a small file into memory, without a check.
   *
   * @param limit in bytes, beyond which it is refused
   */
  byte[] small(String what, String path, int limit) throws IOException, InterruptedException {
    progress.step(what, 0, -1);
    try (Mirror.Opened opened = mirror.open(path, 0)) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      byte[] buffer = new byte[BUFFER_BYTES];
      for (int n; (n = opened.content().read(buffer)) >= 0; ) {
        bytes.write(buffer, 0, n);
        if (bytes.size() > limit) {
          throw new MalformedPackage("the file is larger than " + limit + " bytes");
        }
      }
      progress.step(what, bytes.size(), bytes.size());
      return bytes.toByteArray();
    }
  }

  /**
   * Gets a file, unless it is there already.
   *
   * @param what the step, for progress
   * @param path below the mirror's root
   * @param target where it shall be
   * @param expected its size and hash
   * @throws NotAuthentic when the mirror's file has another size or hash
   * @throws StorageFailed when it cannot be written
   */
  void file(String what, String path, Path target, ReleaseFile.Listed expected)
      throws IOException, InterruptedException {
    if (Files.exists(target)) {
      progress.step(what, expected.size(), expected.size());
      return;
    }
    Path part = target.resolveSibling(target.getFileName() + ".part");
    for (int attempt = 1; ; attempt++) {
      long before = size(part);
      try {
        String sha256 = append(what, path, part, expected.size());
        if (sha256.equals(expected.sha256())) {
          Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
          return;
        }
        Files.deleteIfExists(part);
        // What an earlier run left may have been the broken piece: then once more from the start.
        if (before == 0 || attempt >= TRIES) {
          throw new NotAuthentic(
              "its SHA-256 is " + sha256 + " where the index says " + expected.sha256());
        }
      } catch (IOException e) {
        // Also when a file was closed under our hands by the interrupt.
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        if (e instanceof NotAuthentic
            || e instanceof StorageFailed
            || e instanceof FileNotFoundException) {
          throw e;
        }
        // The try counts only when it brought nothing, or the last one did.
        if (attempt >= TRIES || (attempt > 1 && size(part) == before)) {
          throw e;
        }
        Thread.sleep(500L * attempt);
      }
    }
  }

  /** Appends to {@code part} what is missing, and returns the hash of all of it. */
  private String append(String what, String path, Path part, long total)
      throws IOException, InterruptedException {
    MessageDigest digest = Initramfs.sha256();
    try (FileChannel out = open(part)) {
      long have = out.size() <= total ? hash(out, digest) : 0;
      if (have == total) {
        return HexFormat.of().formatHex(digest.digest());
      }
      try (Mirror.Opened opened = mirror.open(path, have)) {
        if (opened.start() != have) {
          digest.reset();
          have = 0;
        }
        if (opened.length() >= 0 && have + opened.length() != total) {
          throw new NotAuthentic(
              "it has " + (have + opened.length()) + " bytes where the index says " + total);
        }
        out.truncate(have);
        out.position(have);
        long done = copy(what, opened.content(), out, digest, have, total);
        if (done < total) {
          throw new IOException("the connection ended after " + done + " of " + total + " bytes");
        }
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private long copy(
      String what, InputStream in, FileChannel out, MessageDigest digest, long from, long total)
      throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    long done = from;
    long reported = System.nanoTime();
    progress.step(what, done, total);
    for (int n; (n = in.read(buffer)) >= 0; ) {
      done += n;
      if (done > total) {
        throw new NotAuthentic("it has more than the " + total + " bytes that the index says");
      }
      digest.update(buffer, 0, n);
      write(out, ByteBuffer.wrap(buffer, 0, n));
      long now = System.nanoTime();
      if (done < total && now - reported >= REPORT_NANOS) {
        reported = now;
        progress.step(what, done, total);
      }
    }
    if (done == total) {
      progress.step(what, done, total);
    }
    return done;
  }

  private static FileChannel open(Path part) throws StorageFailed {
    try {
      return FileChannel.open(
          part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new StorageFailed(e);
    }
  }

  private static void write(FileChannel out, ByteBuffer bytes) throws StorageFailed {
    try {
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    } catch (IOException e) {
      throw new StorageFailed(e);
    }
  }

  private static long hash(FileChannel in, MessageDigest digest) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    in.position(0);
    while (in.read(buffer.clear()) >= 0) {
      digest.update(buffer.flip());
    }
    return in.position();
  }

  private static long size(Path file) throws IOException {
    return Files.exists(file) ? Files.size(file) : 0;
  }
}
