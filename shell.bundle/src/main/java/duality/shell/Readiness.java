package duality.shell;

import duality.guests.GuestImage;
import duality.kernel.Observation;
import duality.servers.Root;
import duality.servers.Swapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Function;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;

/**
 * Waits until the system is whole: the services that commands need, the commands themselves, and
 * every bundle started. It looks again every few milliseconds: that is cheaper than it seems, lasts
 * for a second, and cannot miss an event.
 */
final class Readiness {
  private static final List<String> SERVICES =
      List.of(
          Root.class.getName(),
          Swapper.class.getName(),
          Observation.class.getName(),
          GuestImage.class.getName());

  private static final List<String> COMMANDS =
      List.of(
          "vm:run", "task:run", "guest:list", "kernel:stat", "duality:help", "felix:lb", "lab:run");

  private static final long POLL_MILLIS = 5;
  private static final long POLL_TIMES = 4;

  /** How long bundles that do not start are waited for, when all services are there. */
  private static final Duration STRAGGLERS = Duration.ofSeconds(2);

  private final BundleContext context;
  private final CommandSession session;

  Readiness(BundleContext context, CommandSession session) {
    this.context = context;
    this.session = session;
  }

  /**
   * A limit on a host that is slow, such as an emulated one: the kernel's own become as much
   * longer.
   *
   * @param patience the framework property {@code duality.patience}; the kernel says when it is
   *     wrong
   */
  static Duration patiently(Duration limit, Optional<String> patience) {
    return limit.multipliedBy(
        patience.filter(text -> text.matches("[1-9][0-9]{0,3}")).map(Long::valueOf).orElse(1L));
  }

  /**
   * Waits.
   *
   * @return what is still missing after that time; empty when the system is whole
   */
  List<String> await(Duration most) throws InterruptedException {
    long start = System.nanoTime();
    long whole = 0;
    while (true) {
      long begun = System.nanoTime();
      List<String> missing = missing();
      long now = System.nanoTime();
      if (missing.isEmpty()) {
        whole = whole == 0 ? now : whole;
        if (stopped().isEmpty() || now - whole > STRAGGLERS.toNanos()) {
          return List.of();
        }
      } else {
        whole = 0;
        if (now - start > most.toNanos()) {
          missing.addAll(stopped());
          return missing;
        }
      }
      // On a slow host a look costs milliseconds that what is looked for needs.
      long looked = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
      TimeUnit.MILLISECONDS.sleep(Math.max(POLL_MILLIS, POLL_TIMES * looked));
    }
  }

  private List<String> missing() {
    List<String> missing = new ArrayList<>();
    for (String service : SERVICES) {
      if (context.getServiceReference(service) == null) {
        missing.add("service " + service.substring(service.lastIndexOf('.') + 1));
      }
    }
    for (String command : COMMANDS) {
      if (!(session.get(command) instanceof Function)) {
        missing.add("command " + command);
      }
    }
    return missing;
  }

  private List<String> stopped() {
    List<String> stopped = new ArrayList<>();
    for (Bundle bundle : context.getBundles()) {
      if (bundle.getState() == Bundle.ACTIVE) {
        continue;
      }
      boolean fragment = bundle.getHeaders().get(Constants.FRAGMENT_HOST) != null;
      boolean lazy = bundle.getHeaders().get(Constants.BUNDLE_ACTIVATIONPOLICY) != null;
      if (!fragment && !(lazy && bundle.getState() == Bundle.STARTING)) {
        stopped.add("bundle " + bundle.getSymbolicName() + " is not started");
      }
    }
    return stopped;
  }
}
