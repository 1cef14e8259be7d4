package duality.shell.lab;

import duality.shell.charge.CostModel;
import duality.shell.charge.CostModel.Sample;
import duality.shell.charge.DriverLook;
import duality.shell.charge.DriverLook.Part;
import java.util.ArrayList;
import java.util.HashMap;
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

  /** Requests of the points for one size and direction, for each round of the default twenty. */
  private static final int[] COUNTS = {2, 4, 6, 8};

  private static final int MIX_ROUNDS = 40;
  private static final int WARM = 600;
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
    List<Sample> samples = new ArrayList<>();
    List<Finding> findings = new ArrayList<>();
    double worst = 1;
    for (int size : SIZES) {
      List<Sample> ofSize = new ArrayList<>();
      for (boolean write : new boolean[] {false, true}) {
        List<Sample> line = new ArrayList<>();
        for (int count : COUNTS) {
          trial.cancellation().check();
          List<String> commands = commands(size, Math.max(4, count * trial.rounds()), write);
          line.addAll(observed(trial, guests, List.of(commands, commands)));
        }
        ofSize.addAll(line);
        worst = Math.min(worst, byDescriptors(line));
      }
      samples.addAll(ofSize);
      double line = byDescriptors(ofSize);
      findings.add(
          Finding.of(
              "R² of time against descriptors, " + 512 * size + " bytes",
              "at least " + LINEAR + " (Cherkasova and Gardner)",
              String.format(Locale.ROOT, "%.3f", line),
              line >= LINEAR));
    }
    findings.add(
        Finding.figure(
            "the same, reads and writes apart, the least",
            String.format(Locale.ROOT, "%.3f", worst)));
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
    findings.addAll(unseen(trial, guests, model));
    return new Result(
        findings,
        "Charged is what workers of disks and threads of stores do. What a console or a register"
            + " costs is done on the guest's own thread and is its own time already. A flush is not"
            + " in the mix: what fsync costs is the host's file system's business. On a host that"
            + " is shared, thread times differ by some per cent from one minute to the next.");
  }

  private static String figure(List<Sample> samples) {
    return String.format(Locale.ROOT, "%.3f", byDescriptors(samples));
  }

  /** Each client gets a mix of its own of sizes that the prices have not seen. */
  private static List<Finding> unseen(Trial trial, List<NanoGuest> guests, CostModel model)
      throws Exception {
    RandomGenerator random = new SplittableRandom(2005);
    List<String> reader = new ArrayList<>();
    List<String> writer = new ArrayList<>();
    for (int i = 0; i < MIX_ROUNDS * trial.rounds(); i++) {
      int size = UNSEEN[random.nextInt(UNSEEN.length)];
      reader.add(command(size, random.nextInt(10) == 0, random.nextInt(DISK_SECTORS - size)));
      size = UNSEEN[random.nextInt(UNSEEN.length)];
      writer.add(command(size, random.nextInt(10) < 6, random.nextInt(DISK_SECTORS - size)));
    }
    List<Sample> seen = observed(trial, guests, List.of(reader, writer));
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
    for (String each : commands) {
      String said = guest.command(each);
      if (!said.contains("status 0")) {
        throw new IllegalStateException(each + ": " + said);
      }
    }
    return commands.size();
  }
}
