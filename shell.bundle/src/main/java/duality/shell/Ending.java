package duality.shell;

import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.vmm.VirtualMachine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;

/**
 * Ends the system: stops the guests so that what they flushed is on disk, then the JVM, whose hook
 * stops the framework. When it ends for another reason, such as a signal, the guests are stopped
 * the same way, before any bundle is.
 */
final class Ending {
  private static final Duration GUESTS = Duration.ofSeconds(15);

  private final BundleContext context;
  private @Nullable ServiceRegistration<Runnable> beforeStop;
  private volatile boolean begun;

  Ending(BundleContext context) {
    this.context = context;
  }

  /** From now on the guests are stopped first, whatever ends the system. */
  void watch() {
    // What ends the framework looks for services with this property.
    beforeStop =
        context.registerService(
            Runnable.class,
            this::stopGuests,
            FrameworkUtil.asDictionary(Map.of("duality.before.stop", true)));
  }

  /** Whether the guests are being stopped: what fails from now on is no news to anybody. */
  boolean begun() {
    return begun;
  }

  /** Leaves the end to others. */
  void forget() {
    if (beforeStop != null) {
      beforeStop.unregister();
      beforeStop = null;
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

  private void stopGuests() {
    begun = true;
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
