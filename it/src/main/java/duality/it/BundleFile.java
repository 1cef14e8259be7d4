package duality.it;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import org.osgi.framework.Bundle;

/** Writes bundles for tests: an installed one under another version, or one of a few classes. */
final class BundleFile {
  private BundleFile() {}

  /** What is installed, as a file, with another version and perhaps other headers. */
  static Path of(Bundle installed, String version, Map<String, String> headers, Path folder)
      throws IOException {
    return copy(installed, version, headers, folder, "", bytes -> bytes);
  }

  /** What is installed under another version, with one entry changed. */
  static Path patched(
      Bundle installed, String version, String entry, UnaryOperator<byte[]> patch, Path folder)
      throws IOException {
    return copy(installed, version, Map.of(), folder, entry, patch);
  }

  private static Path copy(
      Bundle installed,
      String version,
      Map<String, String> headers,
      Path folder,
      String patched,
      UnaryOperator<byte[]> patch)
      throws IOException {
    Manifest manifest;
    try (InputStream in =
        Objects.requireNonNull(installed.getEntry("META-INF/MANIFEST.MF")).openStream()) {
      manifest = new Manifest(in);
    }
    manifest.getMainAttributes().putValue("Bundle-Version", version);
    headers.forEach((name, value) -> manifest.getMainAttributes().putValue(name, value));
    Path file = folder.resolve(installed.getSymbolicName() + "-" + version + ".jar");
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out, manifest)) {
      for (URL entry : Collections.list(installed.findEntries("/", "*", true))) {
        String name = entry.getPath().substring(1);
        if (name.endsWith("/") || name.equals("META-INF/MANIFEST.MF")) {
          continue;
        }
        jar.putNextEntry(new ZipEntry(name));
        try (InputStream in = entry.openStream()) {
          byte[] bytes = in.readAllBytes();
          jar.write(name.equals(patched) ? patch.apply(bytes) : bytes);
        }
        jar.closeEntry();
      }
    }
    return file;
  }

  /** A bundle of these classes of the tests' own; the first one is its activator. */
  static Path of(String name, String imports, Path folder, Class<?>... classes) throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", name);
    main.putValue("Bundle-Version", "1.0.0");
    main.putValue("Import-Package", imports);
    main.putValue("Bundle-Activator", classes[0].getName());
    Path file = folder.resolve(name + ".jar");
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out, manifest)) {
      for (Class<?> each : classes) {
        String entry = each.getName().replace('.', '/') + ".class";
        jar.putNextEntry(new ZipEntry(entry));
        try (InputStream in =
            Objects.requireNonNull(each.getClassLoader().getResourceAsStream(entry))) {
          in.transferTo(jar);
        }
        jar.closeEntry();
      }
    }
    return file;
  }
}
