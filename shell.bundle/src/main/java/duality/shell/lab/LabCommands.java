package duality.shell.lab;

import duality.kernel.Observation;
import duality.servers.CostDial;
import duality.servers.Root;
import duality.servers.Supervisor;
import duality.servers.Swapper;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import duality.shell.lab.Experiment.Finding;
import duality.shell.machine.GuestImages;
import duality.shell.text.Near;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Lists the experiments and runs them. */
@Component(service = LabCommands.class, immediate = true)
public final class LabCommands extends CommandGroup {
  private static final String SCOPE = "lab";

  /** All there are, by their place in the debate. */
  static final List<Experiment> EXPERIMENTS =
      List.of(
          new LiabilityExperiment(),
          new CostExperiment(),
          new CurveExperiment(),
          new CrossingsExperiment(),
          new ComponentExperiment(),
          new SpacesExperiment(),
          new FaultExperiment(),
          new MonitorExperiment(),
          new ParavirtualExperiment(),
          new TrustExperiment(),
          new PrimitivesExperiment(),
          new NucleusExperiment(),
          new ChargesExperiment());

  private final BundleContext context;
  private final Observation kernel;
  private final Root root;
  private final Swapper swapper;
  private final Supervisor supervisor;
  private final GuestImages images;
  private final CostDial dial;

  /** With what experiments use. */
  @Activate
  public LabCommands(
      BundleContext context,
      @Reference Observation kernel,
      @Reference Root root,
      @Reference Swapper swapper,
      @Reference Supervisor supervisor,
      @Reference GuestImages images,
      @Reference CostDial dial) {
    this.context = context;
    this.kernel = kernel;
    this.root = root;
    this.swapper = swapper;
    this.supervisor = supervisor;
    this.images = images;
    this.dial = dial;
  }

  /** Names of the experiments. */
  public static List<String> names() {
    return EXPERIMENTS.stream().map(Experiment::name).toList();
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "list", "Lists the experiments, one for each claim of the debate."),
            call -> EXPERIMENTS.stream().map(Line::of).toList()),
        new Command(
            Syntax.of(SCOPE, "run", "Runs an experiment: predictions first, then the result.")
                .takes("NAME", Kind.EXPERIMENT, "one of lab:list")
                .option("--rounds", Kind.COUNT, "how often to repeat (default 20)")
                .option("--file", Kind.FILE, "the program ops, for those that need it")
                .option("--json", Kind.FILE, "where the record goes (default lab-NAME.json)")
                .note("The predictions are written to the file before anything is run.")
                .note("docs/lab/NAME.md explains each experiment."),
            this::run),
        new Command(
            Syntax.of(SCOPE, "far", "Lets another process call a console of this system.")
                .takes("SOCKET", Kind.FILE, "a Unix socket at which it listens")
                .note("lab:run spaces starts a second system with this command: see docs/lab."),
            this::far),
        new Command(
            Syntax.of(
                    "kernel", "crossings", "Counts what one operation crosses, in each structure.")
                .takes("FILE", Kind.FILE, "the program ops; bench/crossings.sh builds it")
                .option(
                    "--rounds",
                    Kind.COUNT,
                    "so many pairs of runs, of which the median (default 3)")
                .option("--json", Kind.FILE, "where the table goes as well")
                .note("The same file runs in Linux on vmm.machine, on vmm.trap, and as a task;")
                .note("what nano can do, it does on these and, ported, on vmm.xen: nano/xen.")
                .note("Other guests are counted too, as far as figures are the whole system's."),
            this::crossings));
  }

  private @Nullable Object far(Invocation call) throws Exception {
    Path socket = call.session().currentDir().resolve(call.arguments().text("SOCKET"));
    if (!Files.exists(socket)) {
      throw new CommandFailed("nobody listens at " + socket);
    }
    Path folder = Files.createTempDirectory("lab");
    try {
      FarConsole.serve(trial(call, 1, folder, null), socket);
      return null;
    } finally {
      delete(folder);
    }
  }

  private List<Crossings.Crossing> crossings(Invocation call) throws Exception {
    Path program = call.session().currentDir().resolve(call.arguments().text("FILE"));
    if (!Files.isRegularFile(program)) {
      throw new CommandFailed("there is no file " + program);
    }
    int rounds = call.arguments().count("--rounds", 3);
    if (rounds < 1 || rounds > 1_000) {
      throw new CommandFailed("--rounds takes 1 to 1000");
    }
    Path folder = Files.createTempDirectory("lab");
    try {
      List<Crossings.Crossing> rows =
          new Crossings(trial(call, rounds, folder, program), program.toAbsolutePath()).measure();
      if (call.arguments().has("--json")) {
        Path file = call.session().currentDir().resolve(call.arguments().text("--json"));
        Files.writeString(file, Json.write(rows.stream().map(LabRecord::fields).toList()) + "\n");
      }
      return rows;
    } finally {
      delete(folder);
    }
  }

  private Trial trial(Invocation call, int rounds, Path folder, @Nullable Path program) {
    return new Trial(
        context,
        kernel,
        root,
        swapper,
        supervisor,
        images,
        dial,
        program,
        rounds,
        folder,
        call.cancellation(),
        line -> {
          call.err().println("  " + line);
          call.err().flush();
        });
  }

  /**
   * An experiment in the list.
   *
   * @param name to be run by
   * @param question what is asked
   * @param sources rows of the literature
   */
  record Line(String name, String question, String sources) {
    static Line of(Experiment each) {
      return new Line(each.name(), each.question(), each.sources());
    }
  }

  private List<Finding> run(Invocation call) throws Exception {
    String name = call.arguments().text("NAME");
    Experiment experiment =
        EXPERIMENTS.stream()
            .filter(each -> each.name().equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    new CommandFailed(
                        "there is no experiment '" + name + "'" + Near.hint(name, names())));
    Path record =
        call.session()
            .currentDir()
            .resolve(call.arguments().text("--json", "lab-" + name + ".json"));
    int rounds = call.arguments().count("--rounds", 20);
    if (rounds < 1) {
      throw new CommandFailed("--rounds takes at least 1");
    }
    Map<String, Object> written = LabRecord.predicted(experiment, rounds, Instant.now());
    Files.writeString(record, Json.write(written) + "\n");
    call.err().println(experiment.question());
    experiment
        .predictions()
        .forEach(each -> call.err().println("  " + each.side() + ": " + each.says() + "."));
    call.err().flush();
    Path folder = Files.createTempDirectory("lab");
    try {
      Experiment.Result result = experiment.run(trial(call, rounds, folder, program(call)));
      LabRecord.measured(written, result, Instant.now());
      Files.writeString(record, Json.write(written) + "\n");
      call.err().println(result.verdict());
      call.err().println("recorded in " + record);
      return result.findings();
    } finally {
      delete(folder);
    }
  }

  private static @Nullable Path program(Invocation call) throws CommandFailed {
    if (!call.arguments().has("--file")) {
      return null;
    }
    Path file = call.session().currentDir().resolve(call.arguments().text("--file"));
    if (!Files.isRegularFile(file)) {
      throw new CommandFailed("there is no file " + file);
    }
    return file.toAbsolutePath();
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      for (Path each : all.toList()) {
        Files.delete(each);
      }
    }
    Files.delete(folder);
  }
}
