package duality.shell.kernel;

import duality.kernel.CapabilityReport;
import duality.kernel.EndpointReport;
import duality.kernel.FailureReport;
import duality.kernel.Observation;
import duality.kernel.ServerReport;
import duality.kernel.SpaceReport;
import duality.kernel.ThreadReport;
import duality.kernel.TraceEvent;
import duality.kernel.TraceEvent.Kind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A kernel that reports what a test puts into its lists. */
final class FakeKernel implements Observation {
  final List<EndpointReport> endpoints = new ArrayList<>();
  final List<ServerReport> servers = new ArrayList<>();
  final List<ThreadReport> threads = new ArrayList<>();
  final List<SpaceReport> spaces = new ArrayList<>();
  final List<CapabilityReport> capabilities = new ArrayList<>();
  final List<TraceEvent> events = new ArrayList<>();

  /** Done each time somebody waits for an event that is not there. */
  Runnable whenWaited = () -> {};

  /** Adds an event with the next number. */
  void event(Kind kind, String endpoint, String text) {
    events.add(new TraceEvent(events.size(), Instant.EPOCH, kind, endpoint, text));
  }

  @Override
  public List<EndpointReport> endpoints() {
    return List.copyOf(endpoints);
  }

  @Override
  public List<ServerReport> servers() {
    return servers;
  }

  @Override
  public List<ThreadReport> threads() {
    return List.copyOf(threads);
  }

  @Override
  public List<SpaceReport> spaces() {
    return List.copyOf(spaces);
  }

  @Override
  public Map<String, Long> counters() {
    return Map.of();
  }

  @Override
  public List<CapabilityReport> capabilities() {
    return capabilities;
  }

  @Override
  public String callGuard() {
    return "fence";
  }

  @Override
  public List<String> primitives() {
    return List.of();
  }

  @Override
  public List<FailureReport> failures() {
    return List.of();
  }

  @Override
  public List<String> trace() {
    return events.stream().map(TraceEvent::line).toList();
  }

  @Override
  public List<TraceEvent> trace(long number, long waitMillis) {
    if (number >= events.size()) {
      whenWaited.run();
    }
    return events.stream().filter(each -> each.number() >= number).toList();
  }
}
