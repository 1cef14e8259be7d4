package duality.shell;

import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.vmm.VirtualMachine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.ServiceReference;

/**
 * Ends the system: stops the guests so that what they flushed is on disk, then the framework, then
 * the JVM. A signal ends it the same way, through the JVM's shutdown hook.
 */
final class Ending {
  private static final Duration GUESTS = Duration.ofSeconds(15);
  private static final Duration FRAMEWORK = Duration.ofSeconds(15);

  private final BundleContext context;
  private final Thread hook = Thread.ofPlatform().name("duality end").unstarted(this::stopAll);

  Ending(BundleContext context) {
    this.context = context;
  }

  /** From now on a signal stops the guests first. */
  void watchSignals() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Leaves the end of the JVM to others. */
  void forgetSignals() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is ending already, perhaps because of us.
    }
  }

  /**
   * Ends the JVM with that code. On a thread of its own, because the framework waits for the
   * caller's thread when it stops this bundle.
   */
  void exit(int code) {
    Thread.ofPlatform()
        .name("duality exit")
        .start(
            () -> {
              stopGuests();
              // The first to call exit decides on the code: before the framework stops, so that its
              // launcher cannot be the first. The rest is done by the hook.
              System.exit(code);
            });
  }

  private void stopAll() {
    stopGuests();
    Bundle framework = context.getBundle(0);
    try {
      framework.stop();
      long until = System.nanoTime() + FRAMEWORK.toNanos();
      while ((framework.getState() & (Bundle.ACTIVE | Bundle.STOPPING)) != 0
          && System.nanoTime() < until) {
        TimeUnit.MILLISECONDS.sleep(5);
      }
    } catch (BundleException e) {
      System.err.println("the framework does not stop: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void stopGuests() {
    Root root = root();
    if (root == null) {
      return;
    }
    List<String> paths = new ArrayList<>();
    try {
      paths.addAll(root.paths(VirtualMachine.class));
    } catch (CallFailed e) {
      return;
    }
    CountDownLatch stopped = new CountDownLatch(paths.size());
    for (String path : paths) {
      Thread.ofPlatform()
          .daemon()
          .name("stop " + path)
          .start(
              () -> {
                try {
                  root.connect(path, VirtualMachine.class).stop();
                } catch (CallFailed e) {
                  // Stopped or removed already, or beyond help.
                } finally {
                  stopped.countDown();
                }
              });
    }
    try {
      if (!stopped.await(GUESTS.toMillis(), TimeUnit.MILLISECONDS)) {
        System.err.println(
            "guests that do not stop are left behind: " + stopped.getCount() + " of " + paths);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private @Nullable Root root() {
    try {
      ServiceReference<Root> reference = context.getServiceReference(Root.class);
      return reference == null ? null : context.getService(reference);
    } catch (IllegalStateException e) {
      return null;
    }
  }
}
