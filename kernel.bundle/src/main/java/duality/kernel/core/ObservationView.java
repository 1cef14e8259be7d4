package duality.kernel.core;

import duality.kernel.CapabilityReport;
import duality.kernel.EndpointReport;
import duality.kernel.FailureReport;
import duality.kernel.Observation;
import duality.kernel.ServerReport;
import duality.kernel.SpaceReport;
import duality.kernel.ThreadReport;
import duality.kernel.TraceEvent;
import java.util.List;
import java.util.Map;

/** The view of the kernel that everybody may have: it cannot be cast to more. */
record ObservationView(Core core) implements Observation {
  @Override
  public List<EndpointReport> endpoints() {
    return core.endpoints();
  }

  @Override
  public List<ServerReport> servers() {
    return core.servers();
  }

  @Override
  public List<ThreadReport> threads() {
    return core.threads();
  }

  @Override
  public List<SpaceReport> spaces() {
    return core.spaces();
  }

  @Override
  public Map<String, Long> counters() {
    return core.counters();
  }

  @Override
  public List<CapabilityReport> capabilities() {
    return core.capabilities();
  }

  @Override
  public String callGuard() {
    return core.callGuard();
  }

  @Override
  public List<String> primitives() {
    return core.primitives();
  }

  @Override
  public List<FailureReport> failures() {
    return core.failures();
  }

  @Override
  public List<String> trace() {
    return core.trace();
  }

  @Override
  public List<TraceEvent> trace(long number, long waitMillis) {
    return core.trace(number, waitMillis);
  }
}
