package duality.shell.lab;

import duality.drivers.Console;
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
    String natively = nativeJob(trial, job);
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
        sums.put(structure, alone(trial, guest, job, structure, findings));
        sums.put(structure + ", servers dying", beside(trial, guest, neighbour, job, findings));
      }
    }
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
        "Shares are of looks at stacks, which lean towards loops; what a deeper pipeline or cache"
            + " would lose to a kernel below does not show in an emulated processor. The same"
            + " busybox is the native program and Debian's.");
  }

  /** The job with nothing else running; where the time goes. */
  private static String alone(
      Trial trial, LinuxGuest guest, String job, String structure, List<Finding> findings)
      throws Exception {
    String unused = guest.exec(job);
    String sum;
    long begun = System.nanoTime();
    try (StackSample sample = new StackSample()) {
      do {
        sum = guest.exec(job).strip();
      } while (sample.all() < LOOKS && System.nanoTime() - begun < 60_000_000_000L);
      double core = sample.share(StackSample.Part.CORE);
      String measured = String.format(Locale.ROOT, "%.1f %% of %d looks", 100 * core, sample.all());
      findings.add(
          structure.equals("machine")
              ? Finding.of(
                  "the core's share of the job's time on a full hart",
                  "at most 5 % (Härtig et al.)",
                  measured,
                  core <= MOST_SHARE && sample.all() >= LOOKS)
              : Finding.figure("the core's share of the job's time on " + structure, measured));
      findings.add(
          Finding.figure(
              "the servers' share on " + structure,
              String.format(Locale.ROOT, "%.1f %%", 100 * sample.share(StackSample.Part.SERVERS))));
    }
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
                  } catch (CommandFailed e) {
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
