package duality.shell.lab;

import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.SpaceReport;
import duality.kernel.ThreadReport;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * How often somebody crossed into the core or through it for one guest, by kind, up to a moment.
 *
 * @param calls of endpoints: the guest's devices, back ends, pager, root and the scheduler
 * @param faults that went to a pager
 * @param exceptions system calls, traps and privileged instructions handed to the guest's server
 * @param devices loads and stores of device registers handed to it
 * @param notifications signalled, in the whole system
 * @param maps pages mapped, in the whole system
 * @param unmaps taken, in the whole system
 * @param cpuNanos processor time of its threads, their servers' work on it included
 */
record Tallies(
    double calls,
    double faults,
    double exceptions,
    double devices,
    double notifications,
    double maps,
    double unmaps,
    double cpuNanos) {
  /** Of the guest with that endpoint. Its agent, which is asked by the host, does not count. */
  static Tallies now(Observation kernel, String path) {
    double calls = 0;
    for (EndpointReport each : kernel.endpoints()) {
      boolean own = each.path().startsWith(path + "/") && !each.path().contains("agent");
      if (own || each.path().equals("scheduler") || each.path().equals("root")) {
        calls += each.calls();
      }
    }
    double exceptions = 0;
    double devices = 0;
    double cpu = 0;
    for (ThreadReport each : kernel.threads()) {
      if (each.name().startsWith(path + ":")) {
        exceptions += each.calls();
        devices += each.mmio();
        cpu += each.cpuNanos();
      }
    }
    double faults = 0;
    for (SpaceReport each : kernel.spaces()) {
      if (each.name().startsWith(path + ":")) {
        faults += each.faults();
      }
    }
    Map<String, Long> all = kernel.counters();
    return new Tallies(
        calls,
        faults,
        exceptions,
        devices,
        all.getOrDefault("notifications", 0L),
        all.getOrDefault("maps", 0L),
        all.getOrDefault("unmaps", 0L),
        cpu);
  }

  /** What was counted since. */
  Tallies since(Tallies before) {
    return plus(before, -1).dividedBy(1);
  }

  private Tallies plus(Tallies other, double times) {
    return new Tallies(
        calls + times * other.calls,
        faults + times * other.faults,
        exceptions + times * other.exceptions,
        devices + times * other.devices,
        notifications + times * other.notifications,
        maps + times * other.maps,
        unmaps + times * other.unmaps,
        cpuNanos + times * other.cpuNanos);
  }

  /** What is more here than in another, per operation. */
  Tallies moreThan(Tallies other, double operations) {
    return plus(other, -1).dividedBy(operations);
  }

  /** The median of each figure by itself. */
  static Tallies median(List<Tallies> all) {
    return new Tallies(
        middle(all, Tallies::calls),
        middle(all, Tallies::faults),
        middle(all, Tallies::exceptions),
        middle(all, Tallies::devices),
        middle(all, Tallies::notifications),
        middle(all, Tallies::maps),
        middle(all, Tallies::unmaps),
        middle(all, Tallies::cpuNanos));
  }

  private static double middle(List<Tallies> all, ToDoubleFunction<Tallies> figure) {
    return DialedWork.median(all.stream().mapToDouble(figure).toArray());
  }

  private Tallies dividedBy(double by) {
    return new Tallies(
        calls / by,
        faults / by,
        exceptions / by,
        devices / by,
        notifications / by,
        maps / by,
        unmaps / by,
        cpuNanos / by);
  }
}
