package duality.guests.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** The packages of one part of an archive for one processor, as far as they are asked for. */
final class PackageIndex {

  /**
   * One package.
   *
   * @param name its name
   * @param version its version
   * @param depends names of packages that it depends on; of alternatives the first
   * @param path of the file below the archive's root
   * @param file its size and hash
   */
  record Listed(
      String name, String version, List<String> depends, String path, ReleaseFile.Listed file) {}

  private final Map<String, Listed> packages;

  private PackageIndex(Map<String, Listed> packages) {
    this.packages = packages;
  }

  /**
   * Reads an uncompressed {@code Packages} file.
   *
   * @param wanted which names to keep; such an index has tens of thousands
   */
  static PackageIndex read(InputStream text, Predicate<String> wanted) throws IOException {
    Map<String, Listed> packages = new HashMap<>();
    BufferedReader reader =
        new BufferedReader(new InputStreamReader(text, StandardCharsets.UTF_8), 1 << 16);
    List<String> stanza = new ArrayList<>();
    boolean keep = false;
    for (String line; (line = reader.readLine()) != null; ) {
      if (line.isEmpty()) {
        add(stanza, packages);
        keep = false;
      } else if (line.startsWith("Package: ")) {
        keep = wanted.test(line.substring("Package: ".length()).strip());
      }
      if (keep) {
        stanza.add(line);
      }
    }
    add(stanza, packages);
    return new PackageIndex(packages);
  }

  /** The package of that name. */
  Listed find(String name) throws MalformedPackage {
    Listed listed = packages.get(name);
    if (listed == null) {
      throw new MalformedPackage("the index lists no package " + name);
    }
    return listed;
  }

  /** The package behind a name that only points to the newest of its kind by a dependency. */
  Listed behind(String metapackage) throws MalformedPackage {
    String prefix = metapackage.substring(0, metapackage.lastIndexOf('-') + 1);
    for (String name : find(metapackage).depends()) {
      if (name.startsWith(prefix)) {
        return find(name);
      }
    }
    throw new MalformedPackage("the index lists no package behind " + metapackage);
  }

  /**
   * The packages that have the files of a kernel: itself, or the two that it depends on. Debian has
   * cut it in two after trixie.
   */
  List<Listed> parts(Listed kernel) throws MalformedPackage {
    List<Listed> parts = new ArrayList<>();
    for (String name : kernel.depends()) {
      if (name.startsWith("linux-binary-") || name.startsWith("linux-modules-")) {
        parts.add(find(name));
      }
    }
    return parts.isEmpty() ? List.of(kernel) : parts;
  }

  private static void add(List<String> lines, Map<String, Listed> packages)
      throws MalformedPackage {
    if (lines.isEmpty()) {
      return;
    }
    Stanza stanza = Stanza.parse(lines).getFirst();
    lines.clear();
    String name = stanza.get("Package");
    String path = stanza.get("Filename");
    if (path.isEmpty() || path.startsWith("/") || ("/" + path + "/").contains("/../")) {
      throw new MalformedPackage("the index has " + name + " in the file '" + path + "'");
    }
    List<String> depends = new ArrayList<>();
    for (String dependency : stanza.get("Depends").split(",", -1)) {
      depends.add(dependency.strip().split("[\\s(|:]", 2)[0]);
    }
    try {
      ReleaseFile.Listed file =
          new ReleaseFile.Listed(Long.parseLong(stanza.get("Size")), stanza.get("SHA256"));
      packages.put(name, new Listed(name, stanza.get("Version"), List.copyOf(depends), path, file));
    } catch (IllegalArgumentException e) {
      throw new MalformedPackage("the index has no size and SHA-256 of " + name, e);
    }
  }
}
