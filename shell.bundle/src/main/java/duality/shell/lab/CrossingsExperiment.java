package duality.shell.lab;

import duality.shell.command.CommandFailed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How often each structure crosses for the same operation of the same program. */
final class CrossingsExperiment implements Experiment {
  /** How far two who count the same may be from each other: they do not look at one moment. */
  private static final double SAME = 0.02;

  @Override
  public String name() {
    return "crossings";
  }

  @Override
  public String question() {
    return "How many crossings does an operation of an operating system cost in each structure?";
  }

  @Override
  public String sources() {
    return "HWF+05 claim 2; BDF+03, HHL+97; F08, F10, F12";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Hand et al. 2005",
            "a monitor's guest needs IPC for I/O alone; its system calls and faults cross nothing"),
        new Prediction(
            "Heiser et al. 2006",
            "where the guest's kernel has no hart of its own, each system call and fault is an IPC"
                + " in all but name: a monitor that traps crosses at least as often as a"
                + " personality on a microkernel"));
  }

  @Override
  public Result run(Trial trial) throws Exception {
    Path program = trial.program();
    if (program == null) {
      throw new CommandFailed(
          "it needs the program ops: it/src/programs/build.sh FOLDER, then"
              + " lab:run crossings --rounds 1 --file FOLDER/ops");
    }
    List<Crossings.Crossing> rows = new Crossings(trial, program).measure();
    List<Finding> findings = new ArrayList<>();
    for (Crossings.Crossing row : rows) {
      findings.add(
          Finding.figure(
              row.structure() + " " + row.operation(),
              row.remark().isEmpty()
                  ? String.format(
                      Locale.ROOT,
                      "%.2f into servers, %.2f calls, %.2f maps; %d ns",
                      into(row),
                      row.calls(),
                      row.maps() + row.unmaps(),
                      row.cpuNanos())
                  : row.remark()));
    }
    for (Crossings.Crossing row : rows) {
      if (!row.handled().isEmpty()) {
        double handled = Double.parseDouble(row.handled());
        findings.add(
            Finding.of(
                row.structure() + " " + row.operation() + ", by the core and by the monitor",
                "both count the same, within " + Math.round(100 * SAME) + " % or " + SAME,
                String.format(Locale.ROOT, "%.2f beside %.2f", into(row), handled),
                row.remark().isEmpty()
                    && Math.abs(into(row) - handled) <= Math.max(SAME * handled, SAME)));
      }
    }
    for (String operation : List.of("null", "fault", "fork", "exec", "switch")) {
      Crossings.Crossing machine = of(rows, "machine", operation);
      findings.add(
          Finding.of(
              operation + " on a full hart",
              "crosses nothing (Hand et al.)",
              String.format(Locale.ROOT, "%.2f", into(machine)),
              machine.remark().isEmpty() && into(machine) < 0.5));
    }
    for (String operation : List.of("null", "fault", "fork", "exec", "switch", Crossings.SCRIPT)) {
      Crossings.Crossing trap = of(rows, "trap", operation);
      Crossings.Crossing tasks = of(rows, "native", operation);
      if (tasks.remark().isEmpty() && trap.remark().isEmpty()) {
        findings.add(
            Finding.of(
                operation + ", trap-and-emulate beside a personality",
                "at least as many (Heiser et al.)",
                String.format(Locale.ROOT, "%.2f beside %.2f", into(trap), into(tasks)),
                into(trap) >= into(tasks)));
      }
    }
    return new Result(
        findings,
        "Both counts are of this system: a full hart in the engine stands for hardware that helps,"
            + " which the debate did not have.");
  }

  private static Crossings.Crossing of(
      List<Crossings.Crossing> rows, String structure, String operation) {
    return rows.stream()
        .filter(each -> each.structure().equals(structure) && each.operation().equals(operation))
        .findFirst()
        .orElseThrow();
  }

  private static double into(Crossings.Crossing row) {
    if (row.structure().startsWith("nano/")) {
      return NanoCrossings.into(row);
    }
    // A monitor's shadow spaces have no pager: faults there are among the exceptions.
    double faults = row.handled().isEmpty() ? row.faults() : 0;
    return row.exceptions() + faults + row.devices();
  }
}
