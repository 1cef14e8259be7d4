package duality.kernel;

import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Looks into the kernel without changing anything: what the {@code kernel:} commands print.
 * Published as an OSGi service.
 */
@ProviderType
public interface Observation {
  /** All endpoints, by path. */
  List<EndpointReport> endpoints();

  /** All registered servers, by name. */
  List<ServerReport> servers();

  /** All threads, by number. */
  List<ThreadReport> threads();

  /** All spaces, by number. */
  List<SpaceReport> spaces();

  /**
   * Kernel-wide counters by name: calls, faults, notifications, maps, unmaps, shoot-downs, frames…
   */
  Map<String, Long> counters();

  /** Who holds what: the capability graph, by holder. */
  List<CapabilityReport> capabilities();

  /**
   * How calls are guarded against a server that is replaced meanwhile: {@code membarrier} (callers
   * execute no fence) or {@code fence}.
   */
  String callGuard();

  /**
   * The object kinds and their methods, read from the exported interfaces: {@code Space.map}, ….
   */
  List<String> primitives();

  /** The last failures of servers (at most 256), oldest first. */
  List<FailureReport> failures();

  /** The last events of the bounded trace ring, oldest first. */
  List<String> trace();

  /**
   * The events of the trace ring from a number on, oldest first: to follow it, ask from the number
   * behind the last one seen. When events were forgotten in between, the numbers have a gap.
   *
   * @param number the first one wanted; 0 for all that are still there
   * @param waitMillis how long to wait for one when there is none yet, at least 0
   */
  List<TraceEvent> trace(long number, long waitMillis);
}
