package duality.recorder;

import duality.kernel.Observation;
import duality.kernel.TraceEvent;
import java.util.List;
import jdk.jfr.FlightRecorder;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * Follows the kernel's trace and commits an event of Java Flight Recorder for each failure.
 *
 * <p>It asks the kernel and is not called by it: the kernel stands on {@code java.*} and {@code
 * org.osgi.*} alone and calls nobody up, so that nobody who listens can hold it up. The price is
 * that an event's own time is a little late; its field {@code happened} is exact.
 */
@Component(
    service = {},
    immediate = true)
public final class Recorder {
  private static final long WAIT_MILLIS = 500;

  private final KernelEvents recorded = new KernelEvents();
  private final Observation kernel;
  private final Thread thread;
  private volatile boolean ended;

  /** Begins to follow. */
  @Activate
  public Recorder(@Reference Observation kernel) {
    this.kernel = kernel;
    thread = Thread.ofPlatform().daemon().name("duality recorder").start(this::follow);
  }

  @Deactivate
  void deactivate() throws InterruptedException {
    ended = true;
    thread.interrupt();
    thread.join();
    recorded.forget();
  }

  private void follow() {
    long next = 0;
    while (!ended) {
      List<TraceEvent> events = kernel.trace(next, WAIT_MILLIS);
      for (TraceEvent each : events) {
        // Making an event would load and start JFR, which takes a tenth of a second.
        if (FlightRecorder.isInitialized()) {
          recorded.commit(each);
        }
        next = each.number() + 1;
      }
    }
  }
}
