package duality.supervisor;

import duality.kernel.FailureReport;
import duality.kernel.State;
import duality.servers.Supervisor.Incident;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** The record of failures and of what was done, by the kernel's numbers. */
final class Incidents {
  /** How the outcome of a failure ends for which nothing more is done. */
  static final String GIVEN_UP = "given up";

  private static final int REMEMBERED = 256;

  /** Guarded by this. */
  private final TreeMap<Long, Incident> all = new TreeMap<>();

  synchronized void begin(FailureReport failure) {
    put(incident(failure, "", -1));
  }

  /** What was done about it; {@code served} says whether the service is there again, now. */
  synchronized void end(FailureReport failure, String outcome, boolean served) {
    long micros =
        served ? TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - failure.atNanos()) : -1;
    put(incident(failure, outcome, micros));
  }

  /** Whether the endpoint was given up after that failure. */
  synchronized boolean givenUp(long number) {
    Incident incident = all.get(number);
    return incident != null && incident.outcome().endsWith(GIVEN_UP);
  }

  private void put(Incident incident) {
    all.put(incident.number(), incident);
    if (all.size() > REMEMBERED) {
      all.pollFirstEntry();
    }
  }

  private static Incident incident(FailureReport failure, String outcome, long micros) {
    return new Incident(
        failure.number(),
        failure.at().truncatedTo(java.time.temporal.ChronoUnit.MILLIS).toString(),
        failure.path(),
        failure.server(),
        failure.bundle(),
        failure.kind().name(),
        failure.reason(),
        failure.inside(),
        outcome,
        micros,
        failure.stack());
  }

  synchronized List<Incident> list() {
    return List.copyOf(all.values());
  }

  synchronized List<State> save() {
    return all.values().stream().map(Incidents::state).toList();
  }

  private static State state(Incident each) {
    return State.of("incident", 1)
        .with("number", each.number())
        .with("time", each.time())
        .with("endpoint", each.endpoint())
        .with("server", each.server())
        .with("bundle", each.bundle())
        .with("kind", each.kind())
        .with("reason", each.reason())
        .with("inside", each.inside())
        .with("outcome", each.outcome())
        .with("micros", each.micros())
        .with("stack", String.join("\n", each.stack()));
  }

  synchronized void restore(List<State> saved) {
    for (Map.Entry<Long, Incident> each : byNumber(saved).entrySet()) {
      put(each.getValue());
    }
  }

  private static Map<Long, Incident> byNumber(List<State> saved) {
    Map<Long, Incident> read = new TreeMap<>();
    for (State each : saved) {
      each.expect("incident", 1);
      String stack = each.text("stack");
      Incident incident =
          new Incident(
              each.number("number", 1, Long.MAX_VALUE),
              each.text("time"),
              each.text("endpoint"),
              each.text("server"),
              each.text("bundle"),
              each.text("kind"),
              each.text("reason"),
              (int) each.number("inside", 0, Integer.MAX_VALUE),
              each.text("outcome"),
              each.number("micros", -1, Long.MAX_VALUE),
              stack.isEmpty() ? List.of() : List.of(stack.split("\n")));
      read.put(incident.number(), incident);
    }
    return read;
  }
}
