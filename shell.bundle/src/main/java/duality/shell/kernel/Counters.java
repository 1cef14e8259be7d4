package duality.shell.kernel;

import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.SpaceReport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An endpoint's counters, those of its spaces added.
 *
 * @param endpoint its path
 * @param server who serves it now
 * @param calls calls that entered
 * @param faults missing pages of its spaces that were asked of pagers
 * @param notifications bits taken by its workers, counted by takes
 * @param waited calls that waited at its gate
 * @param failures calls that failed
 */
record Counters(
    String endpoint,
    String server,
    long calls,
    long faults,
    long notifications,
    long waited,
    long failures) {

  /** Of all endpoints, by path. */
  static List<Counters> now(Observation kernel) {
    Map<String, Long> faults = new HashMap<>();
    for (SpaceReport space : kernel.spaces()) {
      // A space is named by its endpoint's path, a colon and its own name.
      int colon = space.name().lastIndexOf(':');
      String owner = colon < 0 ? space.name() : space.name().substring(0, colon);
      faults.merge(owner, space.faults(), Long::sum);
    }
    List<Counters> counters = new ArrayList<>();
    for (EndpointReport endpoint : kernel.endpoints()) {
      counters.add(
          new Counters(
              endpoint.path(),
              endpoint.server(),
              endpoint.calls(),
              faults.getOrDefault(endpoint.path(), 0L),
              endpoint.notifications(),
              endpoint.waited(),
              endpoint.failures()));
    }
    return counters;
  }

  /** What was counted between two looks; endpoints that are no more are left out. */
  static List<Counters> between(List<Counters> before, List<Counters> after) {
    Map<String, Counters> old = new HashMap<>();
    before.forEach(each -> old.put(each.endpoint, each));
    List<Counters> difference = new ArrayList<>();
    for (Counters each : after) {
      Counters then = old.get(each.endpoint);
      // Fewer calls than before: another endpoint of the same path.
      difference.add(then == null || then.calls > each.calls ? each : each.minus(then));
    }
    return difference;
  }

  private Counters minus(Counters then) {
    return new Counters(
        endpoint,
        server,
        calls - then.calls,
        faults - then.faults,
        notifications - then.notifications,
        waited - then.waited,
        failures - then.failures);
  }

  /** Whether nothing was counted. */
  boolean still() {
    return calls == 0 && faults == 0 && notifications == 0 && waited == 0 && failures == 0;
  }
}
