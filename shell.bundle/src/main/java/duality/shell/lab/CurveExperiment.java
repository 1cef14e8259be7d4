package duality.shell.lab;

import duality.servers.CostDial;
import duality.shell.command.CommandFailed;
import duality.shell.lab.Workbench.Kind;
import duality.shell.lab.Workbench.Work;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How the time of real programs grows with the price of a crossing, in each structure: a system
 * call, a shell script that forks, a copy of a disk; in Debian on the monitors and natively.
 */
final class CurveExperiment implements Experiment {
  /** Not more: beyond it a guest on vmm.trap does little but answer the ticks of its timer. */
  private static final long[] NANOS = {0, 2_000, 5_000, 10_000, 20_000};

  /** How far the slope may be from the count: a fifth of it, or what adds a tenth of the time. */
  private static final double TOLERANCE = 0.2;

  private static final double NOISE = 0.1;
  private static final double FEW_CROSSINGS = 40;
  private static final double GOOD_FIT = 0.95;
  private static final int MOST_REPEATS = 100;

  private static final Work NOTHING = new Work("nothing", Kind.NOTHING, 1);

  private static final List<Work> WORK =
      List.of(
          new Work("null call", Kind.NULL_CALL, 4_000),
          new Work("shell script that forks", Kind.SCRIPT, 6),
          new Work("disk copy of 4 KiB", Kind.COPY, 100));

  /** Round trips of others, in nanoseconds of their machines; see docs/lab/curve.md. */
  private static final Map<String, Long> MARKS = marks();

  private static Map<String, Long> marks() {
    Map<String, Long> all = new LinkedHashMap<>();
    all.put("seL4 (0.4 µs)", 400L);
    all.put("L4 on i486 (10 µs)", 10_000L);
    all.put("Mach on i486 (230 µs)", 230_000L);
    return all;
  }

  @Override
  public String name() {
    return "curve";
  }

  @Override
  public String question() {
    return "How does the time of real programs grow with the price of a crossing, in each"
        + " structure?";
  }

  @Override
  public String sources() {
    return "HWF+05 claim 2, Lie96, HHL+97; F08, F10, F12";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Hand et al. 2005",
            "in a monitor the price of IPC is irrelevant: on a full hart a null call and a script"
                + " do not slow down, a disk copy hardly"),
        new Prediction(
            "Heiser et al. 2006",
            "a guest without a hart of its own crosses as often as a program over a personality, or"
                + " more: its time grows at least as steeply"),
        new Prediction(
            "Liedtke 1996",
            "what was wrong with Mach was the price: at L4's the same number of crossings is"
                + " bearable"),
        new Prediction(
            "the dials", "time is a straight line over the price, and its slope is their count"));
  }

  /**
   * One measurement.
   *
   * @param structure in which structure
   * @param work what was done
   * @param priceNanos of each crossing; -1 when another thread made the calls
   * @param millis the least time
   * @param crossings that the dials counted then
   */
  record Point(String structure, String work, long priceNanos, double millis, double crossings) {}

  /**
   * A line.
   *
   * @param structure in which structure
   * @param work what was done
   * @param operations how many at a time
   * @param baseMicros an operation at no price, as measured
   * @param counted crossings of an operation by the dials, as steep as their counts make the line
   * @param own the same without those that come as time goes by: ticks
   * @param slope crossings of an operation by the clock
   * @param fit R² of the line
   */
  record Curve(
      String structure,
      String work,
      int operations,
      double baseMicros,
      double counted,
      double own,
      double slope,
      double fit) {
    /** Of a handful of crossings the clock shows nothing but the host: then the count. */
    double crossings() {
      return counted * operations < FEW_CROSSINGS ? counted : slope;
    }

    /** How much longer an operation takes at a price. */
    double times(double micros) {
      return (baseMicros + micros * crossings()) / baseMicros;
    }
  }

  /** Time and counted crossings of a piece of work. */
  private record Taken(double nanos, double crossings) {}

  @Override
  public Result run(Trial trial) throws Exception {
    Path program = trial.program();
    if (program == null) {
      throw new CommandFailed(
          "it needs the program ops: it/src/programs/build.sh FOLDER, then"
              + " lab:run curve --rounds 3 --file FOLDER/ops; bench/cost.sh does both");
    }
    List<Finding> findings = new ArrayList<>();
    List<Point> points = new ArrayList<>();
    List<Curve> curves = new ArrayList<>();
    try (Workbench bench = new LinuxBench(trial, "machine", program)) {
      measure(trial, bench, findings, points, curves);
    }
    try (Workbench bench = new LinuxBench(trial, "trap", program)) {
      measure(trial, bench, findings, points, curves);
    }
    try (Workbench bench = new NativeBench(trial, program)) {
      measure(trial, bench, findings, points, curves);
    }
    compare(curves, findings);
    Map<String, List<? extends Record>> tables = new LinkedHashMap<>();
    tables.put("curves", curves);
    tables.put("points", points);
    return new Result(
        findings,
        "The slope is how much a structure depends on the price of a crossing. Timer ticks go on"
            + " while time is paid, so a long run counts some more. The marks are round trips on"
            + " the machines of their time, without a correction for how much slower those were.",
        tables);
  }

  private static void measure(
      Trial trial, Workbench bench, List<Finding> findings, List<Point> points, List<Curve> curves)
      throws Exception {
    List<String> dialed = bench.dials(trial);
    for (Work work : WORK) {
      curve(trial, bench, dialed, work, findings, points, curves);
    }
  }

  private static double counted(Trial trial, List<String> dialed) {
    return trial.dial().settings().stream()
        .filter(each -> dialed.contains(each.endpoint()))
        .mapToLong(CostDial.Setting::calls)
        .sum();
  }

  private static Taken once(Trial trial, Workbench bench, List<String> dialed, Work work)
      throws Exception {
    trial.cancellation().check();
    double before = counted(trial, dialed);
    long begun = System.nanoTime();
    bench.run(work);
    return new Taken(System.nanoTime() - begun, counted(trial, dialed) - before);
  }

  private static void price(Trial trial, List<String> dialed, long nanos) {
    dialed.forEach(each -> trial.dial().set(each, nanos, false));
  }

  private static void curve(
      Trial trial,
      Workbench bench,
      List<String> dialed,
      Work work,
      List<Finding> findings,
      List<Point> points,
      List<Curve> curves)
      throws Exception {
    int repeat = Math.clamp(trial.rounds(), 1, MOST_REPEATS);
    Taken unused = once(trial, bench, dialed, work);
    double[] nothing = new double[NANOS.length];
    double[] times = new double[NANOS.length];
    double[] counts = new double[NANOS.length];
    Arrays.fill(nothing, Double.MAX_VALUE);
    Arrays.fill(times, Double.MAX_VALUE);
    // Prices in turn, and the least time of each: what the host does beside only adds.
    for (int j = 0; j < repeat; j++) {
      for (int i = 0; i < NANOS.length; i++) {
        price(trial, dialed, NANOS[i]);
        Taken idle = once(trial, bench, dialed, NOTHING);
        Taken all = once(trial, bench, dialed, work);
        nothing[i] = Math.min(nothing[i], idle.nanos());
        if (all.nanos() < times[i]) {
          times[i] = all.nanos();
          counts[i] = all.crossings() - idle.crossings();
        }
      }
    }
    double[] x = new double[NANOS.length];
    double[] y = new double[NANOS.length];
    double[] paid = new double[NANOS.length];
    for (int i = 0; i < NANOS.length; i++) {
      x[i] = NANOS[i];
      y[i] = times[i] - nothing[i];
      paid[i] = NANOS[i] * counts[i];
      points.add(new Point(bench.structure(), work.name(), NANOS[i], y[i] / 1e6, counts[i]));
    }
    Line line = Line.through(x, y);
    // What a clock that shows nothing but the counted calls would say: ticks make it steeper.
    double counted = Line.through(x, paid).slope();
    double many = work.operations();
    Curve curve =
        new Curve(
            bench.structure(),
            work.name(),
            work.operations(),
            y[0] / many / 1e3,
            counted / many,
            // Counts over times: where the line begins there are no ticks.
            Math.max(0, Line.through(y, counts).base()) / many,
            line.slope() / many,
            line.fit());
    curves.add(curve);
    String name = bench.structure() + ", " + work.name();
    boolean few = counted < FEW_CROSSINGS;
    double dearest = NANOS[NANOS.length - 1];
    double away = Math.abs(line.slope() - counted);
    boolean agrees =
        away <= Math.max(TOLERANCE * counted, NOISE * y[0] / dearest)
            && (counted * dearest < y[0] || line.fit() >= GOOD_FIT);
    String what = name + ": crossings of one, as the slope of time over price";
    String byDials =
        String.format(
            Locale.ROOT,
            "%.2f by the dials' count, %.2f without ticks",
            curve.counted(),
            curve.own());
    String byClock =
        String.format(
            Locale.ROOT,
            "%.2f, R² %.4f, base %.1f µs",
            curve.slope(),
            curve.fit(),
            curve.baseMicros());
    findings.add(
        few
            ? Finding.figure(what, byDials + ": too few to show (" + byClock + ")")
            : Finding.of(what, byDials, byClock, agrees));
    findings.add(
        Finding.figure(
            name + ": times as long at the price of" + (few ? " (by the count)" : ""),
            marks(curve)));
    handOff(trial, bench, dialed, work, nothing[0], y[0], findings, points);
    trial.say().accept(name + ": " + findings.get(findings.size() - 2).measured());
  }

  private static String marks(Curve curve) {
    StringBuilder text = new StringBuilder();
    MARKS.forEach(
        (mark, nanos) ->
            text.append(text.isEmpty() ? "" : ", ")
                .append(mark)
                .append(String.format(Locale.ROOT, " %.2f", curve.times(nanos / 1e3))));
    return text.toString();
  }

  /** The same with another host thread making each call, where one can. */
  private static void handOff(
      Trial trial,
      Workbench bench,
      List<String> dialed,
      Work work,
      double nothing,
      double base,
      List<Finding> findings,
      List<Point> points)
      throws Exception {
    price(trial, dialed, 0);
    List<String> handed = dialed.stream().filter(each -> !bench.handlers().contains(each)).toList();
    handed.forEach(each -> trial.dial().set(each, 0, true));
    try {
      Taken best = once(trial, bench, handed, work);
      for (int i = 1; i < Math.clamp(trial.rounds(), 1, MOST_REPEATS); i++) {
        Taken next = once(trial, bench, handed, work);
        best = next.nanos() < best.nanos() ? next : best;
      }
      points.add(
          new Point(
              bench.structure(),
              work.name(),
              -1,
              (best.nanos() - nothing) / 1e6,
              best.crossings()));
      double more = (best.nanos() - nothing - base) / Math.max(1, best.crossings());
      findings.add(
          Finding.figure(
              bench.structure() + ", " + work.name() + ": handed to other threads",
              String.format(
                  Locale.ROOT,
                  "%.0f of its calls%s",
                  best.crossings(),
                  best.crossings() < FEW_CROSSINGS
                      ? ", too few to say what they cost"
                      : String.format(Locale.ROOT, ", %.1f µs more each", more / 1e3))));
    } finally {
      price(trial, dialed, 0);
    }
  }

  private static void compare(List<Curve> curves, List<Finding> findings) {
    for (Work work : WORK) {
      Curve machine = of(curves, "machine", work);
      Curve trap = of(curves, "trap", work);
      Curve tasks = of(curves, "native", work);
      double slower = machine.times(5) - 1;
      findings.add(
          Finding.of(
              work.name() + " on a full hart at 5 µs more a crossing",
              "no more than 5 % slower (Hand et al.)",
              String.format(Locale.ROOT, "%.1f %% slower", 100 * slower),
              slower <= 0.05));
      findings.add(
          Finding.of(
              work.name() + ": slope of trap beside native",
              "at least as steep (Heiser et al.)",
              String.format(Locale.ROOT, "%.2f beside %.2f", trap.crossings(), tasks.crossings()),
              trap.crossings() >= tasks.crossings()));
      double l4 = tasks.times(10);
      double mach = tasks.times(230);
      findings.add(
          Finding.of(
              work.name() + " natively: what Mach's price costs more than L4's",
              "much (Liedtke): it is at least twice as long",
              String.format(Locale.ROOT, "%.1f times as long, L4's %.1f", mach, l4),
              mach >= 2 * l4));
    }
  }

  private static Curve of(List<Curve> curves, String structure, Work work) {
    return curves.stream()
        .filter(each -> each.structure().equals(structure) && each.work().equals(work.name()))
        .findFirst()
        .orElseThrow();
  }
}
