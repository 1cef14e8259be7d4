package duality.faults;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The campaign as a command; {@code bench/faults.sh} starts it. */
public final class Main {
  private static final String USAGE =
      """
      faults [OPTION...]
        --kind KIND,...    kinds of component (default: all): %s
        --fault FAULT,...  kinds of fault (default: all): %s
        --count N          injections for each kind of component (default 20)
        --seed N           of the sample and of the dialogues (default: the clock's)
        --guest GUEST      nano (default) or linux, whose image has to be there: guest:fetch linux
        --cpus N           harts of each guest, 1 to 8 (default 1; trap, xen, ring and vcon have no more)
        --core N           mutants of the core instead: the control
        --jvms N           so many JVMs side by side for servers of one guest, and twice as many for shared ones
                           (default 2, for two processors)
        --json FILE        appends every verdict as it comes, one object a line; those of the same seed that
                           stand in it already are not done again
        --only N,...       of the sample only those with these numbers, to look at them again
        --minutes N        begins nothing new after so long
        --system JAR       the exported system (default dist/target/duality.jar)
        --verbose          every verdict as it comes
      """;

  private Main() {}

  /**
   * Exit status: 0; 1 when something was not contained, when a fault that only stops its server
   * left a wrong byte, or when the campaign failed; 2 for wrong usage.
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Options options;
    try {
      options = Options.parse(List.of(arguments));
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.err.printf(
          USAGE, Arrays.toString(Component.values()), Arrays.toString(FaultKind.values()));
      System.exit(2);
      return;
    }
    Path folder = Files.createTempDirectory("duality-faults");
    boolean well;
    try {
      well = run(options, folder);
    } finally {
      delete(folder); // nothing that follows an exit would be done
    }
    System.exit(well ? 0 : 1);
  }

  record Options(
      List<Component> components,
      List<FaultKind> faults,
      int count,
      long seed,
      int core,
      List<Integer> only,
      int jvms,
      long minutes,
      @Nullable Path json,
      Path system,
      Guests guests,
      boolean verbose) {

    static Options parse(List<String> words) {
      List<Component> components = List.of(Component.values());
      List<FaultKind> faults = Arrays.stream(FaultKind.values()).filter(FaultKind::usual).toList();
      int count = 20;
      long seed = System.currentTimeMillis();
      int core = 0;
      List<Integer> only = List.of();
      int jvms = Campaign.JVMS;
      long minutes = Long.MAX_VALUE;
      Path json = null;
      Path system = Path.of("dist/target/duality.jar");
      boolean linux = false;
      int cpus = 1;
      boolean verbose = false;
      boolean chosen = false;
      for (int i = 0; i < words.size(); i++) {
        String option = words.get(i);
        if (option.equals("--verbose")) {
          verbose = true;
          continue;
        }
        if (i + 1 == words.size()) {
          throw new IllegalArgumentException(option + " is no option, or needs a value");
        }
        String value = words.get(++i);
        switch (option) {
          case "--kind" -> {
            components = Arrays.stream(value.split(",")).map(Component::of).toList();
            chosen = true;
          }
          case "--fault" ->
              faults =
                  Arrays.stream(value.toUpperCase(Locale.ROOT).split(","))
                      .map(FaultKind::valueOf)
                      .toList();
          case "--count" -> count = (int) number(option, value, Integer.MAX_VALUE);
          case "--seed" -> seed = number(option, value, Long.MAX_VALUE);
          case "--core" -> core = (int) number(option, value, Integer.MAX_VALUE);
          case "--guest" -> {
            if (!List.of("nano", "linux").contains(value)) {
              throw new IllegalArgumentException("--guest is nano or linux, not " + value);
            }
            linux = value.equals("linux");
          }
          case "--only" -> only = Arrays.stream(value.split(",")).map(Integer::valueOf).toList();
          case "--cpus" -> cpus = (int) number(option, value, Integer.MAX_VALUE);
          case "--jvms" -> jvms = (int) number(option, value, Integer.MAX_VALUE);
          case "--minutes" -> minutes = number(option, value, Long.MAX_VALUE);
          case "--json" -> json = Path.of(value);
          case "--system" -> system = Path.of(value);
          default -> throw new IllegalArgumentException(option + " is no option");
        }
      }
      Guests guests = new Guests(linux, cpus);
      List<Component> without = components.stream().filter(each -> !each.serves(guests)).toList();
      if (chosen && !without.isEmpty()) {
        throw new IllegalArgumentException(
            "--kind cannot have "
                + without.stream().map(Component::label).collect(Collectors.joining(", "))
                + " here: vmm.trap and vmm.xen run machines of one hart, and vmm.xen no Linux");
      }
      components = components.stream().filter(each -> each.serves(guests)).toList();
      return new Options(
          components,
          faults,
          count,
          seed,
          core,
          only,
          jvms,
          minutes,
          json,
          system,
          guests,
          verbose);
    }
  }

  private static long number(String option, String text, long most) {
    try {
      long number = Long.parseLong(text);
      if (number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(option + " takes a number, not " + text);
  }

  private static boolean run(Options options, Path folder)
      throws IOException, InterruptedException {
    Path own;
    try {
      own = Path.of(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IOException(e);
    }
    Installation installation =
        new Installation(options.system(), own, folder, options.guests().linux());
    System.out.println("seed " + options.seed());
    if (options.core() > 0) {
      return new CoreControl(installation, folder, options.seed())
          .run(options.core(), options.verbose());
    }
    Report report = new Report();
    Campaign campaign =
        new Campaign(installation, folder, options.guests(), options.seed(), options.jvms());
    List<Task> tasks =
        new ArrayList<>(campaign.tasks(options.components(), options.count(), options.faults()));
    readBefore(options, report);
    tasks.removeIf(report::has);
    if (!options.only().isEmpty()) {
      tasks.removeIf(each -> !options.only().contains(each.number()));
    }
    Watch watch = new Watch(report, tasks.size(), options.minutes());
    Thread interrupted = new Thread(() -> end(options, report, campaign, folder), "interrupted");
    Runtime.getRuntime().addShutdownHook(interrupted);
    List<Stand.Harm> nobodys =
        campaign.run(
            tasks,
            (task, done) -> {
              report.add(done.verdict());
              append(options, done.verdict());
              watch.done();
              if (options.verbose()) {
                System.out.println(done.verdict().json(options.seed()));
                if (done.verdict().manifested() && !done.verdict().recovered()) {
                  System.out.println(done.trace());
                }
              }
            },
            watch::isOver);
    Runtime.getRuntime().removeShutdownHook(interrupted);
    print(options, report, campaign);
    for (Stand.Harm harm : nobodys) {
      System.out.println(
          "harm that nobody repeated alone: "
              + harm.reason()
              + " by one of "
              + harm.suspects().stream().map(each -> each.site().text()).toList());
    }
    return report.forbidden().isEmpty() && nobodys.isEmpty();
  }

  /** The verdicts of a run that was cut short. */
  private static void readBefore(Options options, Report report) throws IOException {
    if (options.json() != null && Files.exists(options.json())) {
      for (String line : Files.readAllLines(options.json())) {
        Verdict before = Verdict.parse(line, options.seed());
        if (before != null) {
          report.add(before);
        }
      }
    }
  }

  private static void append(Options options, Verdict verdict) throws IOException {
    if (options.json() != null) {
      Files.writeString(
          options.json(),
          verdict.json(options.seed()) + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    }
  }

  private static void print(Options options, Report report, Campaign campaign) {
    System.out.print(report.table());
    System.out.println();
    System.out.print(report.byFault());
    System.out.println(campaign.jvms() + " JVMs; not used on: " + Subject.RETIRED);
    report.remarkable(options.seed()).forEach(System.out::println);
  }

  /** Interrupted: what is known so far. */
  private static void end(Options options, Report report, Campaign campaign, Path folder) {
    campaign.close();
    System.out.println("interrupted; so far:");
    print(options, report, campaign);
    try {
      delete(folder);
    } catch (IOException e) {
      System.err.println("left in " + folder + ": " + e.getMessage());
    }
  }

  /** Says how far the campaign is, and when its time is over. */
  private static final class Watch {
    private static final long EVERY_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Report report;
    private final int todo;
    private final long minutes;
    private final long start = System.nanoTime();
    private long said = start;
    private int done;

    Watch(Report report, int todo, long minutes) {
      this.report = report;
      this.todo = todo;
      this.minutes = minutes;
    }

    boolean isOver() {
      return TimeUnit.NANOSECONDS.toMinutes(System.nanoTime() - start) >= minutes;
    }

    void done() {
      done++;
      long now = System.nanoTime();
      if (now - said > EVERY_NANOS) {
        said = now;
        double seconds = (now - start) / 1e9;
        System.err.printf(
            "%d of %d after %.0f s, %.1f a minute, %d that must not be; JVMs not used on: %s%n",
            done, todo, seconds, done * 60 / seconds, report.forbidden().size(), Subject.RETIRED);
      }
    }
  }

  private static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path each, @Nullable IOException e)
              throws IOException {
            Files.delete(each);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
