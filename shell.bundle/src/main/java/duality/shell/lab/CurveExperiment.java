package duality.shell.lab;

import duality.servers.CostDial;
import duality.shell.command.CommandFailed;
import duality.shell.lab.DialedWork.Taken;
import duality.shell.lab.Workbench.Kind;
import duality.shell.lab.Workbench.Work;
import java.nio.file.Path;
import java.util.ArrayList;
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

  /** How far the slope of processor time may be from the count, as a part of that. */
  private static final double TOLERANCE = 0.05;

  /** The same where crossings are few beside the rest: what is that much of the whole time. */
  private static final double NOISE = 0.05;

  private static final double FEW_CROSSINGS = 40;
  private static final double GOOD_FIT = 0.95;
  private static final int MOST_REPEATS = 100;

  private static final Work NOTHING = new Work("nothing", Kind.NOTHING, 1);

  private static final List<Work> WORK =
      List.of(
          new Work("null call", Kind.NULL_CALL, 4_000),
          new Work("shell script that forks", Kind.SCRIPT, 6),
          new Work("disk copy of 4 KiB", Kind.COPY, 500),
          new Work("table entry made and taken away", Kind.TABLES, 2_048));

  /** Round trips of others, in nanoseconds of their machines; see docs/lab/curve.md. */
  private static final Map<String, Long> MARKS = marks();

  private static Map<String, Long> marks() {
    Map<String, Long> all = new LinkedHashMap<>();
    all.put("seL4 (2026, 0.4 µs)", 400L);
    all.put("L4 (1996, 10 µs)", 10_000L);
    all.put("Mach (1991, 230 µs)", 230_000L);
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
            "Barham et al. 2003",
            "a kernel that asks its monitor crosses less often than one that is trapped: its time"
                + " grows less steeply, and with the fast gate a null call does not slow down"),
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
   * @param paidNanos what a call really cost more
   * @param cpuMillis processor time, beside that of doing nothing
   * @param wallMillis time by the clock, beside that of doing nothing
   * @param crossings that the dials counted then
   */
  record Point(
      String structure,
      String work,
      long priceNanos,
      double paidNanos,
      double cpuMillis,
      double wallMillis,
      double crossings) {}

  /**
   * A line.
   *
   * @param structure in which structure
   * @param work what was done
   * @param operations how many at a time
   * @param baseMicros processor time of an operation at no price, as measured
   * @param counted crossings of an operation by the dials, as steep as their counts make the line
   * @param own the same without those that come as time goes by: ticks
   * @param slope crossings of an operation by processor time
   * @param fit R² of that line
   * @param waited crossings of an operation by the clock: those that somebody waits for
   */
  record Curve(
      String structure,
      String work,
      int operations,
      double baseMicros,
      double counted,
      double own,
      double slope,
      double fit,
      double waited) {
    /** Of a handful of crossings the clock shows nothing but the host: then the count. */
    double crossings() {
      return counted * operations < FEW_CROSSINGS ? counted : slope;
    }

    /** How much longer an operation takes at a price. */
    double times(double micros) {
      return (baseMicros + micros * crossings()) / baseMicros;
    }
  }

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
    for (String monitor : List.of("vmm.machine", "vmm.trap", "vmm.xen")) {
      try (Workbench bench = new NanoBench(trial, monitor, false)) {
        measure(trial, bench, findings, points, curves);
      }
    }
    try (Workbench bench = new NanoBench(trial, "vmm.xen", true)) {
      measure(trial, bench, findings, points, curves);
    }
    compare(curves, findings);
    compareNano(curves, findings);
    Map<String, List<? extends Record>> tables = new LinkedHashMap<>();
    tables.put("curves", curves);
    tables.put("points", points);
    return new Result(
        findings,
        "The slope is how much a structure depends on the price of a crossing: of processor time,"
            + " because calls are paid beside each other, too. Timer ticks go on while time is"
            + " paid, so a long run counts some more. The marks are round trips on the machines of"
            + " their time, without a correction for how much slower those were.",
        tables);
  }

  private static void measure(
      Trial trial, Workbench bench, List<Finding> findings, List<Point> points, List<Curve> curves)
      throws Exception {
    DialedWork dialed = new DialedWork(trial, bench);
    for (Work work : WORK) {
      if (bench.can(work.kind())) {
        curve(trial, bench, dialed, work, findings, points, curves);
      }
    }
  }

  private static void curve(
      Trial trial,
      Workbench bench,
      DialedWork dialed,
      Work work,
      List<Finding> findings,
      List<Point> points,
      List<Curve> curves)
      throws Exception {
    int repeat = Math.clamp(trial.rounds(), 1, MOST_REPEATS);
    List<Taken> taken = dialed.at(NANOS, work, NOTHING, repeat);
    double[] x = new double[NANOS.length];
    double[] y = new double[NANOS.length];
    double[] wall = new double[NANOS.length];
    double[] counts = new double[NANOS.length];
    double[] paid = new double[NANOS.length];
    for (int i = 0; i < NANOS.length; i++) {
      Taken at = taken.get(i);
      x[i] = at.paidNanos();
      y[i] = at.cpuNanos();
      wall[i] = at.wallNanos();
      counts[i] = at.crossings();
      paid[i] = x[i] * counts[i];
      points.add(
          new Point(
              bench.structure(),
              work.name(),
              NANOS[i],
              x[i],
              y[i] / 1e6,
              wall[i] / 1e6,
              counts[i]));
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
            line.fit(),
            Line.through(x, wall).slope() / many);
    curves.add(curve);
    String name = bench.structure() + ", " + work.name();
    boolean few = counted < FEW_CROSSINGS;
    double dearest = NANOS[NANOS.length - 1];
    double away = Math.abs(line.slope() - counted);
    boolean agrees =
        away <= Math.max(TOLERANCE * counted, NOISE * y[0] / dearest)
            && (counted * dearest < y[0] || line.fit() >= GOOD_FIT);
    String what = name + ": crossings of one, as the slope of processor time over price";
    String byDials =
        String.format(
            Locale.ROOT,
            "%.2f by the dials' count, %.2f without ticks",
            curve.counted(),
            curve.own());
    String byClock =
        String.format(
            Locale.ROOT,
            "%.2f (%+.1f %%), R² %.4f, base %.1f µs",
            curve.slope(),
            few ? 0 : 100 * (line.slope() / counted - 1),
            curve.fit(),
            curve.baseMicros());
    findings.add(
        few
            ? Finding.figure(what, byDials + ": too few to show (" + byClock + ")")
            : Finding.of(what, byDials, byClock, agrees));
    if (!few) {
      findings.add(
          Finding.figure(
              name + ": crossings of one that somebody waits for, as the slope by the clock",
              String.format(Locale.ROOT, "%.2f", curve.waited())));
    }
    findings.add(
        Finding.figure(
            name + ": times the processor time at the price of" + (few ? " (by the count)" : ""),
            marks(curve)));
    trial
        .say()
        .accept(
            name
                + ": counted "
                + byDials
                + "; measured "
                + byClock
                + "; the dials take "
                + DialedWork.show(NANOS, taken));
    handOff(trial, bench, dialed, work, findings, points);
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

  /** The same with another host thread making each call, where one can: by the clock. */
  private static void handOff(
      Trial trial,
      Workbench bench,
      DialedWork dialed,
      Work work,
      List<Finding> findings,
      List<Point> points)
      throws Exception {
    List<String> handed =
        dialed.dialed().stream().filter(each -> !bench.handlers().contains(each)).toList();
    int repeat = Math.clamp(trial.rounds(), 1, MOST_REPEATS);
    double[] more = new double[repeat];
    double[] wall = new double[repeat];
    double[] cpu = new double[repeat];
    double[] crossings = new double[repeat];
    try {
      for (int i = 0; i < repeat; i++) {
        dialed.price(0, false, handed);
        Taken near = dialed.once(work, 0);
        dialed.price(0, true, handed);
        double before = counted(trial, handed);
        Taken far = dialed.once(work, 0);
        crossings[i] = counted(trial, handed) - before;
        wall[i] = far.wallNanos();
        cpu[i] = far.cpuNanos();
        more[i] = (far.wallNanos() - near.wallNanos()) / Math.max(1, crossings[i]);
      }
    } finally {
      dialed.price(0, false, handed);
    }
    double many = DialedWork.median(crossings);
    points.add(
        new Point(
            bench.structure(),
            work.name(),
            -1,
            0,
            DialedWork.median(cpu) / 1e6,
            DialedWork.median(wall) / 1e6,
            many));
    findings.add(
        Finding.figure(
            bench.structure() + ", " + work.name() + ": handed to other threads",
            String.format(
                Locale.ROOT,
                "%.0f of its calls%s",
                many,
                many < FEW_CROSSINGS
                    ? ", too few to say what they cost"
                    : String.format(
                        Locale.ROOT, ", %.1f µs more each", DialedWork.median(more) / 1e3))));
  }

  private static double counted(Trial trial, List<String> endpoints) {
    return trial.dial().settings().stream()
        .filter(each -> endpoints.contains(each.endpoint()))
        .mapToLong(CostDial.Setting::calls)
        .sum();
  }

  private static void compare(List<Curve> curves, List<Finding> findings) {
    for (Work work : WORK) {
      if (work.kind() == Kind.TABLES) {
        continue;
      }
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

  /** The same small kernel, as it is and ported. */
  private static void compareNano(List<Curve> curves, List<Finding> findings) {
    for (Work work : WORK) {
      if (work.kind() == Kind.SCRIPT) {
        continue;
      }
      double trap = of(curves, "nano/trap", work).crossings();
      double xen = of(curves, "nano/xen", work).crossings();
      findings.add(
          Finding.of(
              work.name() + " in nano: slope of xen beside trap",
              "less steep (Barham et al.)",
              String.format(Locale.ROOT, "%.2f beside %.2f", xen, trap),
              xen < trap));
    }
    double slower = of(curves, "nano/xen+gate", WORK.getFirst()).times(5) - 1;
    findings.add(
        Finding.of(
            "null call in nano through the fast gate at 5 µs more a crossing",
            "no more than 5 % slower (Barham et al.)",
            String.format(Locale.ROOT, "%.1f %% slower", 100 * slower),
            slower <= 0.05));
  }

  private static Curve of(List<Curve> curves, String structure, Work work) {
    return curves.stream()
        .filter(each -> each.structure().equals(structure) && each.work().equals(work.name()))
        .findFirst()
        .orElseThrow();
  }
}
