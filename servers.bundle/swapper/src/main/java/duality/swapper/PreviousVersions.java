package duality.swapper;

import duality.kernel.CallFailed;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/**
 * Copies of bundles that an update replaced, one for each symbolic name, made of the framework's
 * own copy before that goes. The time of a file is the time of the update.
 */
final class PreviousVersions {
  private static final String FOLDER = "previous";
  private static final String MANIFEST = "META-INF/MANIFEST.MF";

  private PreviousVersions() {}

  private static @Nullable Path file(BundleContext system, String bundle) {
    File folder = system.getDataFile(FOLDER);
    return folder == null ? null : folder.toPath().resolve(bundle + ".jar");
  }

  /** Keeps a copy of a bundle that is about to be uninstalled. */
  static void keep(BundleContext system, Bundle old) throws IOException {
    write(old, file(system, String.valueOf(old.getSymbolicName())));
  }

  /** A copy of a bundle, to be installed once more; overwritten by the next one. */
  static Path copy(BundleContext system, Bundle bundle) throws IOException {
    return write(bundle, file(system, "copy"));
  }

  private static Path write(Bundle old, @Nullable Path file) throws IOException {
    Enumeration<URL> entries = old.findEntries("/", "*", true);
    URL manifestEntry = old.getEntry(MANIFEST);
    if (file == null || entries == null || manifestEntry == null) {
      throw new IOException("the framework shows no entries of it");
    }
    Files.createDirectories(file.resolveSibling(""));
    Manifest manifest;
    try (InputStream in = manifestEntry.openStream()) {
      manifest = new Manifest(in);
    }
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out, manifest)) {
      for (URL entry : Collections.list(entries)) {
        String name = entry.getPath().substring(1);
        if (name.endsWith("/") || name.equals(MANIFEST)) {
          continue;
        }
        jar.putNextEntry(new ZipEntry(name));
        try (InputStream in = entry.openStream()) {
          in.transferTo(jar);
        }
        jar.closeEntry();
      }
    }
    return file;
  }

  /**
   * The copy of the version before the last update.
   *
   * @throws CallFailed.BadRequest when there is none, or that update was too long ago
   */
  static Path find(BundleContext system, String bundle, long withinMillis) {
    Path file = file(system, bundle);
    try {
      if (file == null || !Files.exists(file)) {
        throw new CallFailed.BadRequest(bundle + " was not updated: there is nothing to put back");
      }
      long age = System.currentTimeMillis() - Files.getLastModifiedTime(file).toMillis();
      if (age > withinMillis) {
        throw new CallFailed.BadRequest(
            bundle + " was updated " + age / 1_000 + " s ago, which is too long for a way back");
      }
      return file;
    } catch (IOException e) {
      throw new CallFailed.BadRequest("the copy of " + bundle + " cannot be read: " + e);
    }
  }

  /** Forgets the copy. */
  static void forget(BundleContext system, String bundle) {
    Path file = file(system, bundle);
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new CallFailed.BadRequest("the copy of " + bundle + " cannot be deleted: " + e);
    }
  }
}
