package duality.shell.lab;

import duality.shell.charge.CostModel;
import duality.shell.charge.CostModel.Sample;
import duality.shell.charge.DriverLook;
import duality.shell.charge.DriverLook.Part;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.random.RandomGenerator;

/**
 * Whether counted work predicts the processor time that drivers take: prices are fitted to reads
 * and writes of five sizes, and then the charge of a mix of other sizes is compared with what the
 * host measured for the drivers' threads.
 */
final class ChargesExperiment implements Experiment {
  /** Sectors of 512 bytes of a request. */
  private static final int[] SIZES = {1, 8, 16, 32, 64};

  private static final int[] UNSEEN = {2, 3, 5, 12, 24, 40, 48, 56};

  /** Requests of the points for one size and direction, when there are twenty rounds. */
  private static final int[] COUNTS = {50, 150, 300, 500};

  private static final double USUAL_ROUNDS = 20;

  /**
   * All is done so often, points and mix in turn, and added up: so neither what the host does
   * beside nor what the compiler still gets better at falls upon one of them.
   */
  private static final int TIMES = 5;

  private static final int MIX = 600;
  private static final long SEED = 2005;
  private static final int WARM = 4_000;

  /** Commands that are typed at a time. */
  private static final int BATCH = 50;

  private static final int DISK_SECTORS = 256;
  private static final List<String> CLIENTS = List.of("charge-a", "charge-b");

  private static final double LINEAR = 0.95;
  private static final double CHARGE_ERROR = 0.10;
  private static final double SUM_ERROR = 0.05;

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
                + " clients: a line through time against descriptors explains 95 % or more"),
        new Prediction(
            "the design",
            "prices for descriptors, KiB and notifications predict the time of a mix that was not"
                + " seen within 10 % for each client, and their sum within 5 %"),
        new Prediction(
            "a sceptic",
            "processor time depends on caches, batching and wake-ups, which no count shows; with"
                + " larger requests descriptors alone are no measure"));
  }

  @Override
  public Result run(Trial trial) throws Exception {
    List<NanoGuest> guests = new ArrayList<>();
    try {
      for (String name : CLIENTS) {
        NanoGuest guest =
            new NanoGuest(
                trial.root(),
                name,
                trial.boot("nano"),
                trial.folder().resolve("disk-" + name),
                "vmm.machine");
        guests.add(guest);
        guest.boot();
      }
      return measure(trial, guests);
    } finally {
      guests.forEach(NanoGuest::close);
    }
  }

  private static Result measure(Trial trial, List<NanoGuest> guests) throws Exception {
    warm(trial, guests);
    Map<String, Sample> points = new LinkedHashMap<>();
    Map<String, Sample> mixes = new LinkedHashMap<>();
    RandomGenerator random = new SplittableRandom(SEED);
    for (int time = 1; time <= TIMES; time++) {
      points(trial, guests, points);
      mix(trial, guests, random, mixes);
      trial.say().accept("points and mix measured " + time + " of " + TIMES + " times");
    }
    List<Sample> samples = List.copyOf(points.values());
    Map<Integer, List<Sample>> bySize = new LinkedHashMap<>();
    points.forEach(
        (point, sample) ->
            bySize
                .computeIfAbsent(
                    Integer.parseInt(point.substring(0, point.indexOf(' '))),
                    size -> new ArrayList<>())
                .add(sample));
    List<Finding> findings = new ArrayList<>();
    bySize.forEach(
        (size, ofSize) -> {
          double line = byDescriptors(ofSize);
          findings.add(
              Finding.of(
                  "R² of time against descriptors, " + 512 * size + " bytes",
                  "at least " + LINEAR + " (Cherkasova and Gardner)",
                  String.format(Locale.ROOT, "%.3f", line),
                  line >= LINEAR));
        });
    CostModel model = CostModel.fit(samples);
    findings.add(Finding.figure("R² of time against descriptors, all sizes", figure(samples)));
    findings.add(
        Finding.of(
            "R² of the prices over all sizes",
            "at least " + LINEAR,
            String.format(Locale.ROOT, "%.3f", model.explained(samples)),
            model.explained(samples) >= LINEAR));
    findings.add(
        Finding.figure(
            "prices, for kernel:charges --prices (descriptor, KiB in, KiB out, notification)",
            model.show()));
    findings.addAll(unseen(mixes.values(), model));
    return new Result(
        findings,
        "Charged is what workers of disks and threads of stores do. What a console or a register"
            + " costs is done on the guest's own thread and is its own time already. A flush is not"
            + " in the mix: what fsync costs is the host's file system's business. On a host that"
            + " is shared, thread times differ by some per cent from one minute to the next.");
  }

  /** Reads and writes of each size, in runs of several lengths, by both guests. */
  private static void points(Trial trial, List<NanoGuest> guests, Map<String, Sample> points)
      throws Exception {
    for (int size : SIZES) {
      for (boolean write : new boolean[] {false, true}) {
        for (int count : COUNTS) {
          trial.cancellation().check();
          List<String> own = commands(size, times(trial, count), write);
          for (Sample each : observed(trial, guests, List.of(own, own))) {
            add(points, size + " " + write + " " + count + " " + each.work().endpoint(), each);
          }
        }
      }
    }
  }

  /** Each guest has a mix of its own, of sizes that the points do not have. */
  private static void mix(
      Trial trial, List<NanoGuest> guests, RandomGenerator random, Map<String, Sample> mixes)
      throws Exception {
    List<String> reader = new ArrayList<>();
    List<String> writer = new ArrayList<>();
    for (int i = 0; i < times(trial, MIX); i++) {
      int size = UNSEEN[random.nextInt(UNSEEN.length)];
      reader.add(command(size, random.nextInt(10) == 0, random.nextInt(DISK_SECTORS - size)));
      size = UNSEEN[random.nextInt(UNSEEN.length)];
      writer.add(command(size, random.nextInt(10) < 6, random.nextInt(DISK_SECTORS - size)));
    }
    for (Sample each : observed(trial, guests, List.of(reader, writer))) {
      add(mixes, each.work().endpoint(), each);
    }
  }

  private static void add(Map<String, Sample> samples, String name, Sample more) {
    samples.merge(
        name,
        more,
        (first, second) ->
            new Sample(first.work().plus(second.work()), first.nanos() + second.nanos()));
  }

  private static int times(Trial trial, int usual) {
    return (int) Math.max(BATCH, Math.round(usual * trial.rounds() / USUAL_ROUNDS));
  }

  private static String figure(List<Sample> samples) {
    return String.format(Locale.ROOT, "%.3f", byDescriptors(samples));
  }

  /** Charges beside what was measured. */
  private static List<Finding> unseen(Collection<Sample> seen, CostModel model) {
    List<Finding> findings = new ArrayList<>();
    double charged = 0;
    double measured = 0;
    for (Sample each : seen) {
      double charge = model.charge(each.work());
      charged += charge;
      measured += each.nanos();
      findings.add(
          compare(each.work().endpoint() + ", a mix not seen", charge, each.nanos(), CHARGE_ERROR));
    }
    findings.add(compare("both together", charged, measured, SUM_ERROR));
    return findings;
  }

  private static Finding compare(String what, double charge, double measured, double within) {
    return Finding.of(
        what + ": charged beside measured",
        String.format(Locale.ROOT, "%.1f ms, within %.0f %%", charge / 1e6, 100 * within),
        String.format(
            Locale.ROOT, "%.1f ms (%+.1f %%)", measured / 1e6, 100 * (charge / measured - 1)),
        Math.abs(charge / measured - 1) <= within);
  }

  private static double byDescriptors(List<Sample> samples) {
    return CostModel.lineExplains(
        samples.stream().mapToDouble(each -> each.work().descriptors()).toArray(),
        samples.stream().mapToDouble(Sample::nanos).toArray());
  }

  /** Until the drivers' code is compiled. */
  private static void warm(Trial trial, List<NanoGuest> guests) throws Exception {
    List<String> commands = new ArrayList<>();
    for (int i = 0; i < WARM; i++) {
      commands.add(command(SIZES[i % SIZES.length], i % 2 == 0, 0));
    }
    List<Sample> unused = observed(trial, guests, List.of(commands, commands));
  }

  private static List<String> commands(int size, int count, boolean write) {
    List<String> commands = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      commands.add(command(size, write, i % (DISK_SECTORS - size)));
    }
    return commands;
  }

  private static String command(int size, boolean write, int sector) {
    return write ? "put " + sector + " " + size + " 7" : "get " + sector + " " + size;
  }

  /** Has all guests do their commands at the same time; what each one's drivers did meanwhile. */
  private static List<Sample> observed(
      Trial trial, List<NanoGuest> guests, List<List<String>> commands) throws Exception {
    DriverLook before = DriverLook.now(trial.context());
    List<FutureTask<Integer>> tasks = new ArrayList<>();
    for (int i = 0; i < guests.size(); i++) {
      NanoGuest guest = guests.get(i);
      List<String> own = commands.get(i);
      FutureTask<Integer> task = new FutureTask<>(() -> type(guest, own));
      tasks.add(task);
      Thread.ofPlatform().daemon().name("lab charges").start(task);
    }
    for (FutureTask<Integer> each : tasks) {
      try {
        int unused = each.get();
      } catch (ExecutionException e) {
        throw new IllegalStateException("a guest does not do it: " + e.getCause(), e);
      }
    }
    Map<String, Part> parts = new HashMap<>();
    DriverLook.now(trial.context()).since(before).forEach(each -> parts.put(each.client(), each));
    List<Sample> samples = new ArrayList<>();
    for (NanoGuest guest : guests) {
      Part part = parts.get(guest.path());
      if (part == null || part.measuredNanos() <= 0) {
        throw new IllegalStateException("no driver counts anything for " + guest.path());
      }
      samples.add(new Sample(part.work(), part.measuredNanos()));
    }
    return samples;
  }

  private static int type(NanoGuest guest, List<String> commands) {
    for (int i = 0; i < commands.size(); i += BATCH) {
      List<String> batch = commands.subList(i, Math.min(commands.size(), i + BATCH));
      String said = guest.commands(batch);
      if (said.split("status 0", -1).length != batch.size() + 1) {
        throw new IllegalStateException(guest.path() + " says: " + said);
      }
    }
    return commands.size();
  }
}
