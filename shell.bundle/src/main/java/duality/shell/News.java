package duality.shell;

import duality.kernel.Observation;
import duality.kernel.TraceEvent;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/**
 * Tells the person at the prompt when a server fails, which otherwise only {@code kernel:trace}
 * would say. What happens many times within a second is told once.
 */
final class News {
  private static final long WAIT_MILLIS = 500;
  private static final long QUIET_NANOS = 1_000_000_000L;

  private final BundleContext context;
  private final Consumer<String> teller;
  private volatile boolean ended;

  News(BundleContext context, Consumer<String> teller) {
    this.context = context;
    this.teller = teller;
  }

  void start() {
    Thread.ofPlatform().daemon().name("duality news").start(this::follow);
  }

  void end() {
    ended = true;
  }

  private void follow() {
    Observation kernel = kernel();
    if (kernel == null) {
      return;
    }
    List<TraceEvent> old = kernel.trace(0, 0);
    long next = old.isEmpty() ? 0 : old.getLast().number() + 1;
    String lastEndpoint = "";
    long lastTold = System.nanoTime() - QUIET_NANOS;
    while (!ended) {
      for (TraceEvent each : kernel.trace(next, WAIT_MILLIS)) {
        next = each.number() + 1;
        if (each.kind() == TraceEvent.Kind.FAILED || each.kind() == TraceEvent.Kind.FALLBACK) {
          long now = System.nanoTime();
          boolean again = each.endpoint().equals(lastEndpoint) && now - lastTold < QUIET_NANOS;
          if (!again && !ended) {
            teller.accept(each.text() + " (kernel:trace)");
          }
          lastEndpoint = each.endpoint();
          lastTold = now;
        }
      }
    }
  }

  private @Nullable Observation kernel() {
    ServiceReference<Observation> reference = context.getServiceReference(Observation.class);
    return reference == null ? null : context.getService(reference);
  }
}
