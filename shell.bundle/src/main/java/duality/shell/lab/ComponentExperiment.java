package duality.shell.lab;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.servers.Personality;
import duality.servers.TaskReport;
import duality.shell.command.CommandFailed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/**
 * A whole operating system as a component: Debian does a job beside a native program and a small
 * machine, of which servers die; and what of the job's time is the core's.
 */
final class ComponentExperiment implements Experiment {
  /** Compresses and restores a program, compares it, and sums it up. */
  private static final String JOB =
      "f=$(readlink -f /proc/self/exe); cp $f /tmp/job; i=0; while [ $i -lt ROUNDS ]; do"
          + " busybox gzip -c /tmp/job > /tmp/job.gz || exit 1;"
          + " busybox gunzip -c /tmp/job.gz > /tmp/job.back || exit 2;"
          + " busybox cmp /tmp/job /tmp/job.back || exit 3;"
          + " i=$((i + 1)); done; busybox sha256sum < /tmp/job; rm /tmp/job*";

  private static final long SECONDS = 600;
  private static final int MOST_ROUNDS = 20;
  private static final int LOOKS = 200;
  private static final double MOST_SHARE = 0.05;

  @Override
  public String name() {
    return "component";
  }

  @Override
  public String question() {
    return "Is a whole operating system a good component, and what does the core below it cost?";
  }

  @Override
  public String sources() {
    return "HWF+05 claim 3, HHL+97; F08, F10";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Hand et al. 2005",
            "the right grain is a whole operating system, unmodified; small components beside it"
                + " are not needed"),
        new Prediction(
            "Heiser et al. 2006",
            "an operating system as one component beside small native ones, over one kernel: both"
                + " do the same work with the same result, and servers dying next door do not"
                + " disturb it"),
        new Prediction(
            "Härtig et al. 1997", "such a system is about 5 % slower for the kernel below it"));
  }

  @Override
  public Result run(Trial trial) throws Exception {
    int rounds = Math.clamp(trial.rounds() / 10, 1, MOST_ROUNDS);
    String job = JOB.replace("ROUNDS", Integer.toString(rounds));
    List<Finding> findings = new ArrayList<>();
    Map<String, String> sums = new LinkedHashMap<>();
    Map<String, Double> times = new LinkedHashMap<>();
    trial.say().accept("the job as a native program, " + rounds + " times, twice");
    String natively = nativeJob(trial, job, times);
    sums.put("native", natively);
    for (String structure : List.of("machine", "trap")) {
      try (LinuxGuest guest =
              new LinuxGuest(
                  trial,
                  "lab-" + structure,
                  null,
                  trial.folder().resolve("scratch-" + structure),
                  1 << 20,
                  "vmm." + structure);
          NanoGuest neighbour =
              new NanoGuest(
                  trial.root(),
                  "lab-next",
                  trial.boot("nano"),
                  trial.folder().resolve("next-" + structure),
                  "vmm.machine")) {
        neighbour.boot();
        trial.say().accept("the job alone on " + structure + ", up to a minute of samples");
        sums.put(structure, alone(guest, job, structure, times, findings));
        trial.say().accept("the job on " + structure + " while servers die");
        sums.put(structure + ", servers dying", beside(trial, guest, neighbour, job, findings));
      }
    }
    findings.add(
        Finding.figure(
            "the job alone by the clock, natively, on machine, on trap",
            String.format(
                Locale.ROOT,
                "%.2f, %.2f, %.2f s",
                times.getOrDefault("native", 0.0),
                times.getOrDefault("machine", 0.0),
                times.getOrDefault("trap", 0.0))));
    sums.forEach(
        (where, sum) ->
            findings.add(
                Finding.of(
                    "the job's sum, " + where,
                    "the same everywhere (Heiser et al.)",
                    sum,
                    sum.equals(natively) && sum.length() > 60)));
    return new Result(
        findings,
        "Shares are of samples that the JVM takes by processor time; the engine is slower than a"
            + " processor, which makes the core's share small. What a deeper pipeline or cache"
            + " would lose to a kernel below does not show in an emulated processor. The same"
            + " busybox is the native program and Debian's. The job is a part of a build, not a"
            + " compiler.");
  }

  /** The job with nothing else running; where the time goes. */
  private static String alone(
      LinuxGuest guest,
      String job,
      String structure,
      Map<String, Double> times,
      List<Finding> findings)
      throws Exception {
    String unused = guest.exec(job);
    String sum;
    List<Double> seconds = new ArrayList<>();
    long begun = System.nanoTime();
    try (StackSample sample = new StackSample();
        CpuSample burnt = new CpuSample()) {
      do {
        long from = System.nanoTime();
        sum = guest.exec(job).strip();
        seconds.add((System.nanoTime() - from) / 1e9);
      } while (sample.all() < LOOKS && System.nanoTime() - begun < 60_000_000_000L);
      burnt.stop();
      boolean sampled = burnt.all() >= LOOKS;
      double core =
          sampled ? burnt.share(StackSample.Part.CORE) : sample.share(StackSample.Part.CORE);
      String measured =
          sampled
              ? shares(burnt.all(), burnt::share) + ", " + burnt.lost() + " without a stack"
              : shares(sample.all(), sample::share);
      String what = "the core's share of the job's processor time on ";
      findings.add(
          structure.equals("machine")
              ? Finding.of(
                  what + "a full hart",
                  "at most 5 % (Härtig et al.)",
                  measured,
                  core <= MOST_SHARE && (sampled || sample.all() >= LOOKS))
              : Finding.figure(what + structure, measured));
      findings.add(
          Finding.figure(
              "the same on " + structure + " by looks at stacks, which lean towards loops",
              shares(sample.all(), sample::share)));
    }
    times.put(structure, seconds.stream().mapToDouble(each -> each).min().orElse(0));
    return sum;
  }

  /** The job while servers of a neighbour, and its own drivers, die and are mended. */
  private static String beside(
      Trial trial, LinuxGuest guest, NanoGuest neighbour, String job, List<Finding> findings)
      throws Exception {
    String[] sum = {"it failed"};
    Thread worker =
        Thread.ofPlatform()
            .daemon()
            .name("lab job")
            .start(
                () -> {
                  try {
                    sum[0] = guest.exec(job).strip();
                  } catch (CommandFailed | CallFailed e) {
                    sum[0] = "it failed: " + e.getMessage();
                  }
                });
    List<String> dying = new ArrayList<>();
    neighbour.parts().forEach(each -> dying.add(neighbour.path() + each));
    for (String own : List.of("/uart", "/console", "/plic", "/rtc", "/store1", "/blk1")) {
      dying.add(guest.path() + own);
    }
    int deaths = 0;
    trial
        .supervisor()
        .rule("**", String.join(", ", java.util.Collections.nCopies(10, "restart*100")));
    try {
      while (worker.isAlive()) {
        trial.cancellation().check();
        String next = dying.get(deaths % dying.size());
        boolean open =
            trial.kernel().endpoints().stream()
                .anyMatch(each -> each.path().equals(next) && each.condition().equals("open"));
        if (open) {
          trial.supervisor().kill(next);
          deaths++;
        }
        worker.join(TimeUnit.MILLISECONDS.toMillis(100));
      }
    } finally {
      trial.supervisor().rule("**", "");
    }
    findings.add(
        Finding.of(
            "the job on " + guest.path() + " while servers of its own and next door die",
            "it ends well (Heiser et al.)",
            sum[0].startsWith("it failed") ? sum[0] : "after " + deaths + " deaths, well",
            !sum[0].startsWith("it failed") && deaths > 0));
    return sum[0];
  }

  /** {@code 1.2 % core, 97.0 % engine, 1.8 % servers, of 1000}. */
  private static String shares(int all, ToDoubleFunction<StackSample.Part> share) {
    return String.format(
        Locale.ROOT,
        "%.1f %% core, %.1f %% engine, %.1f %% servers, of %d",
        100 * share.applyAsDouble(StackSample.Part.CORE),
        100 * share.applyAsDouble(StackSample.Part.ENGINE),
        100 * share.applyAsDouble(StackSample.Part.SERVERS),
        all);
  }

  /** The job as a native program, twice: the second time counts. */
  private static String nativeJob(Trial trial, String job, Map<String, Double> times)
      throws Exception {
    String unused = nativeJob(trial, job);
    long begun = System.nanoTime();
    String sum = nativeJob(trial, job);
    times.put("native", (System.nanoTime() - begun) / 1e9);
    return sum;
  }

  private static String nativeJob(Trial trial, String job) throws Exception {
    Path busybox = NativeBench.busybox(trial);
    String path = "task/lab-job";
    Personality task =
        trial
            .root()
            .create(
                path,
                Personality.class,
                Map.of(
                    "file",
                    busybox.toString(),
                    "args",
                    Personality.list(List.of("sh", "-c", job)),
                    "environment",
                    Personality.list(List.of("PATH=/bin"))));
    try {
      task.start();
      TaskReport report = task.report();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (!report.ended()) {
        trial.cancellation().check();
        if (System.nanoTime() - end > 0) {
          throw new CommandFailed("the native job does not end within " + SECONDS + " s");
        }
        report = task.await(500);
      }
      String said =
          trial.root().connect(path + "/console", Console.class).output(0, 65_536, 0).strip();
      if (report.status() != 0) {
        throw new CommandFailed("the native job: " + said + " (status " + report.status() + ")");
      }
      return said;
    } finally {
      trial.root().remove(path);
    }
  }
}
