package duality.soak;

import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.guests.Progress;
import duality.kernel.Observation;
import duality.servers.Root;
import duality.servers.Supervisor;
import duality.servers.Swapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The Gogo commands {@code soak:run} and {@code soak:crashes}. */
@Component(
    service = SoakCommand.class,
    property = {
      "osgi.command.scope=soak",
      "osgi.command.function=run",
      "osgi.command.function=crashes"
    })
public final class SoakCommand {
  private static final String USAGE =
      "soak:run [--minutes N] [--swaps N] [--seed S] [--kinds A,B…] [--verb swap|update]"
          + " [--gap MS] [--probes true|false] [--cpus N]";

  private static final String CRASHES = "soak:crashes [--crashes N] [--kinds A,B…] [--seed S]";

  private final Root root;
  private final Supervisor supervisor;
  private final Swapper swapper;
  private final Observation kernel;
  private final BundleContext context;

  /** With what it soaks. */
  @Activate
  public SoakCommand(
      BundleContext context,
      @Reference Root root,
      @Reference Swapper swapper,
      @Reference Supervisor supervisor,
      @Reference Observation kernel) {
    this.context = context;
    this.root = root;
    this.swapper = swapper;
    this.supervisor = supervisor;
    this.kernel = kernel;
  }

  /** Runs a soak; fails when anything was lost. */
  public String run(String[] arguments) throws IOException, InterruptedException, GuestUnavailable {
    Plan plan = plan(arguments);
    Path folder = Files.createTempDirectory("duality-soak");
    Path disk = folder.resolve("disk.img");
    try {
      Boot boot = image("linux").prepare(Progress.NONE);
      Soak soak =
          new Soak(
              plan, root, swapper, kernel, new FileUpdates(context, folder), SoakCommand::tell);
      Outcome outcome = soak.run("soak", boot, disk);
      outcome.lines().forEach(SoakCommand::tell);
      if (!outcome.faults().isEmpty()) {
        throw new IllegalStateException(outcome.faults().size() + " faults, see above");
      }
      return "";
    } finally {
      delete(folder);
    }
  }

  /** Kills servers of each kind under a guest; fails when one was not mended or data were lost. */
  public String crashes(String[] arguments)
      throws IOException, InterruptedException, GuestUnavailable {
    Map<String, String> options =
        options(arguments, List.of("--crashes", "--kinds", "--seed"), CRASHES);
    Path folder = Files.createTempDirectory("duality-crashes");
    try {
      String kinds = options.getOrDefault("--kinds", "");
      List<String> faults =
          new Crashes(root, supervisor, SoakCommand::tell)
              .run(
                  image("nano").prepare(Progress.NONE),
                  folder.resolve("disk.img"),
                  Integer.parseInt(options.getOrDefault("--crashes", "100")),
                  kinds.isEmpty() ? List.of() : Arrays.asList(kinds.split(",", -1)),
                  Long.parseLong(options.getOrDefault("--seed", "1")));
      faults.forEach(SoakCommand::tell);
      if (!faults.isEmpty()) {
        throw new IllegalStateException(faults.size() + " faults, see above");
      }
      return "";
    } finally {
      delete(folder);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      for (Path each : all.toList()) {
        Files.delete(each);
      }
    }
    Files.delete(folder);
  }

  private static void tell(String line) {
    System.out.println(line);
  }

  private GuestImage image(String name) {
    try {
      Collection<org.osgi.framework.ServiceReference<GuestImage>> all =
          context.getServiceReferences(GuestImage.class, null);
      for (org.osgi.framework.ServiceReference<GuestImage> each : all) {
        GuestImage image = context.getService(each);
        if (image != null && image.name().equals(name)) {
          return image;
        }
      }
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
    throw new IllegalStateException("there is no guest '" + name + "'");
  }

  private static Plan plan(String[] arguments) {
    Map<String, String> options =
        options(
            arguments,
            List.of(
                "--minutes",
                "--swaps",
                "--seed",
                "--kinds",
                "--verb",
                "--gap",
                "--probes",
                "--cpus"),
            USAGE);
    boolean timed = options.containsKey("--minutes");
    double minutes = Double.parseDouble(options.getOrDefault("--minutes", "100000"));
    String swaps = options.getOrDefault("--swaps", timed ? "1000000000" : "1000");
    String kinds = options.getOrDefault("--kinds", "");
    return new Plan(
        Long.parseLong(swaps),
        Duration.ofMillis((long) (minutes * 60_000)),
        Long.parseLong(
            options.getOrDefault("--seed", Long.toString(System.nanoTime() / 1_000 % 1_000_000))),
        kinds.isEmpty() ? List.of() : Arrays.asList(kinds.split(",", -1)),
        options.getOrDefault("--verb", Plan.SWAP),
        Duration.ofMillis(Long.parseLong(options.getOrDefault("--gap", "10"))),
        Boolean.parseBoolean(options.getOrDefault("--probes", "true")),
        Integer.parseInt(options.getOrDefault("--cpus", "1")));
  }

  private static Map<String, String> options(String[] arguments, List<String> known, String usage) {
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i < arguments.length; i += 2) {
      if (!known.contains(arguments[i]) || i + 1 == arguments.length) {
        throw new IllegalArgumentException("'" + arguments[i] + "': " + usage);
      }
      options.put(arguments[i], arguments[i + 1]);
    }
    return options;
  }
}
