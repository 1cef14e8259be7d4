package duality.shell.lab;

import duality.servers.CostDial;
import duality.servers.Swapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How much the price of a crossing matters: dials stand in front of all endpoints of a guest, the
 * same work is done at several prices, and the slope of time against price is compared with how
 * many crossings the dials counted.
 */
final class CostExperiment implements Experiment {
  private static final long[] NANOS = {0, 5_000, 20_000, 50_000, 100_000};

  /** How far the slope may be from the count: a fifth, or so many crossings. */
  private static final double TOLERANCE = 0.2;

  private static final double FEW_CROSSINGS = 30;

  /** A command that does nothing: what it takes to type one and read the answer. */
  private static final String NOTHING = "ticks";

  private static final List<String> ENDPOINTS =
      List.of("", "/pager", "/plic", "/uart", "/console", "/blk0", "/store0");

  private static final Map<String, String> WORK = work();

  private static Map<String, String> work() {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("compute", "sum 1000000");
    all.put("page faults", "touch 300");
    all.put("disk read of 32 KiB", "get 0 64");
    return all;
  }

  @Override
  public String name() {
    return "cost";
  }

  @Override
  public String question() {
    return "How does the time of a guest's work grow with the price of a crossing?";
  }

  @Override
  public String sources() {
    return "HWF+05 claim 2; F10, F11 in part, F12; Lie96";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Hand et al. 2005",
            "a monitor makes the price of IPC irrelevant: on vmm.machine no work slows down"
                + " noticeably when a crossing costs 5 µs more"),
        new Prediction(
            "Heiser et al. 2006",
            "time is a base plus price times crossings in every structure; what differs is how many"
                + " there are, and trap-and-emulate has the most"),
        new Prediction(
            "the dials", "the slope of time against price is the number of calls they count"));
  }

  /** The line through the points of which each x is a price and each y a time. */
  static double slope(double[] x, double[] y) {
    return Line.through(x, y).slope();
  }

  @Override
  public Result run(Trial trial) throws Exception {
    List<Finding> findings = new ArrayList<>();
    Map<String, Double> crossings = new LinkedHashMap<>();
    double[] dearer = new double[1];
    for (String structure : List.of("machine", "trap")) {
      Path disk = trial.folder().resolve("disk-" + structure);
      try (NanoGuest guest =
          new NanoGuest(
              trial.root(), "lab-" + structure, trial.boot("nano"), disk, "vmm." + structure)) {
        guest.boot();
        dials(trial, guest);
        for (Map.Entry<String, String> work : WORK.entrySet()) {
          findings.addAll(
              curve(trial, guest, structure, work.getKey(), work.getValue(), crossings, dearer));
        }
      }
    }
    for (String work : WORK.keySet()) {
      double machine = crossings.getOrDefault("machine " + work, 0.0);
      double trap = crossings.getOrDefault("trap " + work, 0.0);
      findings.add(
          Finding.of(
              work + ": crossings of trap beside machine",
              "more (Heiser et al.)",
              String.format(Locale.ROOT, "%.0f beside %.0f", trap, machine),
              trap > machine));
    }
    findings.add(
        Finding.of(
            "vmm.machine at 5 µs more a crossing",
            "no work is more than 5 % slower (Hand et al.)",
            String.format(Locale.ROOT, "up to %.1f %% slower", 100 * dearer[0]),
            dearer[0] <= 0.05));
    return new Result(
        findings,
        "A full hart makes crossings few, not free: work that needs a server pays for each call in"
            + " both structures. What typing a command takes is subtracted. One guest, one"
            + " processor busy at a time; times need a quiet host.");
  }

  private static void dials(Trial trial, NanoGuest guest) {
    List<Swapper.Move> moves = new ArrayList<>();
    trial.kernel().endpoints().stream()
        .filter(each -> ENDPOINTS.stream().anyMatch(own -> each.path().equals(guest.path() + own)))
        .forEach(
            each ->
                moves.add(
                    new Swapper.Move(each.path(), trial.dial().before(each.server()), false)));
    Swapper.Swap swap = trial.swapper().swapAll(moves);
    if (!swap.done()) {
      throw new IllegalStateException("the dials do not go in: " + swap.outcome());
    }
  }

  private static long counted(Trial trial, NanoGuest guest) {
    return trial.dial().settings().stream()
        .filter(each -> ENDPOINTS.contains(each.endpoint().replace(guest.path(), "")))
        .mapToLong(CostDial.Setting::calls)
        .sum();
  }

  /** The processor time that a command takes, and its crossings. */
  private static double[] once(Trial trial, NanoGuest guest, String command) {
    long before = counted(trial, guest);
    ThreadTimes threads = ThreadTimes.now(name -> DialedWork.pays(name, guest.path()));
    String unused = guest.command(command);
    long spent = ThreadTimes.now(name -> DialedWork.pays(name, guest.path())).since(threads);
    return new double[] {spent, counted(trial, guest) - before};
  }

  private static List<Finding> curve(
      Trial trial,
      NanoGuest guest,
      String structure,
      String work,
      String command,
      Map<String, Double> crossings,
      double[] dearer)
      throws Exception {
    int repeat = Math.max(3, trial.rounds());
    double[] x = new double[NANOS.length];
    double[] y = new double[NANOS.length];
    double[] counts = new double[NANOS.length];
    for (int warm = 0; warm < 3; warm++) {
      String unused = guest.command(command);
    }
    double[][] worked = new double[NANOS.length][repeat];
    double[][] counted = new double[NANOS.length][repeat];
    // Prices in turn, and the median of each.
    for (int j = 0; j < repeat; j++) {
      for (int i = 0; i < NANOS.length; i++) {
        trial.cancellation().check();
        for (String own : ENDPOINTS) {
          trial.dial().set(guest.path() + own, NANOS[i], false);
        }
        double[] nothing = once(trial, guest, NOTHING);
        double[] all = once(trial, guest, command);
        worked[i][j] = all[0] - nothing[0];
        counted[i][j] = all[1] - nothing[1];
      }
    }
    for (int i = 0; i < NANOS.length; i++) {
      x[i] = NANOS[i];
      y[i] = DialedWork.median(worked[i]);
      counts[i] = DialedWork.median(counted[i]);
    }
    for (String own : ENDPOINTS) {
      trial.dial().set(guest.path() + own, 0, false);
    }
    Line line = Line.through(x, y);
    double calls = Arrays.stream(counts).average().orElse(0);
    crossings.put(structure + " " + work, calls);
    if (structure.equals("machine")) {
      dearer[0] = Math.max(dearer[0], 5_000 * line.slope() / line.base());
    }
    String name = structure + ", " + work;
    trial.say().accept(name + ": " + Math.round(calls) + " crossings");
    return List.of(
        Finding.of(
            name + ": slope of time against price",
            String.format(Locale.ROOT, "%.0f crossings counted", calls),
            String.format(Locale.ROOT, "%.0f", line.slope()),
            Math.abs(line.slope() - calls) <= Math.max(TOLERANCE * calls, FEW_CROSSINGS)),
        Finding.figure(
            name + ": time at 0 / 0.2 µs (seL4) / 10 µs (L4 on i486) / 100 µs a crossing",
            String.format(
                Locale.ROOT,
                "%.2f / %.2f / %.2f / %.2f ms",
                line.base() / 1e6,
                (line.base() + 200 * line.slope()) / 1e6,
                (line.base() + 10_000 * line.slope()) / 1e6,
                (line.base() + 100_000 * line.slope()) / 1e6)));
  }
}
