package duality.shell.lab;

import duality.drivers.Console;
import duality.drivers.DriverWork.Work;
import duality.shell.charge.CostModel;
import duality.shell.charge.CostModel.Sample;
import duality.shell.charge.DriverLook;
import duality.shell.charge.Tariff;
import duality.shell.lab.ChargeCells.Key;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Whether counted work predicts the processor time that drivers take: prices are fitted to work of
 * several kinds and sizes, and then the charge of a mix of other sizes is compared with what the
 * host measured for the drivers' threads.
 */
final class ChargesExperiment implements Experiment {
  private static final double USUAL_ROUNDS = 20;
  private static final int TIMES = 7;
  private static final double LINEAR = 0.95;
  private static final double CHARGE_ERROR = 0.10;
  private static final double SUM_ERROR = 0.05;

  private static final String CONSOLE = "console.host";
  private static final int[] WRITES = {16, 256, 1024, 4096};
  private static final int[] WRITE_COUNTS = {1_000, 2_000, 4_000, 8_000, 16_000};
  private static final int WARM_UPS = 4;

  /** Writes to a console: so often, from so many bytes at a time to so many. */
  private record Writes(int count, int least, int most) {}

  private static final Writes MIX = new Writes(5_000, 1, 3_000);

  @Override
  public String name() {
    return "charges";
  }

  @Override
  public String question() {
    return "Can a driver's processor time be charged to its clients by counting what it does?";
  }

  @Override
  public String sources() {
    return "CG05; F03";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Cherkasova and Gardner 2005",
            "a driver domain's processor time is proportional to the pages exchanged with its"
                + " clients: for each kind of request a line through time against descriptors"
                + " explains 95 % or more"),
        new Prediction(
            "the design",
            "each driver's prices for descriptors, KiB and notifications predict the time of a mix"
                + " that was not seen within 10 % for each client and driver, and the sum of all"
                + " within 5 %"),
        new Prediction(
            "a sceptic",
            "processor time depends on caches, batching and wake-ups, which no count shows; with"
                + " larger requests descriptors alone are no measure"));
  }

  /** What is charged and what was measured, in nanoseconds. */
  private record Charged(double charge, double measured) {}

  @Override
  public Result run(Trial trial) throws Exception {
    double scale = trial.rounds() / USUAL_ROUNDS;
    List<Finding> findings = new ArrayList<>();
    Map<String, CostModel> prices = new TreeMap<>();
    List<Charged> unseen = new ArrayList<>();
    try (DiskLoad disks = new DiskLoad(trial)) {
      measure(new ChargeCells(trial, disks.cells(scale)), trial, findings, prices, unseen);
      console(trial, disks.first() + "/console", findings, prices, unseen);
    }
    if (LinuxLoad.possible(trial)) {
      try (LinuxLoad linux = new LinuxLoad(trial)) {
        measure(new ChargeCells(trial, linux.cells(scale)), trial, findings, prices, unseen);
      }
    } else {
      findings.add(
          Finding.figure(
              "networks, console ports, randomness", "left out: guest:fetch linux first"));
    }
    double charge = unseen.stream().mapToDouble(Charged::charge).sum();
    double measured = unseen.stream().mapToDouble(Charged::measured).sum();
    findings.add(compare("all of them together", charge, measured, SUM_ERROR));
    findings.add(
        Finding.figure(
            "prices, for kernel:charges --prices (descriptor, KiB in, KiB out, notification)",
            show(prices)));
    return new Result(
        findings,
        "Charged is what workers of devices and threads of stores do, and a network within them."
            + " What a console costs is done on the thread of who writes to it, here the"
            + " experiment's own; a guest's own time has it already. A flush is not in the mix:"
            + " what fsync costs is the host's file system's business. On a host that is shared,"
            + " thread times differ by some per cent from one minute to the next.");
  }

  private static String show(Map<String, CostModel> prices) {
    String all = new Tariff(prices, new CostModel(0, 0, 0, 0)).show();
    return all.substring(all.indexOf('/') + 1); // without those of all others
  }

  private static void measure(
      ChargeCells cells,
      Trial trial,
      List<Finding> findings,
      Map<String, CostModel> prices,
      List<Charged> unseen)
      throws Exception {
    cells.measure(TIMES);
    for (String kind : cells.kinds()) {
      List<Sample> points = cells.points(kind);
      double line =
          CostModel.lineExplains(
              points.stream().mapToDouble(each -> each.work().descriptors()).toArray(),
              points.stream().mapToDouble(Sample::nanos).toArray());
      findings.add(
          Finding.of(
              "R² of time against descriptors, " + kind,
              "at least " + LINEAR + " (Cherkasova and Gardner)",
              String.format(Locale.ROOT, "%.3f of %d points", line, points.size()),
              line >= LINEAR && points.size() > 3));
    }
    for (String driver : cells.drivers()) {
      List<Sample> samples =
          List.copyOf(
              cells.middles(key -> key.cell().seen() && key.driver().equals(driver)).values());
      if (!samples.isEmpty()) {
        CostModel model = CostModel.fit(samples);
        prices.put(driver, model);
        findings.add(fits(driver, model, samples));
      }
    }
    // Of each client all drivers that the mix needs.
    Map<String, Charged> mixes = new LinkedHashMap<>();
    for (Map.Entry<Key, Sample> each : cells.middles(key -> !key.cell().seen()).entrySet()) {
      Key key = each.getKey();
      CostModel model = prices.get(key.driver());
      if (model != null) {
        mixes.merge(
            key.client() + ", a mix not seen for " + key.cell().kind(),
            new Charged(model.charge(each.getValue().work()), each.getValue().nanos()),
            (one, other) -> new Charged(one.charge + other.charge, one.measured + other.measured));
      }
    }
    mixes.forEach(
        (what, charged) -> {
          findings.add(compare(what, charged.charge, charged.measured, CHARGE_ERROR));
          unseen.add(charged);
        });
  }

  private static Finding fits(String driver, CostModel model, List<Sample> samples) {
    double explained = model.explained(samples);
    return Finding.of(
        "R² of the prices of " + driver + " over all its kinds",
        "at least " + LINEAR,
        String.format(
            Locale.ROOT, "%.3f of %d points: %s", explained, samples.size(), model.show()),
        explained >= LINEAR);
  }

  private static Finding compare(String what, double charge, double measured, double within) {
    return Finding.of(
        what + ": charged beside measured",
        String.format(Locale.ROOT, "%.2f ms, within %.0f %%", charge / 1e6, 100 * within),
        String.format(
            Locale.ROOT, "%.2f ms (%+.1f %%)", measured / 1e6, 100 * (charge / measured - 1)),
        Math.abs(charge / measured - 1) <= within);
  }

  /**
   * A console has no thread: who writes does its work. Here that is this thread, whose processor
   * time the host measures, and nothing else.
   */
  private static void console(
      Trial trial,
      String endpoint,
      List<Finding> findings,
      Map<String, CostModel> prices,
      List<Charged> unseen) {
    Console console = trial.root().connect(endpoint, Console.class);
    List<Writes> cells = new ArrayList<>(Collections.nCopies(ChargeCells.UNSEEN_TIMES, MIX));
    for (int count : WRITE_COUNTS) {
      for (int bytes : WRITES) {
        cells.add(new Writes(count, bytes, bytes));
      }
    }
    Random random = new Random(2005);
    Map<Writes, List<Sample>> all = new LinkedHashMap<>();
    for (int time = -WARM_UPS; time < TIMES; time++) {
      Collections.shuffle(cells, random);
      for (Writes cell : cells) {
        Sample sample = written(trial, console, cell, random);
        if (time >= 0) {
          all.computeIfAbsent(cell, any -> new ArrayList<>()).add(sample);
        }
      }
    }
    Map<Writes, Sample> middles = new LinkedHashMap<>();
    all.forEach((cell, samples) -> middles.put(cell, ChargeCells.middle(samples)));
    Sample mix = middles.remove(MIX);
    CostModel model = CostModel.fit(List.copyOf(middles.values()));
    prices.put(CONSOLE, model);
    findings.add(fits(CONSOLE, model, List.copyOf(middles.values())));
    if (mix != null) {
      Charged charged = new Charged(model.charge(mix.work()), mix.nanos());
      findings.add(
          compare("a mix not seen for a console", charged.charge, charged.measured, CHARGE_ERROR));
      unseen.add(charged);
    }
  }

  private static Sample written(Trial trial, Console console, Writes cell, Random random) {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      texts.add("x".repeat(cell.least + random.nextInt(cell.most - cell.least + 1)));
    }
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    Work then = console(trial);
    long begun = threads.getCurrentThreadCpuTime();
    for (int i = 0; i < cell.count; i++) {
      console.written(texts.get(i % texts.size()));
    }
    long nanos = threads.getCurrentThreadCpuTime() - begun;
    Work done = console(trial).since(then);
    if (done.descriptors() < cell.count) {
      throw new IllegalStateException(
          "the console counts " + done + " of " + cell.count + " writes");
    }
    return new Sample(done, nanos);
  }

  /** What all consoles have counted. */
  private static Work console(Trial trial) {
    return DriverLook.now(trial.context()).work().values().stream()
        .filter(each -> each.driver().equals(CONSOLE))
        .map(DriverLook.Counted::work)
        .reduce(ChargeCells.nothing(CONSOLE), Work::plus);
  }
}
