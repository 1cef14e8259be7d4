package duality.shell.lab;

import java.nio.file.Path;
import java.util.ArrayList;
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
            "Liedtke 1996",
            "one IPC to the pager, which maps: at most two round trips and a map, also with a pager"
                + " behind the pager"));
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
      List<Finding> findings =
          new ArrayList<>(
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
                  Finding.of(
                      "pages mapped", "1", figure(each.maps()), Math.abs(each.maps() - 1) < 0.1),
                  Finding.figure(
                      "processor time of a fault, the guest's own included",
                      String.format(
                          Locale.ROOT,
                          "%.0f ns, as %.0f plain calls of an object",
                          each.cpuNanos(),
                          each.cpuNanos() / SpacesExperiment.plainCall()))));
      findings.addAll(stacked(trial));
      return new Result(
          findings,
          "The pager asks root for 64 frames at once, so the second round trip is rare. The guest's"
              + " own fault handler and clearing of the page are in the time, not in the counts. A"
              + " native program's page has two pagers, one behind the other.");
    }
  }

  /** Two pagers, one behind the other: a native program's personality, and the pager of that. */
  private static List<Finding> stacked(Trial trial) throws Exception {
    Path program = trial.program();
    if (program == null) {
      return List.of(Finding.figure("two pagers, one behind the other", "left out: no --file"));
    }
    try (NativeGuest guest = new NativeGuest(trial.root(), "lab-fault", program, null)) {
      guest.boot();
      String unused = guest.take(FEW);
      Calls before = Calls.now(trial, guest.path());
      unused = guest.take(FEW);
      Calls few = Calls.now(trial, guest.path()).minus(before);
      before = Calls.now(trial, guest.path());
      unused = guest.take(MANY);
      Calls many = Calls.now(trial, guest.path()).minus(before);
      double pages = MANY - FEW;
      double first = (many.personality - few.personality) / pages;
      double second = (many.pager - few.pager) / pages;
      return List.of(
          Finding.of(
              "fresh page of a native program: calls of its personality, the first pager",
              "1",
              figure(first),
              Math.abs(first - 1) < 0.1),
          Finding.of(
              "calls of the second pager, behind it",
              "1",
              figure(second),
              Math.abs(second - 1) < 0.1),
          Finding.of(
              "round trips of both, with root's",
              "at most 2 and a few (Liedtke)",
              figure(first + second + (many.root - few.root) / pages),
              first + second <= 2.1));
    }
  }

  private record Calls(double personality, double pager, double root) {
    static Calls now(Trial trial, String path) {
      return new Calls(of(trial, path), of(trial, path + "/pager"), of(trial, "root"));
    }

    private static double of(Trial trial, String path) {
      return trial.kernel().endpoints().stream()
          .filter(each -> each.path().equals(path))
          .mapToDouble(each -> each.calls())
          .sum();
    }

    Calls minus(Calls before) {
      return new Calls(personality - before.personality, pager - before.pager, root - before.root);
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
