package duality.launch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleException;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.framework.launch.Framework;

/**
 * Stops the framework before the JVM ends, whoever asked for the end: SIGTERM, SIGHUP when the
 * terminal is closed, {@code System.exit} at the end of a script, or {@code exit} in the shell.
 * Only a framework that is stopped lets its bundles halt their guests and flush their disks. What
 * has to be done while all bundles are there is a {@link Runnable} service with the property {@code
 * duality.before.stop=true}.
 *
 * <p>The launcher calls it as an embedded activator right after the framework is initialised, when
 * no bundle is started yet. It lives on the class path and not in a bundle because it has work left
 * when all bundles are gone: the folder named by {@value #RUN_FOLDER} (bundle cache and temporary
 * files of this run) is removed last.
 *
 * <p>A thread that calls {@code System.exit} from a bundle never comes back, so that bundle's stop
 * must not wait for it.
 */
public final class OrderlyEnd implements BundleActivator {

  /** Read by the launcher by reflection: start this activator before any bundle is installed. */
  public static final String IMMEDIATE = "AFTER_FRAMEWORK_INIT";

  /**
   * System property: the folder of this run. Absent when the jar is started without the {@code
   * duality} script.
   */
  static final String RUN_FOLDER = "duality.run.folder";

  /**
   * Filter of services of the type {@link Runnable} that are run when the framework begins to stop
   * and all bundles are still there, as to halt guests.
   */
  static final String BEFORE_STOP = "(duality.before.stop=true)";

  /** How long bundles may take to stop, all together; guests have disks to flush. */
  private static final long STOP_TIMEOUT_MILLIS = TimeUnit.SECONDS.toMillis(30);

  @Override
  public void start(BundleContext context) {
    Framework framework = context.getBundle(0).adapt(Framework.class);
    String folder = System.getProperty(RUN_FOLDER);
    Path runFolder = folder == null ? null : Path.of(folder);
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> end(framework, runFolder), "duality-end"));
    context.addBundleListener(
        (SynchronousBundleListener)
            event -> {
              if (event.getType() == BundleEvent.STOPPING && event.getBundle().getBundleId() == 0) {
                stopping(context);
              }
            });
  }

  /** The framework has begun to stop, for whatever reason; no bundle is stopped yet. */
  private static void stopping(BundleContext context) {
    // When it was stopped from inside, that is a normal end, of which the launcher would make a
    // status of its own. The first exit wins; this one waits until the hook is through.
    Thread.ofPlatform().daemon().name("duality-exit").start(() -> System.exit(0));
    try {
      for (var reference : context.getServiceReferences(Runnable.class, BEFORE_STOP)) {
        Runnable last = context.getService(reference);
        if (last != null) {
          last.run();
        }
      }
    } catch (InvalidSyntaxException | RuntimeException e) {
      System.err.println("duality: not everything could be stopped in order: " + e);
    }
  }

  @Override
  public void stop(BundleContext context) {
    // The hook outlives the framework, or it would leave the folder of this run behind.
  }

  private static void end(Framework framework, @Nullable Path runFolder) {
    try {
      framework.stop();
      framework.waitForStop(STOP_TIMEOUT_MILLIS);
    } catch (BundleException e) {
      System.err.println("duality: the framework did not stop cleanly: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (runFolder != null) {
      remove(runFolder);
    }
  }

  /**
   * Removes what it can; a leftover is found and removed by the next start of the {@code duality}
   * script.
   */
  static void remove(Path folder) {
    try (var files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      System.err.println("duality: cannot remove " + folder + ": " + e.getMessage());
    }
  }
}
