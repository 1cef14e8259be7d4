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

  /**
   * The object kinds and their methods, read from the exported interfaces: {@code Space.map}, ….
   */
  List<String> primitives();

  /** The last events of the bounded trace ring, oldest first. */
  List<String> trace();
}
