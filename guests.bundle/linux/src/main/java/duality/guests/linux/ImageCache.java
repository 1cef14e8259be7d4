package duality.guests.linux;

import duality.guests.Progress;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The folder in which everything about one suite is kept.
 *
 * <pre>
 *   lock               held by the process that changes anything
 *   current            the name of the product to boot
 *   download/          index and packages, whole or .part; emptied when a product is complete
 *   NAME/              products, see {@link Product}, and their initramfs-KEY.cpio
 * </pre>
 *
 * <p>Readers need no lock: {@code current} and products appear by a rename, complete, and are never
 * changed. The product before the current one is kept, for those who have been told its files.
 */
final class ImageCache {

  private static final long POLL_MILLIS = 100;
  private static final int KEPT_PRODUCTS = 2;

  private final Path folder;

  ImageCache(Path folder) {
    this.folder = folder;
  }

  /**
   * Where a user's caches are.
   *
   * <p><em>Source:</em> XDG Base Directory Specification.
   */
  static Path userFolder(Map<String, String> environment, String home) {
    String named = environment.getOrDefault("XDG_CACHE_HOME", "");
    // The specification has relative paths ignored.
    return (named.startsWith("/") ? Path.of(named) : Path.of(home, ".cache")).resolve("duality");
  }

  Path folder() {
    return folder;
  }

  Path downloads() {
    return folder.resolve("download");
  }

  /** The product to boot, if there is one. */
  Optional<Product> current() {
    try {
      String name = Files.readString(folder.resolve("current")).strip();
      return name.isEmpty() || name.contains("/")
          ? Optional.empty()
          : Product.in(folder.resolve(name));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Takes the lock, waiting for another thread or process that has it. */
  Lock lock(Progress progress) throws IOException, InterruptedException {
    Files.createDirectories(downloads());
    FileChannel channel =
        FileChannel.open(
            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      for (boolean told = false; ; told = true) {
        FileLock lock = tryLock(channel);
        if (lock != null) {
          return new Lock(channel);
        }
        if (!told) {
          progress.step("waiting for another download", 0, -1);
        }
        Thread.sleep(POLL_MILLIS);
      }
    } catch (IOException | InterruptedException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // Another thread of this process has it.
      return null;
    }
  }

  /** The right to change the cache. */
  static final class Lock implements AutoCloseable {
    private final FileChannel channel;

    Lock(FileChannel channel) {
      this.channel = channel;
    }

    /** Gives it back. */
    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /** An empty folder for a product in the making. Left-overs of earlier tries are removed. */
  Path newFolder() throws IOException {
    try (var old = Files.newDirectoryStream(folder, "new-*")) {
      for (Path each : old) {
        deleteAll(each);
      }
    }
    return Files.createTempDirectory(folder, "new-");
  }

  /** Makes a complete product current, under its final name, and removes what is not needed. */
  Product publish(Product made) throws IOException {
    String key = made.indexSha256().substring(0, 12);
    Path place = folder.resolve(made.release() + "-" + key);
    if (Files.exists(place)) {
      deleteAll(place);
    }
    Files.move(made.folder(), place, StandardCopyOption.ATOMIC_MOVE);
    write(folder.resolve("current"), (place.getFileName() + "\n").getBytes(StandardCharsets.UTF_8));
    try (var files = Files.newDirectoryStream(downloads())) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
    removeOldProducts(place);
    return made.at(place);
  }

  /** Removes initial RAM disks that no start can be in the middle of reading any more. */
  static void removeOldInitramfs(Path product, Path kept) throws IOException {
    Instant old = Instant.now().minus(Duration.ofDays(1));
    try (var files = Files.newDirectoryStream(product, "initramfs-*.cpio")) {
      for (Path file : files) {
        if (!file.equals(kept) && Files.getLastModifiedTime(file).toInstant().isBefore(old)) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  /** Writes a file so that it is there complete or not at all. */
  static void write(Path target, byte[] content) throws IOException {
    Path temporary = Files.createTempFile(target.getParent(), "." + target.getFileName(), ".new");
    try {
      Files.write(temporary, content);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private void removeOldProducts(Path current) throws IOException {
    List<Product> others = new ArrayList<>();
    try (var folders = Files.newDirectoryStream(folder, Files::isDirectory)) {
      for (Path each : folders) {
        if (!each.equals(current)) {
          Product.in(each).ifPresent(others::add);
        }
      }
    }
    others.sort((a, b) -> b.date().compareTo(a.date()));
    for (int i = KEPT_PRODUCTS - 1; i < others.size(); i++) {
      deleteAll(others.get(i).folder());
    }
  }

  private static void deleteAll(Path root) throws IOException {
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
