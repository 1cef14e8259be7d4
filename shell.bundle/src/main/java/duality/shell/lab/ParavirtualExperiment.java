package duality.shell.lab;

import duality.shell.lab.Crossings.Crossing;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a kernel gains that was changed for its monitor: the same small kernel trapped, and ported
 * to a paravirtual interface.
 */
final class ParavirtualExperiment implements Experiment {
  private static final int[] BATCHES = {1, 8, 64, 512};

  /** An entry is made and taken away: two updates. */
  private static final double UPDATES = 2;

  /** What is made of many updates. */
  private static final List<NanoCrossings.Operation> PROCESSES =
      List.of(NanoCrossings.FORK, NanoCrossings.EXEC);

  /** What a few ticks of the guest's timer may add to an operation. */
  private static final double TICKS = 0.1;

  private static final String TRAP = "nano/trap";
  private static final String XEN = "nano/xen";
  private static final String GATE = "nano/xen+gate";
  private static final String SINGLE = "nano/xen+single";

  @Override
  public String name() {
    return "paravirtual";
  }

  @Override
  public String question() {
    return "What does a kernel that is changed for its monitor save over one that is trapped?";
  }

  @Override
  public String sources() {
    return "BDF+03, HUL06, HWF+05 claim 2; F01 in part, F10, F12";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Barham et al. 2003",
            "the ported kernel enters its monitor less often for each operation: updates of page"
                + " tables are batched, so that an entry costs a small part of a crossing, which"
                + " matters most for processes that are made and replaced; a system call through"
                + " the fast gate costs none; a request to a disk goes by a ring"),
        new Prediction(
            "Heiser, Uhlig and LeVasseur 2006",
            "without the gate a system call enters the monitor once, as it would be an IPC on L4;"
                + " the gate is a shortcut for system calls alone: page faults enter the monitor"
                + " with it as without, and changes of address spaces too"));
  }

  @Override
  public Result run(Trial trial) throws Exception {
    List<Crossing> rows = new ArrayList<>();
    List<Crossing> batched = new ArrayList<>();
    for (String monitor : List.of("vmm.machine", "vmm.trap", "vmm.xen")) {
      try (NanoCrossings nano = new NanoCrossings(trial, monitor)) {
        String structure = "nano/" + monitor.substring("vmm.".length());
        measure(nano, structure, rows);
        if (structure.equals(XEN)) {
          nano.set("gate on");
          measure(nano, GATE, rows);
          nano.set("gate off");
          for (int batch : BATCHES) {
            nano.set("batch " + batch);
            batched.add(nano.row(XEN + ", batches of " + batch, NanoCrossings.MAP, rows));
          }
          nano.set("batch 1");
          for (NanoCrossings.Operation each : PROCESSES) {
            batched.add(nano.row(SINGLE, each, rows));
          }
        }
      }
    }
    List<Finding> findings = new ArrayList<>();
    rows.forEach(row -> findings.add(figure(row)));
    less(rows, findings);
    batches(batched, rows, findings);
    gate(rows, findings);
    Map<String, List<? extends Record>> tables = new LinkedHashMap<>();
    tables.put("crossings", rows);
    tables.put("batches", batched);
    return new Result(
        findings,
        "Counts of one small kernel, which does not keep its tables in the way that Linux does; its"
            + " times are of this engine, in which a trap that stays inside costs next to nothing.",
        tables);
  }

  private static void measure(NanoCrossings nano, String structure, List<Crossing> rows) {
    for (NanoCrossings.Operation each : NanoCrossings.ALL) {
      rows.add(nano.row(structure, each, rows));
    }
  }

  private static Finding figure(Crossing row) {
    return Finding.figure(
        row.structure() + " " + row.operation(),
        row.remark().isEmpty()
            ? String.format(
                Locale.ROOT,
                "%.2f into servers, %.2f calls, %.2f maps; %d ns",
                into(row),
                row.calls(),
                row.maps() + row.unmaps(),
                row.cpuNanos())
            : row.remark());
  }

  private static void less(List<Crossing> rows, List<Finding> findings) {
    for (NanoCrossings.Operation each : NanoCrossings.ALL) {
      findings.add(
          fewer(
              each.name() + ": crossings ported beside trapped",
              into(rows, XEN, each.name()),
              into(rows, TRAP, each.name())));
    }
  }

  private static Finding fewer(String what, double few, double many) {
    return Finding.of(
        what,
        "fewer (Barham et al.)",
        String.format(Locale.ROOT, "%.2f beside %.2f", few, many),
        few < many);
  }

  private static void batches(List<Crossing> batched, List<Crossing> rows, List<Finding> findings) {
    for (int i = 0; i < BATCHES.length; i++) { // the others behind these are processes
      double expected = UPDATES / BATCHES[i];
      double measured = into(batched.get(i));
      findings.add(
          Finding.of(
              "an entry made and taken away, in batches of " + BATCHES[i],
              String.format(Locale.ROOT, "%.3f crossings: two updates (Barham et al.)", expected),
              String.format(Locale.ROOT, "%.3f; %d ns", measured, batched.get(i).cpuNanos()),
              batched.get(i).remark().isEmpty()
                  && Math.abs(measured - expected) <= TICKS * Math.max(1, expected)));
    }
    double trap = into(rows, TRAP, "map");
    findings.add(Finding.figure("the same, trapped", String.format(Locale.ROOT, "%.3f", trap)));
    for (NanoCrossings.Operation each : PROCESSES) {
      findings.add(
          fewer(
              each.name() + ": crossings with tables changed in batches beside one by one",
              into(rows, XEN, each.name()),
              into(batched, SINGLE, each.name())));
    }
  }

  private static void gate(List<Crossing> rows, List<Finding> findings) {
    double off = into(rows, XEN, "null");
    double on = into(rows, GATE, "null");
    findings.add(
        Finding.of(
            "system call without the gate",
            "1, as on L4 (Heiser et al.)",
            String.format(Locale.ROOT, "%.2f", off),
            Math.abs(off - 1) <= TICKS));
    findings.add(
        Finding.of(
            "system call through the gate",
            "0 (Barham et al.)",
            String.format(Locale.ROOT, "%.2f", on),
            on <= TICKS));
    for (String operation : List.of("fault", "map")) {
      double without = into(rows, XEN, operation);
      double with = into(rows, GATE, operation);
      findings.add(
          Finding.of(
              operation + " with the gate beside without",
              "the same: it is for system calls alone (Heiser et al.)",
              String.format(Locale.ROOT, "%.2f beside %.2f", with, without),
              Math.abs(with - without) <= TICKS * Math.max(1, without)));
    }
    for (String operation : List.of("yield", "switch", "fork", "exec")) {
      double without = into(rows, XEN, operation);
      double with = into(rows, GATE, operation);
      double calls = calls(rows, operation);
      findings.add(
          Finding.of(
              operation + " with the gate",
              "less by its system calls alone, and at least 1 (Heiser et al.)",
              String.format(
                  Locale.ROOT, "%.2f; %.2f without, of which %.2f calls", with, without, calls),
              with >= 1 - TICKS && Math.abs(without - with - calls) <= TICKS * without));
    }
  }

  /** System calls that came to the monitor without the gate. */
  private static double calls(List<Crossing> rows, String operation) {
    return rows.stream()
        .filter(each -> each.structure().equals(XEN) && each.operation().equals(operation))
        .filter(each -> !each.systemCalls().isEmpty())
        .mapToDouble(each -> Double.parseDouble(each.systemCalls()))
        .findFirst()
        .orElse(Double.NaN);
  }

  private static double into(List<Crossing> rows, String structure, String operation) {
    return rows.stream()
        .filter(each -> each.structure().equals(structure) && each.operation().equals(operation))
        .filter(each -> each.remark().isEmpty())
        .mapToDouble(ParavirtualExperiment::into)
        .findFirst()
        .orElse(Double.NaN);
  }

  private static double into(Crossing row) {
    return NanoCrossings.into(row);
  }
}
