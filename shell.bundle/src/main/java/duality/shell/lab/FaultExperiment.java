package duality.shell.lab;

import java.util.List;
import java.util.Locale;

/** What a page fault that a pager serves costs in crossings. */
final class FaultExperiment implements Experiment {
  private static final int FEW = 200;
  private static final int MANY = 1_000;

  @Override
  public String name() {
    return "fault";
  }

  @Override
  public String question() {
    return "How many crossings does a page fault cost that a user-level pager serves?";
  }

  @Override
  public String sources() {
    return "Lie96, YTR+87; F12, F14 in part";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction("Mach 1987", "a memory object answers by messages: several for each fault"),
        new Prediction(
            "Liedtke 1996", "one IPC to the pager, which maps: at most two round trips and a map"));
  }

  @Override
  public Result run(Trial trial) throws Exception {
    try (NanoGuest guest =
        new NanoGuest(trial.root(), "lab-fault", trial.boot("nano"), null, "vmm.machine")) {
      guest.boot();
      String unused = guest.command("touch " + MANY);
      Tallies few = counted(trial, guest, FEW);
      Tallies many = counted(trial, guest, MANY);
      Tallies each = many.moreThan(few, MANY - FEW);
      return new Result(
          List.of(
              Finding.of(
                  "faults that reach the core for a fresh page",
                  "1",
                  figure(each.faults()),
                  Math.abs(each.faults() - 1) < 0.1),
              Finding.of(
                  "calls for a fault, of its pager and by it",
                  "at most 2 (Liedtke)",
                  figure(each.calls()),
                  each.calls() > 0.9 && each.calls() <= 2),
              Finding.of("pages mapped", "1", figure(each.maps()), Math.abs(each.maps() - 1) < 0.1),
              Finding.figure(
                  "processor time of a fault, the guest's own included",
                  Math.round(each.cpuNanos()) + " ns")),
          "The pager asks root for 64 frames at once, so the second round trip is rare. The guest's"
              + " own fault handler and clearing of the page are in the time, not in the counts.");
    }
  }

  private static Tallies counted(Trial trial, NanoGuest guest, int pages) {
    Tallies before = Tallies.now(trial.kernel(), guest.path());
    String said = guest.command("touch " + pages);
    if (!said.contains("all zero")) {
      throw new IllegalStateException("the guest says: " + said);
    }
    return Tallies.now(trial.kernel(), guest.path()).since(before);
  }

  private static String figure(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }
}
