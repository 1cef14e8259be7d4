package duality.it;

import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.guests.Progress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Assumptions;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceReference;
import org.osgi.util.tracker.ServiceTracker;

/** Finds services of the running system, waiting for those that are still to come. */
final class Services {
  private static final long WAIT_NANOS = TimeUnit.SECONDS.toNanos(100);

  private Services() {}

  /** The service of that type. */
  static <T> T service(Class<T> type) {
    return service(type, any -> true);
  }

  /** The first service of that type that fits; fails when there is none within 100 s. */
  static <T> T service(Class<T> type, Predicate<T> fits) {
    BundleContext context = context();
    BlockingQueue<T> arriving = new LinkedBlockingQueue<>();
    ServiceTracker<T, T> tracker =
        new ServiceTracker<>(context, type, null) {
          @Override
          public T addingService(ServiceReference<T> reference) {
            T service = super.addingService(reference);
            arriving.add(service);
            return service;
          }
        };
    tracker.open();
    long end = System.nanoTime() + WAIT_NANOS;
    try {
      while (true) {
        T next = arriving.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        if (next == null) {
          throw new AssertionError("no " + type.getName() + " that fits within 100 s");
        }
        if (fits.test(next)) {
          return next;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting for " + type.getName(), e);
    }
  }

  /**
   * Makes a guest ready to boot. A guest that cannot be downloaded skips the test, but not where
   * tests have to be complete (CI=true).
   */
  static Boot boot(String guest) throws GuestUnavailable {
    GuestImage image = service(GuestImage.class, each -> each.name().equals(guest));
    try {
      return image.prepare(Progress.NONE);
    } catch (GuestUnavailable missing) {
      boolean mayBeAbsent =
          missing.reason() == GuestUnavailable.Reason.NETWORK
              || missing.reason() == GuestUnavailable.Reason.NOT_CACHED;
      if (mayBeAbsent && !"true".equals(System.getenv("CI"))) {
        Assumptions.abort(missing.getMessage());
      }
      throw missing;
    }
  }

  private static BundleContext context() {
    Bundle own = FrameworkUtil.getBundle(Services.class);
    if (own == null) {
      throw new AssertionError("this test runs outside of a framework");
    }
    return own.getBundleContext();
  }
}
