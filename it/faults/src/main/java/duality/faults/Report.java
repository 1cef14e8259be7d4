package duality.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** All verdicts, and the table of them. */
final class Report {
  private final List<Verdict> verdicts = new ArrayList<>();

  void add(Verdict verdict) {
    verdicts.add(verdict);
  }

  List<Verdict> verdicts() {
    return List.copyOf(verdicts);
  }

  /**
   * A line for each kind of component. Each figure has its denominator: refused, noticed,
   * manifested, contained and data correct of all injected; masked (mended before the client saw
   * anything) of those noticed; recovered and silent of those that manifested. Noticed: the system
   * saw by itself that a server failed (a fail-stop fault); silent: wrong answers or data without
   * that.
   */
  String table() {
    StringBuilder table = new StringBuilder();
    table.append(
        "%-10s %8s %8s %8s %10s %8s %11s %11s %12s %9s %14s%n"
            .formatted(
                "component",
                "injected",
                "refused",
                "noticed",
                "manifested",
                "masked",
                "contained",
                "recovered",
                "data correct",
                "silent",
                "recovery p50/99"));
    for (Component component : Component.values()) {
      line(table, component.label(), each -> each.component() == component);
    }
    line(table, "all", each -> true);
    return table.toString();
  }

  private void line(StringBuilder table, String name, Predicate<Verdict> which) {
    List<Verdict> all = verdicts.stream().filter(which).toList();
    if (all.isEmpty()) {
      return;
    }
    List<Verdict> noticed = all.stream().filter(Verdict::failStop).toList();
    List<Verdict> seen = all.stream().filter(Verdict::manifested).toList();
    long[] times =
        seen.stream()
            .mapToLong(Verdict::recoveredMillis)
            .filter(each -> each >= 0)
            .sorted()
            .toArray();
    table.append(
        "%-10s %8d %8s %8s %10s %8s %11s %11s %12s %9s %14s%n"
            .formatted(
                name,
                all.size(),
                "" + count(all, Verdict::refused),
                "" + noticed.size(),
                "" + seen.size(),
                of(count(noticed, each -> !each.manifested()), noticed.size()),
                of(count(all, Verdict::contained), all.size()),
                of(times.length, seen.size()),
                of(count(all, Verdict::dataCorrect), all.size()),
                of(count(seen, Verdict::silent), seen.size()),
                times.length == 0
                    ? "-"
                    : times[times.length / 2] + "/" + times[times.length * 99 / 100] + " ms"));
  }

  private static String of(long part, long all) {
    return part + "/" + all;
  }

  private static long count(List<Verdict> all, Predicate<Verdict> which) {
    return all.stream().filter(which).count();
  }

  /** One object a line, so that a run that was cut short can be read as well. */
  void json(Path file) throws IOException {
    Files.write(file, verdicts.stream().map(Verdict::json).toList());
  }
}
