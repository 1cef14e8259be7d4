package duality.library;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.felix.framework.FrameworkFactory;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.util.tracker.ServiceTracker;

/**
 * The system inside of this JVM, shared by all machines: a framework with the bundles that dist's
 * jar has, at their start levels, but without the shell. It is called through one service of a Java
 * type, because the classes of bundles are not ours.
 */
final class EmbeddedSystem {
  private static final String SYSTEM = "system.jar";
  private static final String INSIDE = "inside.jar";
  private static final String DESCRIPTION = "launcher.properties";
  private static final long START_MILLIS = TimeUnit.SECONDS.toMillis(120);
  private static final long STOP_MILLIS = TimeUnit.SECONDS.toMillis(60);

  /** What speaks to people at a prompt has no work here. */
  private static final List<String> WITHOUT =
      List.of("duality.shell", "jline", "org.apache.felix.gogo.command");

  private static final int LAST_LEVEL = 4;

  /** In the description: a bundle's name, version and start level. */
  private static final Pattern LEVEL =
      Pattern.compile("([^;,]+);version=\"([^\"]*)\";startlevel=(\\d+)");

  private static @Nullable EmbeddedSystem shared;
  private static int users;

  private final Framework framework;
  private final Path folder;
  private final BiFunction<String, Map<String, Object>, @Nullable Object> inside;
  private final Thread atEnd = new Thread(this::stopQuietly, "duality-library-end");

  /** The system that runs, or a new one; to be left as often as it was joined. */
  static synchronized EmbeddedSystem join() {
    EmbeddedSystem there = shared;
    if (there == null) {
      there = new EmbeddedSystem();
      shared = there;
    }
    users++;
    return there;
  }

  /** Who leaves last stops it. */
  static synchronized void leave() {
    EmbeddedSystem there = shared;
    if (--users == 0 && there != null) {
      shared = null;
      there.stop();
    }
  }

  private EmbeddedSystem() {
    try {
      folder = Files.createTempDirectory("duality-library.");
    } catch (IOException e) {
      throw new MachineException("no folder for temporary files: " + e.getMessage(), e);
    }
    framework = new FrameworkFactory().newFramework(configuration(folder));
    boolean up = false;
    try {
      framework.init();
      BundleContext context = framework.getBundleContext();
      install(context);
      framework.start();
      inside = service(context);
      Runtime.getRuntime().addShutdownHook(atEnd);
      up = true;
    } catch (BundleException | IOException | InvalidSyntaxException e) {
      throw new MachineException("the system does not start: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MachineException("interrupted while the system started", e);
    } finally {
      if (!up) {
        stopQuietly();
      }
    }
  }

  private static Map<String, String> configuration(Path folder) {
    Map<String, String> configuration = new HashMap<>();
    configuration.put(Constants.FRAMEWORK_STORAGE, folder.resolve("bundles").toString());
    configuration.put(Constants.FRAMEWORK_BEGINNING_STARTLEVEL, Integer.toString(LAST_LEVEL));
    // The JVM is somebody else's: its handlers of URLs, and its standard input, stay as they are.
    configuration.put("felix.service.urlhandlers", "false");
    // In threads of its own it would keep them for a minute behind the last machine.
    configuration.put("felix.resolver.parallelism", "1");
    configuration.put("duality.shell", "none");
    for (String name : System.getProperties().stringPropertyNames()) {
      if (name.startsWith("duality.")) {
        configuration.putIfAbsent(name, System.getProperty(name));
      }
    }
    return configuration;
  }

  /** Installs what dist's jar says it starts, and our own bundle. */
  private static void install(BundleContext context) throws IOException, BundleException {
    Map<String, byte[]> jars = new HashMap<>();
    Properties description = new Properties();
    try (ZipInputStream system = new ZipInputStream(resource(SYSTEM))) {
      for (ZipEntry entry = system.getNextEntry(); entry != null; entry = system.getNextEntry()) {
        if (entry.getName().equals(DESCRIPTION)) {
          description.load(new ByteArrayInputStream(system.readAllBytes()));
        } else if (entry.getName().endsWith(".jar")) {
          jars.put(entry.getName(), system.readAllBytes());
        }
      }
    }
    Map<String, Integer> levels = new HashMap<>();
    Matcher level = LEVEL.matcher(description.getProperty("launch.runbundles.attrs", ""));
    while (level.find()) {
      levels.put(level.group(1), Integer.parseInt(level.group(3)));
    }
    for (String name : description.getProperty("launch.bundles", "").split(",", -1)) {
      byte[] jar = jars.get(name);
      if (jar != null && WITHOUT.stream().noneMatch(each -> name.startsWith("jar/" + each))) {
        install(context, name, new ByteArrayInputStream(jar), levels);
      }
    }
    try (InputStream own = resource(INSIDE)) {
      install(context, INSIDE, own, levels);
    }
  }

  private static InputStream resource(String name) throws IOException {
    InputStream in = EmbeddedSystem.class.getResourceAsStream(name);
    if (in == null) {
      throw new IOException("this jar was built without " + name);
    }
    return in;
  }

  private static void install(
      BundleContext context, String name, InputStream jar, Map<String, Integer> levels)
      throws BundleException {
    Bundle bundle = context.installBundle("library:" + name, jar);
    BundleStartLevel start = bundle.adapt(BundleStartLevel.class);
    start.setStartLevel(levels.getOrDefault(bundle.getSymbolicName(), LAST_LEVEL));
    if (bundle.getHeaders().get(Constants.FRAGMENT_HOST) == null) {
      bundle.start();
    }
  }

  @SuppressWarnings("unchecked") // said by the property
  private static BiFunction<String, Map<String, Object>, @Nullable Object> service(
      BundleContext context) throws InvalidSyntaxException, InterruptedException, IOException {
    ServiceTracker<BiFunction<?, ?, ?>, BiFunction<?, ?, ?>> waiting =
        new ServiceTracker<>(
            context,
            context.createFilter(
                "(&(objectClass=" + BiFunction.class.getName() + ")(duality.library=inside))"),
            null);
    waiting.open();
    try {
      BiFunction<?, ?, ?> service = waiting.waitForService(START_MILLIS);
      if (service == null) {
        throw new IOException("it was not whole after " + START_MILLIS / 1000 + " s");
      }
      return (BiFunction<String, Map<String, Object>, @Nullable Object>) service;
    } finally {
      waiting.close();
    }
  }

  /** Calls the inside; what it refuses is a {@link MachineException}. */
  @Nullable Object call(String operation, Map<String, Object> arguments) {
    try {
      return inside.apply(operation, arguments);
    } catch (IllegalStateException refused) {
      throw new MachineException(String.valueOf(refused.getMessage()));
    }
  }

  private void stop() {
    Runtime.getRuntime().removeShutdownHook(atEnd);
    stopQuietly();
  }

  private void stopQuietly() {
    try {
      framework.stop();
      framework.waitForStop(STOP_MILLIS);
    } catch (BundleException e) {
      // It is stopped as far as it can be.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // In the folder for temporary files, where others clean up.
    }
  }
}
