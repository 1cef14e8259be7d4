package duality.guests.linux;

import duality.guests.GuestUnavailable;
import duality.guests.GuestUnavailable.Reason;
import duality.guests.Progress;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/** Gets kernel and busybox from Debian's archive into the cache. */
final class DebianFetch {

  private static final String KERNEL = "linux-image-riscv64";
  private static final String BUSYBOX = "busybox-static";
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Unpacked files and the initial RAM disk, beside the packages themselves. */
  private static final long ROOM_BYTES = 80L << 20;

  private final ImageCache cache;
  private final String suite;
  private final List<Path> hostKeyrings;
  private final Optional<Path> keyring;
  private final AptSettings settings;
  private final Progress progress;

  /**
   * Prepares to fetch.
   *
   * @param suite of Debian, for instance {@code trixie}
   * @param hostKeyrings files of keys to believe besides the built-in ones, as far as they are
   *     there
   * @param keyring another one, which must be there
   */
  DebianFetch(
      ImageCache cache,
      String suite,
      List<Path> hostKeyrings,
      Optional<Path> keyring,
      AptSettings settings,
      Progress progress) {
    this.cache = cache;
    this.suite = suite;
    this.hostKeyrings = List.copyOf(hostKeyrings);
    this.keyring = keyring;
    this.settings = settings;
    this.progress = progress;
  }

  /**
   * Gets the newest product. The caller holds the cache's lock.
   *
   * @param mirrors to be tried in this order until one can be reached
   */
  Product fetch(List<URI> mirrors) throws GuestUnavailable {
    if (mirrors.isEmpty()) {
      throw new GuestUnavailable(
          Reason.SETTINGS,
          "no mirror of Debian is known",
          "this host's apt names none",
          "Name one near you: guest:fetch linux --mirror URL");
    }
    List<GuestUnavailable> failures = new ArrayList<>();
    for (URI root : mirrors) {
      try (Mirror mirror = new Mirror(root, settings, PATIENCE)) {
        return fetch(new DebianArchive(mirror, suite, cache.downloads(), progress));
      } catch (IllegalArgumentException e) {
        failures.add(Failures.explain("the mirror " + root + " cannot be used", "", e));
      } catch (GuestUnavailable e) {
        if (e.reason() == Reason.CANCELLED || e.reason() == Reason.STORAGE) {
          throw e;
        }
        failures.add(e);
      }
    }
    GuestUnavailable first = failures.removeFirst();
    failures.forEach(first::addSuppressed);
    throw first;
  }

  private Product fetch(DebianArchive archive) throws GuestUnavailable {
    String where = archive.mirror().shown();
    String step = "the release file of Debian " + suite + " cannot be had";
    try {
      ReleaseFile release = archive.release(keys());
      Optional<Product> current = cache.current();
      if (current.isPresent() && isNewest(current.get(), release)) {
        return current.get();
      }
      step = "the index of packages cannot be had";
      PackageIndex index;
      try {
        index = archive.packages(release);
      } catch (NotAuthentic | FileNotFoundException e) {
        return fetchByOtherName(archive, release, e);
      }
      PackageIndex.Listed kernel = index.behind(KERNEL);
      PackageIndex.Listed busybox = index.find(BUSYBOX);
      step = "Linux cannot be kept";
      List<PackageIndex.Listed> parts = index.parts(kernel);
      long size = parts.stream().mapToLong(part -> part.file().size()).sum();
      checkRoom(size + busybox.file().size() + ROOM_BYTES);
      step = "the package " + busybox.name() + " cannot be had";
      Path busyboxDeb = archive.get(busybox);
      List<Path> kernelDebs = new ArrayList<>();
      for (PackageIndex.Listed part : parts) {
        step = "the package " + part.name() + " cannot be had";
        kernelDebs.add(archive.get(part));
      }
      step = "the packages cannot be unpacked";
      return cache.publish(unpack(release, kernelDebs, busyboxDeb));
    } catch (IOException | InterruptedException | RuntimeException e) {
      throw Failures.explain(step, where, e);
    }
  }

  /** What to do when a mirror has a release file but not the index that it is about. */
  private <E extends IOException> Product fetchByOtherName(
      DebianArchive archive, ReleaseFile release, E missing) throws E, GuestUnavailable {
    Optional<DebianArchive> other = archive.byOtherName(release);
    if (other.isEmpty()) {
      throw missing;
    }
    progress.step("the mirror is being updated, looking for the release before", 0, 0);
    try {
      return fetch(other.get());
    } catch (GuestUnavailable e) {
      if (e.reason() == Reason.CANCELLED || e.reason() == Reason.STORAGE) {
        throw e;
      }
      missing.addSuppressed(e);
      throw missing;
    }
  }

  /** A mirror that lags behind, or plays an old release to us, changes nothing. */
  private boolean isNewest(Product current, ReleaseFile release) throws MalformedPackage {
    if (release.date().isBefore(current.date())) {
      progress.step("the mirror is older than the cache, which is kept", 0, 0);
      return true;
    }
    return DebianArchive.index(release).sha256().equals(current.indexSha256());
  }

  private ArchiveKeys keys() throws GuestUnavailable {
    try {
      ArchiveKeys keys = ArchiveKeys.builtIn();
      for (Path file : hostKeyrings) {
        try {
          keys = keys.plus(file);
        } catch (IOException e) {
          // Not on this host, or in a form of its own; the release file tells whether it matters.
        }
      }
      return keyring.isPresent() ? keys.plus(keyring.get()) : keys;
    } catch (IOException e) {
      throw new GuestUnavailable(
          Reason.SETTINGS,
          "the keys of the archive cannot be read",
          e.toString(),
          "Correct the setting 'keyring' of duality.guests.linux",
          e);
    }
  }

  private void checkRoom(long needed) throws IOException {
    long room = Files.getFileStore(cache.folder()).getUsableSpace();
    if (room < needed) {
      throw new StorageFailed(
          "%,d MB are needed and %,d MB are free in %s"
              .formatted(needed >> 20, room >> 20, cache.folder()));
    }
  }

  private Product unpack(ReleaseFile release, List<Path> kernelDebs, Path busyboxDeb)
      throws IOException {
    String what = "unpacking";
    long size = 0;
    for (Path deb : kernelDebs) {
      size += Files.size(deb);
    }
    progress.step(what, 0, size);
    Path folder;
    try {
      folder = cache.newFolder();
    } catch (IOException e) {
      throw new StorageFailed(e);
    }
    String kernel =
        KernelPackage.unpack(kernelDebs, folder, KernelPackage.WANTED, new Steps(what, size));
    unpackBusybox(busyboxDeb, folder.resolve("busybox"));
    Product product =
        new Product(
            folder,
            kernel,
            release.version().isEmpty() ? release.codename() : release.version(),
            release.date(),
            DebianArchive.index(release).sha256(),
            Files.size(folder.resolve("Image")));
    product.describe();
    progress.step(what, size, size);
    return product;
  }

  /** Progress at most ten times a second. */
  private final class Steps implements LongConsumer {
    private final String what;
    private final long total;
    private long last = System.nanoTime();

    Steps(String what, long total) {
      this.what = what;
      this.total = total;
    }

    @Override
    public void accept(long done) {
      long now = System.nanoTime();
      if (done < total && now - last >= 100_000_000) {
        last = now;
        progress.step(what, done, total);
      }
    }
  }

  private static void unpackBusybox(Path deb, Path target) throws IOException {
    DebPackage.read(
        deb,
        DebPackage.Limits.DEFAULT,
        position -> {},
        (path, size, content) -> {
          if (path.matches("(usr/)?bin/busybox")) {
            Files.copy(content, target, StandardCopyOption.REPLACE_EXISTING);
            return false;
          }
          return true;
        });
    if (!Files.exists(target)) {
      throw new MalformedPackage(deb.getFileName() + " has no busybox in it");
    }
  }
}
