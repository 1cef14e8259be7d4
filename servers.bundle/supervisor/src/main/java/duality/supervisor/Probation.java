package duality.supervisor;

import duality.kernel.CallFailed;
import duality.kernel.FailureReport;
import duality.kernel.Kernel;
import duality.kernel.ServerReport;
import duality.servers.Swapper;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Servers that came a short while ago, by a swap or by an update of their bundle: one that fails
 * now is not restarted, the one before it is put back. Asks the swapper only when the bundle behind
 * an endpoint has changed or is new, because the swapper may be busy.
 */
final class Probation {
  private static final long MILLIS = 60_000;
  static final long NANOS = TimeUnit.MILLISECONDS.toNanos(MILLIS);
  private static final String SWAPPER = "swapper";

  private final Kernel kernel;

  // Guarded by this:
  private final Map<String, Long> bundles = new HashMap<>();
  private final Map<String, Long> changedNanos = new HashMap<>();

  Probation(Kernel kernel) {
    this.kernel = kernel;
  }

  /** Looks who serves what now. */
  synchronized void look() {
    Map<String, Long> now = new HashMap<>();
    for (ServerReport server : kernel.servers()) {
      for (String path : server.endpoints()) {
        now.put(path, server.bundleId());
      }
    }
    bundles.keySet().retainAll(now.keySet());
    changedNanos.keySet().retainAll(now.keySet());
    now.forEach(
        (path, bundle) -> {
          // One seen for the first time may have been updated since it was made.
          if (!bundle.equals(bundles.put(path, bundle))) {
            changedNanos.put(path, System.nanoTime());
          }
        });
  }

  private synchronized boolean isOn(String path) {
    look();
    Long changed = changedNanos.get(path);
    return changed != null && System.nanoTime() - changed < NANOS;
  }

  /** Puts the version before back, if there is one; answers what was done, or null. */
  @Nullable String putBack(FailureReport failure) {
    String bundle = failure.bundle().split(" ", 2)[0];
    if (failure.path().equals(SWAPPER) || bundle.isEmpty() || !isOn(failure.path())) {
      return null;
    }
    synchronized (this) {
      changedNanos.remove(failure.path()); // tried once
    }
    try {
      Swapper.Swap back = kernel.connect(SWAPPER, Swapper.class).putBack(bundle, MILLIS);
      return back.done() ? "the update was bad: " + back.to() + " is put back" : null;
    } catch (CallFailed e) {
      return null;
    }
  }
}
