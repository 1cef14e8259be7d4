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
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Counts the crossings of one operation of an operating system in each structure: the same static
 * program does the operation N times and then five times as often; what is more, divided by how
 * many operations more, is what one costs; the median of several such pairs. Starting the program,
 * and all that goes on by itself at a steady rate in between, falls out as far as it is the same in
 * both.
 *
 * <p>Crossings are counted by the core. Beside them is what others count, who know nothing of it:
 * the monitor or the personality that the guest goes into.
 */
final class Crossings {
  private static final String NAME = "crossings";
  private static final String VM = "vm/" + NAME;
  private static final int MORE = 5;

  /** A round of {@link Workbench#script}: busybox forks, executes itself and pipes. */
  static final String SCRIPT = "script";

  private static final long SECONDS = 600;
  private static final long SCRATCH_BYTES = 1 << 20;
  private static final Pattern EACH = Pattern.compile("([a-z]+): ([0-9]+) times, ([0-9]+) ns each");

  /** Operations of the program, and how often at first. */
  private static final Map<String, Integer> OPERATIONS = operations();

  private final Trial trial;
  private final Path program;

  Crossings(Trial trial, Path program) {
    this.trial = trial;
    this.program = program;
  }

  private static Map<String, Integer> operations() {
    Map<String, Integer> all = new LinkedHashMap<>();
    all.put("null", 4_000);
    all.put("fault", 512);
    all.put("fork", 40);
    all.put("exec", 30);
    all.put("switch", 200);
    all.put("read", 100);
    all.put("write", 100);
    all.put(SCRIPT, 8);
    return all;
  }

  /**
   * What one operation costs.
   *
   * @param structure who runs the program: {@code machine}, {@code trap}, {@code native}; what
   *     {@link NanoCrossings} are for {@code nano/machine} and so on
   * @param operation what it does
   * @param calls see {@link Tallies}; of a native program {@code exceptions} are its system calls
   *     and {@code faults} all else that is handed to the personality, and what that asks its pager
   * @param handled exits as the monitor that they came to counts them; empty where there is none
   * @param filled of these, those for pages that the guest's tables had already, which a processor
   *     that walks them does not need
   * @param systemCalls of the program, as the monitor or the personality counts them; empty where
   *     they reach neither
   * @param cpuNanos processor time
   * @param elapsedNanos as the program's clock says
   * @param ratio processor time beside the one of {@code machine}, with the same guest; empty where
   *     there is none
   * @param remark why it was not measured
   */
  record Crossing(
      String structure,
      String operation,
      double calls,
      double faults,
      double exceptions,
      double devices,
      double notifications,
      double maps,
      double unmaps,
      String handled,
      String filled,
      String systemCalls,
      long cpuNanos,
      long elapsedNanos,
      String ratio,
      String remark) {}

  /** Runs the program with those arguments; its output. */
  private interface Runner {
    String run(List<String> arguments) throws Exception;
  }

  List<Crossing> measure() throws Exception {
    List<Crossing> rows = new ArrayList<>();
    machines(rows);
    for (String operation : OPERATIONS.keySet()) {
      String path = "task/" + NAME;
      rows.add(row(rows, "native", operation, path, true, this::runNative));
    }
    rows.addAll(NanoCrossings.measureAll(trial));
    return rows;
  }

  private static String command(List<String> words) {
    return words.getFirst().equals(SCRIPT)
        ? Workbench.script(Integer.parseInt(words.get(1)))
        : "/tmp/ops " + String.join(" ", words);
  }

  /** What the program would say: a script has no clock of its own. */
  private static String done(List<String> words, long nanos) {
    long times = Long.parseLong(words.get(1));
    return SCRIPT + ": " + times + " times, " + nanos / times + " ns each";
  }

  private void machines(List<Crossing> rows) throws Exception {
    try (LinuxGuest guest =
        new LinuxGuest(
            trial,
            NAME,
            program,
            trial.folder().resolve("scratch"),
            SCRATCH_BYTES,
            "vmm.machine")) {
      for (String structure : List.of("machine", "trap")) {
        guest.cross("vmm." + structure);
        for (String operation : OPERATIONS.keySet()) {
          rows.add(
              row(
                  rows,
                  structure,
                  operation,
                  VM,
                  false,
                  words -> {
                    Own before = Own.of(guest.overhead());
                    long start = System.nanoTime();
                    String said = guest.exec(command(words));
                    long nanos = System.nanoTime() - start;
                    own = Own.of(guest.overhead()).plus(before, -1);
                    return words.getFirst().equals(SCRIPT) ? done(words, nanos) : said;
                  }));
        }
      }
    }
  }

  /**
   * What a server counts itself of what comes to it.
   *
   * @param exits all that came; NaN when it does not say
   * @param calls system calls of programs among them; NaN when it does not say
   * @param filled exits for pages that the guest's tables had already; NaN when it does not say
   */
  record Own(double exits, double calls, double filled) {
    static final Own NONE = new Own(Double.NaN, Double.NaN, Double.NaN);

    // A line of the table of vmm.trap or vmm.xen: what for, how often.
    private static final Pattern LINE = Pattern.compile("(?m)^ *(.+): ([0-9]+)( exits)?, .* each$");
    private static final String ALL = "all";
    private static final Set<String> CALLS =
        Set.of("system calls of programs", "system calls handed to the guest");
    private static final Set<String> FILLED =
        Set.of("shadow entries filled", "pages shown that its tables have");

    /** By the table of a monitor; of another one's empty one nothing. */
    static Own of(String overhead) {
      if (overhead.isEmpty()) {
        return NONE;
      }
      double sum = 0;
      double all = -1;
      double calls = 0;
      double filled = 0;
      Matcher line = LINE.matcher(overhead);
      while (line.find()) {
        double count = Double.parseDouble(line.group(2));
        sum += count;
        all = line.group(1).equals(ALL) ? count : all;
        calls += CALLS.contains(line.group(1)) ? count : 0;
        filled += FILLED.contains(line.group(1)) ? count : 0;
      }
      return new Own(all < 0 ? sum : all, calls, filled);
    }

    Own plus(Own other, double times) {
      return new Own(
          exits + times * other.exits, calls + times * other.calls, filled + times * other.filled);
    }

    Own dividedBy(double operations) {
      return new Own(exits / operations, calls / operations, filled / operations);
    }
  }

  /** What the server behind the last run counted. */
  private Own own = Own.NONE;

  /** The last look before the task is removed, because its counters end with it. */
  private @Nullable Tallies nativeTallies;

  private String runNative(List<String> arguments) throws CommandFailed {
    String path = "task/" + NAME;
    boolean script = arguments.getFirst().equals(SCRIPT);
    Path file = script ? NativeBench.busybox(trial) : program;
    List<String> words = script ? List.of("sh", "-c", command(arguments)) : disks(arguments);
    Personality task =
        trial
            .root()
            .create(
                path,
                Personality.class,
                Map.of(
                    "file",
                    file.toAbsolutePath().toString(),
                    "args",
                    Personality.list(words),
                    "environment",
                    Personality.list(List.of("PATH=/bin")),
                    "disk",
                    trial.folder().resolve("scratch").toString()));
    try {
      Tallies before = Tallies.now(trial.kernel(), path);
      double exits = -handled(path);
      long start = System.nanoTime();
      task.start();
      TaskReport report = task.report();
      long asked = 2;
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (!report.ended()) {
        trial.cancellation().check();
        if (System.nanoTime() - end > 0) {
          throw new CommandFailed("it does not end within " + SECONDS + " s");
        }
        report = task.await(500);
        asked++;
      }
      long nanos = System.nanoTime() - start;
      exits += handled(path) - asked;
      Tallies counted = Tallies.now(trial.kernel(), path).since(before);
      // Its threads may be gone with the program: the report has what they did.
      nativeTallies =
          new Tallies(
              counted.calls(),
              counted.faults() + Math.max(0, exits - report.calls()),
              report.calls(),
              counted.devices(),
              counted.notifications(),
              counted.maps(),
              counted.unmaps(),
              report.cpuNanos());
      own = new Own(Double.NaN, report.calls(), Double.NaN);
      String output = trial.root().connect(path + "/console", Console.class).output(0, 65_536, 0);
      if (report.status() != 0) {
        throw new CommandFailed(
            output.strip() + " (status " + report.status() + " " + report.reason() + ")");
      }
      return script ? done(arguments, nanos) : output;
    } finally {
      trial.root().remove(path);
    }
  }

  /** A task has one disk. */
  private static List<String> disks(List<String> words) {
    return words.stream().map(each -> each.equals("/dev/vdb") ? "/dev/vda" : each).toList();
  }

  /** Calls that came to an endpoint: the exits of its threads, and what others asked it. */
  private double handled(String path) {
    return trial.kernel().endpoints().stream()
        .filter(each -> each.path().equals(path))
        .mapToDouble(each -> each.calls())
        .sum();
  }

  private Crossing row(
      List<Crossing> rows,
      String structure,
      String operation,
      String path,
      boolean ends,
      Runner runner)
      throws Exception {
    trial.cancellation().check();
    int few = OPERATIONS.getOrDefault(operation, 1);
    try {
      // Once for the caches and the compiler of the host, which would count as cheaper operations.
      Sample warm = sample(operation, few * MORE, path, ends, runner);
      double operations = (double) few * (MORE - 1);
      List<Sample> pairs = new ArrayList<>();
      for (int i = 0; i < Math.max(1, trial.rounds()); i++) {
        Sample less = sample(operation, few, path, ends, runner);
        Sample more = sample(operation, few * MORE, path, ends, runner);
        pairs.add(more.moreThan(less, operations));
      }
      Sample middle = Sample.median(pairs);
      Tallies each = middle.counted;
      long elapsed = Math.round(middle.nanos);
      trial
          .say()
          .accept(
              structure
                  + " "
                  + operation
                  + ": "
                  + Math.round(warm.nanos / (few * MORE))
                  + " ns at first");
      String ratio =
          rows.stream()
              .filter(one -> one.structure.equals("machine") && one.operation.equals(operation))
              .filter(one -> one.cpuNanos > 0)
              .map(one -> String.format(Locale.ROOT, "%.2f", each.cpuNanos() / one.cpuNanos))
              .findFirst()
              .orElse("");
      return new Crossing(
          structure,
          operation,
          each.calls(),
          each.faults(),
          each.exceptions(),
          each.devices(),
          each.notifications(),
          each.maps(),
          each.unmaps(),
          figure(middle.own.exits),
          figure(middle.own.filled),
          figure(middle.own.calls),
          Math.round(each.cpuNanos()),
          elapsed,
          ratio,
          "");
    } catch (CommandFailed | CallFailed e) {
      String why = String.valueOf(e.getMessage()).replace('\n', ' ');
      trial.say().accept(structure + " " + operation + ": " + why);
      return new Crossing(
          structure, operation, 0, 0, 0, 0, 0, 0, 0, "", "", "", 0, 0, "", "not run: " + why);
    }
  }

  static String figure(double value) {
    return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.2f", value);
  }

  /**
   * A run, or what an operation costs by two.
   *
   * @param nanos by the program's clock
   */
  record Sample(Tallies counted, Own own, double nanos) {
    Sample moreThan(Sample less, double operations) {
      return new Sample(
          counted.moreThan(less.counted, operations),
          own.plus(less.own, -1).dividedBy(operations),
          (nanos - less.nanos) / operations);
    }

    /** The median of each figure by itself. */
    static Sample median(List<Sample> all) {
      return new Sample(
          Tallies.median(all.stream().map(Sample::counted).toList()),
          new Own(
              DialedWork.median(all.stream().mapToDouble(each -> each.own.exits).toArray()),
              DialedWork.median(all.stream().mapToDouble(each -> each.own.calls).toArray()),
              DialedWork.median(all.stream().mapToDouble(each -> each.own.filled).toArray())),
          DialedWork.median(all.stream().mapToDouble(Sample::nanos).toArray()));
    }
  }

  private Sample sample(String operation, int count, String path, boolean ends, Runner runner)
      throws Exception {
    List<String> words = new ArrayList<>(List.of(operation, Integer.toString(count)));
    if (operation.equals("read") || operation.equals("write")) {
      words.add("/dev/vdb");
    }
    Tallies before = Tallies.now(trial.kernel(), path);
    String output = runner.run(words);
    Tallies last = nativeTallies;
    Tallies counted = ends && last != null ? last : Tallies.now(trial.kernel(), path).since(before);
    Matcher said = EACH.matcher(output);
    if (!said.find() || !said.group(1).equals(operation)) {
      throw new CommandFailed("the program says: " + output.strip());
    }
    return new Sample(counted, own, (double) Long.parseLong(said.group(3)) * count);
  }
}
