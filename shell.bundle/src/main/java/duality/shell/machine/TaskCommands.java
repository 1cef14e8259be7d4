package duality.shell.machine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.drivers.Console;
import duality.servers.Personality;
import duality.servers.Root;
import duality.servers.TaskReport;
import duality.shell.command.Arguments;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import duality.shell.text.ByteSize;
import duality.shell.text.Near;
import duality.shell.text.Span;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Runs native programs. */
@Component(service = TaskCommands.class, immediate = true)
public final class TaskCommands extends CommandGroup {
  private static final String SCOPE = "task";
  private static final String FOLDER = "task/";
  private static final String TASK = "TASK";
  private static final long LEAST_MEMORY = 1L << 20;
  private static final long MOST_MEMORY = 64L << 30;
  private static final int MOST_INPUT = 1 << 20;
  private static final String BUSYBOX = "busybox";
  private static final String PERSONALITY = "--personality";
  private static final String LINUX = "linux";
  private static final String NUCLEUS = "rc4000";

  /** The program that comes with the nucleus. */
  private static final String SYSTEMS = "systems";

  private final Root root;
  private final GuestImages images;

  /** With root, which makes tasks, and the images, one of which brings busybox. */
  @Activate
  public TaskCommands(@Reference Root root, @Reference GuestImages images) {
    this.root = root;
    this.images = images;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "run", "Runs a native RISC-V program and shows its output.")
                .option("--memory", Kind.SIZE, "memory it may use (256M; 16M under rc4000)")
                .choice(PERSONALITY, "whose calls it makes (linux)", LINUX, NUCLEUS)
                .repeated("--env", Kind.TEXT, "NAME=VALUE for its environment")
                .repeated(
                    "--disk", Kind.FILE, "host file that it has as /dev/vda; FILE,ro: to read")
                .takes("FILE", Kind.FILE, "a statically linked RV64 ELF file of the host")
                .takesRest("ARGS", Kind.TEXT, "its arguments", true)
                .note("'busybox' is the one that guest:fetch linux gets: task:run busybox sh.")
                .note("At the prompt it has the terminal: Ctrl-C interrupts, Ctrl-D is the end of")
                .note("input, Ctrl-] leaves it running. In scripts it reads what is piped into it.")
                .note("task:run --personality rc4000 systems [systems dummy exchange chaos fault]")
                .note("shows the nucleus of the RC 4000: its arguments say what of it.")
                .note("Fails when its exit status is not 0.")
                .note("It stays in task:list until task:delete, with what it used."),
            this::run),
        new Command(
            Syntax.of(SCOPE, "list", "Lists the native programs, those that have ended too."),
            call -> reports().stream().map(Line::of).toList()),
        new Command(
            Syntax.of(SCOPE, "inspect", "Shows all about a native program.")
                .takes(TASK, Kind.TASK, "its number"),
            call -> task(call.arguments()).report()),
        new Command(
            Syntax.of(SCOPE, "stop", "Ends a native program.").takes(TASK, Kind.TASK, "its number"),
            call -> {
              Personality task = task(call.arguments());
              task.stop();
              return new Ended(task.report());
            }),
        new Command(
            Syntax.of(SCOPE, "delete", "Forgets a native program; ends it when it runs.")
                .takes(TASK, Kind.TASK, "its number"),
            call -> {
              task(call.arguments()).stop();
              root.remove(FOLDER + call.arguments().text(TASK));
              return null;
            }));
  }

  /** A program in a list. */
  record Line(
      String task,
      String file,
      String state,
      int status,
      String reason,
      long calls,
      long cpuNanos,
      long instructions,
      long residentBytes) {
    static Line of(TaskReport report) {
      return new Line(
          report.name().startsWith(FOLDER)
              ? report.name().substring(FOLDER.length())
              : report.name(),
          report.file(),
          report.state(),
          report.status(),
          report.reason(),
          report.calls(),
          report.cpuNanos(),
          report.instructions(),
          report.residentBytes());
    }
  }

  /** A program that has ended. */
  record Ended(TaskReport report) implements Notice {
    @Override
    public String line() {
      if (!report.ended()) {
        return report.name() + " goes on; task:stop ends it";
      }
      return report.name()
          + ": status "
          + report.status()
          + (report.reason().isEmpty() ? "" : " (" + report.reason() + ")")
          + ", "
          + report.calls()
          + " system calls, "
          + report.instructions()
          + " instructions in "
          + Span.show(report.cpuNanos());
    }
  }

  private Ended run(Invocation call) throws CommandFailed {
    Arguments arguments = call.arguments();
    Map<String, String> config = new LinkedHashMap<>();
    String personality = arguments.text(PERSONALITY, LINUX);
    if (!personality.equals(LINUX)) {
      config.putAll(nucleus(call));
    }
    config.put("file", personality.equals(LINUX) ? file(call).toString() : program(call));
    config.put("args", Personality.list(arguments.texts("ARGS")));
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put("PATH", "/bin");
    environment.put("HOME", "/root");
    boolean terminal =
        personality.equals(LINUX) && call.screen().interactive() && !call.piped() && !call.fed();
    if (terminal) {
      environment.put("TERM", "xterm");
      config.put("terminal", "true");
      config.put("rows", Integer.toString(call.screen().height()));
      config.put("columns", Integer.toString(call.screen().width()));
    } else if (call.fed()) {
      config.put("input", input(call));
    }
    for (String each : arguments.texts("--env")) {
      int equals = each.indexOf('=');
      if (equals < 1) {
        throw new CommandFailed("--env '" + each + "' is not NAME=VALUE");
      }
      environment.put(each.substring(0, equals), each.substring(equals + 1));
    }
    config.put(
        "environment",
        Personality.list(
            environment.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList()));
    config.putAll(disk(call));
    arguments
        .given("--memory")
        .ifPresent(size -> config.put("memory", Long.toString(arguments.bytes("--memory", 0))));
    long memory = arguments.bytes("--memory", LEAST_MEMORY);
    if (memory < LEAST_MEMORY || memory > MOST_MEMORY) {
      throw new CommandFailed(
          "--memory "
              + ByteSize.show(memory)
              + " is not from "
              + ByteSize.show(LEAST_MEMORY)
              + " to "
              + ByteSize.show(MOST_MEMORY));
    }
    String path = FOLDER + next();
    Personality task = root.create(path, Personality.class, config);
    Console console = root.connect(path + "/console", Console.class);
    TaskReport report = new TaskSession(call, path, task, console).run(terminal);
    Ended ended = new Ended(report);
    if (report.ended() && report.status() != 0) {
      throw new CommandFailed(ended.line());
    }
    return ended;
  }

  /** The nucleus has its own server, a console that only shows, and no disk or environment. */
  private static Map<String, String> nucleus(Invocation call) throws CommandFailed {
    if (call.arguments().has("--disk") || call.arguments().has("--env")) {
      throw new CommandFailed("a program of the RC 4000 has no --disk and no --env");
    }
    return Map.of("server", "personality." + NUCLEUS);
  }

  /** A file, or what the nucleus has built in. */
  private String program(Invocation call) throws CommandFailed {
    String name = call.arguments().text("FILE");
    boolean builtIn =
        name.equals(SYSTEMS) && !Files.exists(call.session().currentDir().resolve(name));
    return builtIn ? name : file(call).toString();
  }

  private static Map<String, String> disk(Invocation call) throws CommandFailed {
    Map<String, String> disks = Disks.config(call);
    if (disks.size() > 1) {
      throw new CommandFailed("a native program has one --disk at most");
    }
    String given = disks.getOrDefault("disk0", "");
    boolean readOnly = given.endsWith(",ro");
    return given.isEmpty()
        ? Map.of()
        : Map.of(
            "disk",
            readOnly ? given.substring(0, given.length() - 3) : given,
            "readonly",
            Boolean.toString(readOnly));
  }

  /** What is piped into it. */
  private static String input(Invocation call) throws CommandFailed {
    try {
      byte[] bytes = call.in().readNBytes(MOST_INPUT + 1);
      if (bytes.length > MOST_INPUT) {
        throw new CommandFailed("more than 1 MiB is piped into it; put it into a --disk");
      }
      return new String(bytes, ISO_8859_1);
    } catch (IOException e) {
      throw new CommandFailed("what is piped into it cannot be read: " + e.getMessage());
    }
  }

  private Path file(Invocation call) throws CommandFailed {
    String name = call.arguments().text("FILE");
    try {
      Path file = call.session().currentDir().resolve(name).toAbsolutePath().normalize();
      if (name.equals(BUSYBOX) && !Files.exists(file)) {
        return images.all().stream()
            .flatMap(image -> image.program(BUSYBOX).stream())
            .findFirst()
            .orElseThrow(
                () ->
                    new CommandFailed(
                        "busybox is not here yet; guest:fetch linux gets it, with Debian's"
                            + " kernel"));
      }
      if (!Files.exists(file)) {
        throw new CommandFailed("there is no file '" + name + "'");
      }
      if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
        throw new CommandFailed("'" + name + "' is no ordinary file that can be read");
      }
      return file;
    } catch (InvalidPathException e) {
      throw new CommandFailed("'" + name + "' is no name of a file");
    }
  }

  private int next() {
    return 1
        + numbers().stream()
            .filter(each -> each.matches("[0-9]{1,9}"))
            .mapToInt(Integer::parseInt)
            .max()
            .orElse(0);
  }

  private List<String> numbers() {
    return root.paths(Personality.class).stream()
        .filter(path -> path.startsWith(FOLDER))
        .map(path -> path.substring(FOLDER.length()))
        .toList();
  }

  private Personality task(Arguments arguments) throws CommandFailed {
    String number = arguments.text(TASK);
    List<String> numbers = numbers();
    if (!numbers.contains(number)) {
      throw new CommandFailed(
          "there is no task '"
              + number
              + "'"
              + (numbers.isEmpty() ? "; task:run starts one" : Near.hint(number, numbers)));
    }
    return root.connect(FOLDER + number, Personality.class);
  }

  private List<TaskReport> reports() {
    return numbers().stream()
        .sorted(Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder()))
        .map(number -> root.connect(FOLDER + number, Personality.class).report())
        .toList();
  }
}
