package duality.shell.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Whether a monitor shows the same machine, and where its overhead comes from. */
final class MonitorExperiment implements Experiment {
  private static final List<String> WORK =
      List.of("sum 200000", "put 3 8 2026", "get 3 8", "touch 500", "idle 20");

  @Override
  public String name() {
    return "monitor";
  }

  @Override
  public String question() {
    return "Is a guest run by trap-and-emulate the same guest, and what does the monitor do for"
        + " it?";
  }

  @Override
  public String sources() {
    return "Gol74, Popek and Goldberg 1974; F06";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Popek and Goldberg 1974",
            "equivalence: what the guest computes and reads back is the same as on the bare"
                + " machine; efficiency: innocuous instructions run without the monitor"),
        new Prediction(
            "Goldberg 1974",
            "the overhead has four sources: state of the virtual processor, privileged"
                + " instructions, paging within the machine, console functions"));
  }

  @Override
  public Result run(Trial trial) throws Exception {
    List<Finding> findings = new ArrayList<>();
    Map<String, String> bare = new LinkedHashMap<>();
    String overhead = "";
    long instructions = 0;
    for (String structure : List.of("machine", "trap")) {
      Path disk = trial.folder().resolve("disk-" + structure);
      try (NanoGuest guest =
          new NanoGuest(
              trial.root(), "lab-" + structure, trial.boot("nano"), disk, "vmm." + structure)) {
        guest.boot();
        for (String command : WORK) {
          String said = guest.command(command).replaceAll(", [0-9]+ ns$", "");
          if (structure.equals("machine")) {
            bare.put(command, said);
          } else {
            findings.add(
                Finding.of(
                    "'" + command + "' in user mode",
                    String.valueOf(bare.get(command)),
                    said,
                    said.equals(bare.get(command))));
          }
        }
        overhead = guest.report().overhead();
        instructions = guest.report().instructions();
      }
    }
    long exits = 0;
    int sources = 0;
    for (String line : overhead.split("\n", -1)) {
      String[] parts = line.split(": ", 2);
      if (parts.length < 2 || line.startsWith(" ")) {
        continue;
      }
      if (parts[0].equals("all")) {
        exits = Long.parseLong(parts[1].replaceAll(" exits.*", "").strip());
      } else {
        sources++;
        findings.add(Finding.figure(parts[0], parts[1].strip()));
      }
    }
    findings.add(
        Finding.of(
            "sources of overhead seen", "4 (Goldberg)", Integer.toString(sources), sources == 4));
    findings.add(
        Finding.of(
            "instructions without the monitor",
            "nearly all (Popek and Goldberg)",
            exits + " exits in " + instructions + " instructions",
            exits > 0 && exits * 20 < instructions));
    return new Result(
        findings,
        "A few commands of one small guest: the equivalence of random kernels is held by a test"
            + " (EquivalenceTest), that of all instructions by SensitiveInstructionsTest.");
  }
}
