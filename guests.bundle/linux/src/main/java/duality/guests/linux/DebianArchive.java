package duality.guests.linux;

import duality.guests.Progress;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import org.tukaani.xz.XZInputStream;

/**
 * One suite of Debian's archive on one mirror, for riscv64. Nothing that it gives out has not been
 * checked: the release file by its signature, the index by the release file, packages by the index.
 *
 * <p><em>Source:</em> Debian's repository format, as apt-secure(8) describes its chain of trust.
 */
final class DebianArchive {

  private static final String INDEX = "main/binary-riscv64/Packages.xz";
  private static final Pattern KERNEL = Pattern.compile("linux-(image|binary|modules)-");
  private static final int MAX_RELEASE_BYTES = 8 << 20;
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]*");

  private final Mirror mirror;
  private final String suite;
  private final String name;
  private final Download download;
  private final Path folder;

  /**
   * Looks at a suite.
   *
   * @param suite its name or role, a folder below {@code dists}
   * @param folder where files are kept while they are needed
   */
  DebianArchive(Mirror mirror, String suite, Path folder, Progress progress) {
    this(mirror, suite, suite, folder, new Download(mirror, progress));
  }

  private DebianArchive(Mirror mirror, String suite, String name, Path folder, Download download) {
    this.mirror = mirror;
    this.suite = suite;
    this.name = name;
    this.folder = folder;
    this.download = download;
  }

  /**
   * The same suite by its role if this is by its name, or the other way round. While a mirror is
   * being updated, one of them may still have the release before with all that it lists.
   *
   * @param release what this one has
   * @return empty if this is the other name already, or there is none
   */
  Optional<DebianArchive> byOtherName(ReleaseFile release) {
    String other = release.codename().equals(suite) ? release.suite() : release.codename();
    return name.equals(suite) && NAME.matcher(other).matches() && !other.equals(suite)
        ? Optional.of(new DebianArchive(mirror, suite, other, folder, download))
        : Optional.empty();
  }

  Mirror mirror() {
    return mirror;
  }

  /** Reads the release file and checks who signed it. */
  ReleaseFile release(ArchiveKeys keys) throws IOException, InterruptedException {
    byte[] file = download.small("release file", dists("InRelease"), MAX_RELEASE_BYTES);
    ReleaseFile release = ReleaseFile.parse(keys.verify(file));
    if (!release.codename().equals(suite) && !release.suite().equals(suite)) {
      // Signed, but for something else: an old or other release in this one's place.
      throw new NotAuthentic(
          "it is the release file of " + release.codename() + ", not of " + suite);
    }
    return release;
  }

  /** What a release says about the index, whose hash tells whether anything changed. */
  static ReleaseFile.Listed index(ReleaseFile release) throws MalformedPackage {
    ReleaseFile.Listed listed = release.files().get(INDEX);
    if (listed == null) {
      throw new MalformedPackage("the release " + release.codename() + " is not for riscv64");
    }
    return listed;
  }

  /** Gets the index and reads the packages of interest. */
  PackageIndex packages(ReleaseFile release) throws IOException, InterruptedException {
    ReleaseFile.Listed listed = index(release);
    Path file = folder.resolve(listed.sha256() + "-Packages.xz");
    String what = "index of packages";
    String plain = dists(INDEX);
    if (release.byHash()) {
      // By its hash the right one is there even while the mirror is being updated.
      String byHash = plain.replace("Packages.xz", "by-hash/SHA256/" + listed.sha256());
      try {
        download.file(what, byHash, file, listed);
      } catch (FileNotFoundException e) {
        download.file(what, plain, file, listed);
      }
    } else {
      download.file(what, plain, file, listed);
    }
    try (InputStream in = new XZInputStream(Files.newInputStream(file), 256 << 10)) {
      return PackageIndex.read(
          in, name -> KERNEL.matcher(name).lookingAt() || name.equals("busybox-static"));
    }
  }

  /** Gets a package, unless it is there already. */
  Path get(PackageIndex.Listed listed) throws IOException, InterruptedException {
    Path file = folder.resolve(listed.file().sha256() + ".deb");
    download.file(listed.name(), listed.path(), file, listed.file());
    return file;
  }

  private String dists(String path) {
    return "dists/" + name + "/" + path;
  }
}
