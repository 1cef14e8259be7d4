package duality.soak;

import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.ServerReport;
import duality.servers.Swapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;

/**
 * Updates bundles as {@code felix:update} does, each time to another version: two files of each
 * bundle that differ in their version take turns.
 *
 * <p>The pause that it answers is the whole update, until the endpoint is open again: an upper
 * bound. What callers waited is measured by calls.
 */
public final class FileUpdates implements BundleUpdates {
  private static final long OPEN_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long LOOK_NANOS = 100_000;

  private final BundleContext context;
  private final Path folder;
  private final Map<Long, List<Path>> versions = new HashMap<>();

  /**
   * Updates bundles of this framework.
   *
   * @param folder where to put their files
   */
  public FileUpdates(BundleContext context, Path folder) {
    this.context = context;
    this.folder = folder;
  }

  @Override
  public synchronized Swapper.Swap update(Observation kernel, String endpoint) {
    String server = report(kernel, endpoint).server();
    ServerReport from =
        kernel.servers().stream()
            .filter(each -> each.name().equals(server) && each.endpoints().contains(endpoint))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException(endpoint + " is served by nobody"));
    Bundle bundle = context.getBundle(from.bundleId());
    String before = bundle.getVersion().toString();
    List<Path> files = versions.computeIfAbsent(bundle.getBundleId(), id -> files(bundle));
    Path file = files.get(before.endsWith("first") ? 1 : 0);
    long since = System.nanoTime();
    String outcome = "done";
    try (InputStream content = Files.newInputStream(file)) {
      bundle.update(content);
    } catch (BundleException | IOException e) {
      outcome = "kept: " + e;
    }
    while (!report(kernel, endpoint).condition().equals("open")) {
      if (System.nanoTime() - since > OPEN_NANOS) {
        outcome = "kept: not open again: " + report(kernel, endpoint);
        break;
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
    if (outcome.equals("done") && bundle.getVersion().toString().equals(before)) {
      outcome = "kept: the version is still " + before;
    }
    return new Swapper.Swap(
        0,
        endpoint,
        server,
        server,
        from.endpoints().size(),
        0,
        TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - since),
        0,
        0,
        outcome);
  }

  private static EndpointReport report(Observation kernel, String endpoint) {
    return kernel.endpoints().stream()
        .filter(each -> each.path().equals(endpoint))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException(endpoint + " is not there"));
  }

  private List<Path> files(Bundle bundle) {
    List<Path> files = new ArrayList<>();
    try {
      for (String version : List.of("first", "second")) {
        Path file = folder.resolve(bundle.getSymbolicName() + "-" + version + ".jar");
        try (InputStream original = original(bundle);
            OutputStream to = Files.newOutputStream(file)) {
          copy(original, to, version);
        }
        files.add(file);
      }
    } catch (IOException e) {
      throw new IllegalStateException("no file of " + bundle + ": " + e, e);
    }
    return files;
  }

  /** The bundle's file, as it was installed: by itself, or inside the launcher's. */
  private InputStream original(Bundle bundle) throws IOException {
    String location = bundle.getLocation();
    int at = location.indexOf("file:");
    Path file = Path.of(at < 0 ? location : URI.create(location.substring(at)).getPath());
    if (Files.isRegularFile(file)) {
      return Files.newInputStream(file);
    }
    for (String each : System.getProperty("java.class.path", "").split(":", -1)) {
      Path nested = each.endsWith(".jar") ? nested(Path.of(each), bundle.getSymbolicName()) : null;
      if (nested != null) {
        return Files.newInputStream(nested);
      }
    }
    throw new IOException("it was installed from " + location);
  }

  private @Nullable Path nested(Path launcher, String name) throws IOException {
    try (ZipFile zip = new ZipFile(launcher.toFile())) {
      for (ZipEntry entry : (Iterable<ZipEntry>) zip.stream().<ZipEntry>map(e -> e)::iterator) {
        String last = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
        if (last.matches(java.util.regex.Pattern.quote(name) + "(-[0-9][^/]*)?\\.jar")) {
          Path file = folder.resolve(name + ".jar");
          try (InputStream content = zip.getInputStream(entry)) {
            Files.copy(content, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
          }
          return file;
        }
      }
    }
    return null;
  }

  private static void copy(InputStream from, OutputStream to, String version) throws IOException {
    try (JarInputStream in = new JarInputStream(from)) {
      Manifest manifest = in.getManifest();
      if (manifest == null) {
        throw new IOException("it has no manifest");
      }
      manifest.getMainAttributes().putValue(Constants.BUNDLE_VERSION, "0.1.0." + version);
      try (JarOutputStream out = new JarOutputStream(to, manifest)) {
        for (JarEntry entry; (entry = in.getNextJarEntry()) != null; ) {
          out.putNextEntry(new JarEntry(entry.getName()));
          in.transferTo(out);
        }
      }
    }
  }
}
