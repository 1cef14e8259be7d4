package duality.faults;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/** All verdicts, and the table of them. */
final class Report {
  private static final String LINE =
      "%-10s %8s %7s %7s %10s %9s %6s %11s %9s %9s %11s %11s %6s %6s %12s%n";

  private final Map<String, Verdict> verdicts = new TreeMap<>();

  /** Takes the place of an earlier one of the same injection. */
  synchronized void add(Verdict verdict) {
    verdicts.put(key(verdict.component(), verdict.number()), verdict);
  }

  synchronized boolean has(Task task) {
    return verdicts.containsKey(key(task.component(), task.number()));
  }

  private static String key(Component component, int number) {
    return "%02d %08d".formatted(component.ordinal(), number);
  }

  synchronized List<Verdict> verdicts() {
    return List.copyOf(verdicts.values());
  }

  /**
   * Verdicts that must not be: harm to others through a server that they do not share, harm to the
   * core, or a wrong byte through a fault that only stops.
   */
  List<Verdict> forbidden() {
    return verdicts().stream()
        .filter(
            each ->
                !each.alive()
                    || (!each.contained() && !each.component().shared())
                    || (each.failStop() && !each.dataCorrect()))
        .toList();
  }

  /**
   * A line for each kind of component; each figure stands before its denominator, injected when it
   * has none.
   */
  String table() {
    StringBuilder table = new StringBuilder();
    table.append(
        LINE.formatted(
            "component",
            "injected",
            "refused",
            "noticed",
            "manifested",
            "masked",
            "alive",
            "contained",
            "mended",
            "recovered",
            "data",
            "fail-stop",
            "silent",
            "missed",
            "p50/p99 ms"));
    List<Verdict> all = verdicts();
    for (Component component : Component.values()) {
      line(
          table,
          component.label(),
          all.stream().filter(each -> each.component() == component).toList());
    }
    line(table, "all", all);
    return table.toString();
  }

  private static void line(StringBuilder table, String name, List<Verdict> all) {
    if (all.isEmpty()) {
      return;
    }
    List<Verdict> noticed = all.stream().filter(Verdict::noticed).toList();
    List<Verdict> seen = all.stream().filter(Verdict::manifested).toList();
    List<Verdict> both = seen.stream().filter(Verdict::noticed).toList();
    List<Verdict> stopped = all.stream().filter(Verdict::failStop).toList();
    long[] times =
        seen.stream()
            .filter(Verdict::recovered)
            .mapToLong(Verdict::recoveredMillis)
            .sorted()
            .toArray();
    table.append(
        LINE.formatted(
            name,
            "" + all.size(),
            "" + count(all, Verdict::refused),
            "" + noticed.size(),
            "" + seen.size(),
            of(count(noticed, each -> !each.manifested()), noticed),
            "" + count(all, Verdict::alive),
            of(count(all, Verdict::contained), all),
            of(count(both, Verdict::recovered), both),
            of(times.length, seen),
            of(count(all, Verdict::dataCorrect), all),
            of(count(stopped, Verdict::dataCorrect), stopped),
            "" + count(all, Verdict::silent),
            "" + count(all, Verdict::missed),
            times.length == 0
                ? "-"
                : times[times.length / 2] + "/" + times[times.length * 99 / 100]));
  }

  /** By kind of fault: how often it was noticed, and how it was lived with. */
  String byFault() {
    List<Verdict> all = verdicts();
    StringBuilder lines = new StringBuilder();
    for (FaultKind kind : FaultKind.values()) {
      line(lines, kind.label(), all.stream().filter(each -> each.fault() == kind).toList());
    }
    return lines.toString();
  }

  private static String of(long part, Collection<Verdict> all) {
    return part + "/" + all.size();
  }

  private static long count(List<Verdict> all, Predicate<Verdict> which) {
    return all.stream().filter(which).count();
  }

  /** Those of a kind that somebody should look at, with the reason before them. */
  List<String> remarkable(long seed) {
    List<String> lines = new ArrayList<>();
    for (Verdict each : verdicts()) {
      String why =
          !each.contained()
              ? "not contained"
              : each.failStop() && !each.dataCorrect()
                  ? "wrong bytes after a fail-stop fault"
                  : each.noticed() && !each.dataCorrect()
                      ? "wrong bytes, and noticed"
                      : each.noticed() && each.manifested() && !each.recovered()
                          ? "noticed, not recovered"
                          : "";
      if (!why.isEmpty()) {
        lines.add(why + ": " + each.json(seed));
      }
    }
    return lines;
  }
}
