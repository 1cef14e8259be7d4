package duality.faults;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/** The bundles of the exported system in a folder, with the campaign's own; and jars of mutants. */
final class Installation {
  /** Parts that need a terminal, or start the system. */
  private static final Pattern LEFT_OUT =
      Pattern.compile(
          "duality\\.(shell|launch)\\.jar|(biz\\.aQute|jline|org\\.apache\\.felix\\.gogo).*");

  /** Parts that only Linux needs. */
  private static final Pattern FOR_LINUX =
      Pattern.compile("duality\\.guests\\.linux\\.jar|(bc|commons-|xz-).*");

  private static final String IMPORTS = "Import-Package";
  private static final String INJECTED = "duality/faults/injected/Injected.class";

  private final Map<Path, Map<String, byte[]>> read = new ConcurrentHashMap<>();

  final Path bundles;
  final Path framework;
  final Path own;

  /**
   * Unpacks the exported system into {@code folder}.
   *
   * @param linux whether Linux guests are wanted
   */
  Installation(Path system, Path own, Path folder, boolean linux) throws IOException {
    this.own = own;
    bundles = Files.createDirectories(folder.resolve("bundles"));
    Path found = null;
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(system))) {
      for (ZipEntry entry; (entry = in.getNextEntry()) != null; ) {
        String name = entry.getName();
        if (!name.startsWith("jar/") || !name.endsWith(".jar")) {
          continue;
        }
        String file = name.substring("jar/".length());
        if (file.startsWith("org.apache.felix.framework")) {
          found = folder.resolve(file);
          Files.write(found, in.readAllBytes());
        } else if (!LEFT_OUT.matcher(file).matches()
            && (linux || !FOR_LINUX.matcher(file).matches())) {
          Files.write(bundles.resolve(file), in.readAllBytes());
        }
      }
    }
    if (found == null) {
      throw new IOException(system + " contains no framework; build the system first");
    }
    framework = found;
    embed("duality.vmm.machine", "duality.vmm.board");
    embed("duality.vmm.trap", "duality.vmm.board");
    embed("duality.vmm.xen", "duality.vmm.board");
    Files.copy(own, bundles.resolve("duality.faults.jar"));
  }

  /**
   * Puts the classes of a library into a bundle that imports them: what the library does is a part
   * of what its server does, and faults go into both.
   */
  private void embed(String bundle, String library) throws IOException {
    Path jar = bundles.resolve(bundle + ".jar");
    Map<String, byte[]> entries = entries(jar);
    Map<String, byte[]> inside = entries(bundles.resolve(library + ".jar"));
    Manifest manifest = manifest(entries);
    String imported =
        manifest.getMainAttributes().getValue(IMPORTS)
            + ","
            + manifest(inside).getMainAttributes().getValue(IMPORTS);
    String imports =
        Arrays.stream(imported.split(",(?=[a-z])", -1)) // not inside a range of versions
            .filter(each -> !each.startsWith(library + ";"))
            .distinct()
            .collect(Collectors.joining(","));
    manifest.getMainAttributes().putValue(IMPORTS, imports);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    manifest.write(bytes);
    entries.put(JarFile.MANIFEST_NAME, bytes.toByteArray());
    inside.forEach(
        (name, content) -> {
          if (name.endsWith(".class")) {
            entries.put(name, content);
          }
        });
    write(jar, entries);
    read.remove(jar);
  }

  private static Manifest manifest(Map<String, byte[]> entries) throws IOException {
    byte[] bytes = entries.getOrDefault(JarFile.MANIFEST_NAME, new byte[0]);
    return new Manifest(new ByteArrayInputStream(bytes));
  }

  /** The class files of a bundle, by name. */
  Map<String, byte[]> classes(String bundle) {
    Map<String, byte[]> classes = new LinkedHashMap<>();
    entries(bundles.resolve(bundle + ".jar"))
        .forEach(
            (name, bytes) -> {
              if (name.endsWith(".class") && !name.endsWith("package-info.class")) {
                classes.put(name, bytes);
              }
            });
    return classes;
  }

  /**
   * Writes a jar with one class changed. Its symbolic name gets {@code suffix}, so that it can be
   * installed beside the original, and its server names {@code serverSuffix}.
   */
  void mutant(Path jar, String bundle, String suffix, String serverSuffix, Site site) {
    Map<String, byte[]> entries = entries(bundles.resolve(bundle + ".jar"));
    entries.computeIfPresent(site.file(), (name, bytes) -> Mutations.mutate(bytes, site));
    entries.replaceAll(
        (name, bytes) -> {
          if (name.equals("META-INF/MANIFEST.MF")) {
            return replaced(bytes, "(Bundle-SymbolicName: [^\\r\\n;]+)", "$1" + suffix);
          }
          return name.startsWith("OSGI-INF/")
              ? replaced(
                  bytes,
                  "(<property name=\"duality.server\"[^>]* value=\"[^\"]+)",
                  "$1" + serverSuffix)
              : bytes;
        });
    byte[] injected = entries(own).get(INJECTED);
    if (injected == null) {
      throw new IllegalStateException(own + " lacks " + INJECTED);
    }
    entries.put(INJECTED, injected);
    write(jar, entries);
  }

  /** Writes a copy of the bundles' folder in which one bundle has one class changed. */
  Path withMutatedBundle(Path folder, String bundle, Site site) throws IOException {
    Files.createDirectories(folder);
    try (var jars = Files.list(bundles)) {
      for (Path jar : jars.toList()) {
        Path copy = folder.resolve(String.valueOf(jar.getFileName()));
        if (copy.endsWith(bundle + ".jar")) {
          Map<String, byte[]> entries = entries(jar);
          entries.computeIfPresent(site.file(), (name, bytes) -> Mutations.mutate(bytes, site));
          entries.put(INJECTED, entries(own).getOrDefault(INJECTED, new byte[0]));
          write(copy, entries);
        } else {
          Files.createLink(copy, jar);
        }
      }
    }
    return folder;
  }

  private static byte[] replaced(byte[] bytes, String pattern, String by) {
    return new String(bytes, StandardCharsets.UTF_8)
        .replaceAll(pattern, by)
        .getBytes(StandardCharsets.UTF_8);
  }

  /** What is in a jar, for the caller to change. */
  private Map<String, byte[]> entries(Path jar) {
    return new LinkedHashMap<>(read.computeIfAbsent(jar, Installation::read));
  }

  private static Map<String, byte[]> read(Path jar) {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(jar))) {
      for (ZipEntry entry; (entry = in.getNextEntry()) != null; ) {
        if (!entry.isDirectory()) {
          entries.put(entry.getName(), in.readAllBytes());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return entries;
  }

  private static void write(Path jar, Map<String, byte[]> entries) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      out.setLevel(Deflater.BEST_SPEED);
      for (Map.Entry<String, byte[]> each : entries.entrySet()) {
        out.putNextEntry(new ZipEntry(each.getKey()));
        out.write(each.getValue());
        out.closeEntry();
      }
      out.finish();
      Files.write(jar, bytes.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
