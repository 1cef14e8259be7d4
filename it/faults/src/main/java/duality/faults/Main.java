package duality.faults;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
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
        --core N           mutants of the core instead: the control
        --json FILE        every verdict, one object a line
        --system JAR       the exported system (default dist/target/duality.jar)
        --verbose          every verdict as it comes
      """;

  private Main() {}

  /**
   * Exit status: 0, 1 when something was not contained or the campaign failed, 2 for wrong usage.
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
    try {
      System.exit(run(options, folder) ? 0 : 1);
    } finally {
      delete(folder);
    }
  }

  private record Options(
      List<Component> components,
      List<FaultKind> faults,
      int count,
      long seed,
      int core,
      @Nullable Path json,
      Path system,
      boolean verbose) {

    static Options parse(List<String> words) {
      List<Component> components = List.of(Component.values());
      List<FaultKind> faults = Arrays.stream(FaultKind.values()).filter(FaultKind::usual).toList();
      int count = 20;
      long seed = System.currentTimeMillis();
      int core = 0;
      Path json = null;
      Path system = Path.of("dist/target/duality.jar");
      boolean verbose = false;
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
          case "--kind" -> components = Arrays.stream(value.split(",")).map(Component::of).toList();
          case "--fault" ->
              faults =
                  Arrays.stream(value.toUpperCase(Locale.ROOT).split(","))
                      .map(FaultKind::valueOf)
                      .toList();
          case "--count" -> count = Integer.parseInt(value);
          case "--seed" -> seed = Long.parseLong(value);
          case "--core" -> core = Integer.parseInt(value);
          case "--json" -> json = Path.of(value);
          case "--system" -> system = Path.of(value);
          default -> throw new IllegalArgumentException(option + " is no option");
        }
      }
      return new Options(components, faults, count, seed, core, json, system, verbose);
    }
  }

  private static boolean run(Options options, Path folder)
      throws IOException, InterruptedException {
    Path own;
    try {
      own = Path.of(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IOException(e);
    }
    Installation installation = new Installation(options.system(), own, folder);
    System.out.println("seed " + options.seed());
    if (options.core() > 0) {
      return new CoreControl(installation, folder, options.seed())
          .run(options.core(), options.verbose());
    }
    Report report = new Report();
    try (Campaign campaign = new Campaign(installation, folder, options.seed())) {
      List<String> strange = new ArrayList<>();
      for (Component component : options.components()) {
        for (Site site : campaign.sample(component, options.count(), options.faults())) {
          Verdict verdict = campaign.inject(component, site);
          report.add(verdict);
          if (options.verbose()) {
            System.out.println(verdict.json());
            if (verdict.manifested() && verdict.recoveredMillis() < 0) {
              System.out.println(campaign.lastTrace());
            }
          }
          if (!verdict.contained() || !verdict.dataCorrect()) {
            strange.add(verdict.json());
          }
          if (options.json() != null) {
            report.json(options.json());
          }
        }
      }
      System.out.print(report.table());
      System.out.println(campaign.jvms() + " JVMs");
      if (!strange.isEmpty()) {
        System.out.println("not contained, or with wrong data:");
        strange.forEach(System.out::println);
      }
      return report.verdicts().stream().allMatch(Verdict::contained);
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
