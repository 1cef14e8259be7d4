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
  private static final int CHUNK = 8192;
  private static final long POLL_MILLIS = 50;

  private final Root root;

  /** With root, which makes tasks. */
  @Activate
  public TaskCommands(@Reference Root root) {
    this.root = root;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "run", "Runs a native RISC-V program and shows its output.")
                .option("--memory", Kind.SIZE, "memory it may use (256M)")
                .repeated("--env", Kind.TEXT, "NAME=VALUE for its environment")
                .takes("FILE", Kind.FILE, "a statically linked RV64 ELF file of the host")
                .takesRest("ARGS", Kind.TEXT, "its arguments", true)
                .note("Fails when its exit status is not 0. Ctrl-C ends it.")
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
    Path file = file(call);
    Map<String, String> config = new LinkedHashMap<>();
    config.put("file", file.toString());
    config.put("args", Personality.list(arguments.texts("ARGS")));
    List<String> environment = arguments.texts("--env");
    for (String each : environment) {
      if (each.indexOf('=') < 1) {
        throw new CommandFailed("--env '" + each + "' is not NAME=VALUE");
      }
    }
    config.put("environment", Personality.list(environment));
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
    task.start();
    TaskReport report = follow(call, task, console);
    Ended ended = new Ended(report);
    if (report.status() != 0) {
      throw new CommandFailed(ended.line());
    }
    return ended;
  }

  /** Passes the program's output on until it has ended and all of it was passed on. */
  private static TaskReport follow(Invocation call, Personality task, Console console)
      throws CommandFailed {
    long position = 0;
    boolean ended = false;
    boolean stopped = false;
    while (true) {
      String more = console.output(position, CHUNK, 0);
      position = Math.max(position, console.oldest()) + more.length();
      byte[] bytes = more.getBytes(ISO_8859_1);
      call.out().write(bytes, 0, bytes.length);
      call.out().flush();
      if (!stopped && (call.cancellation().cancelled() || call.out().checkError())) {
        task.stop();
        stopped = true;
      }
      if (more.isEmpty()) {
        if (ended) {
          return task.report();
        }
        // One more look at the console follows, so that the program's last words are not lost.
        ended = task.await(POLL_MILLIS).ended();
      }
    }
  }

  private static Path file(Invocation call) throws CommandFailed {
    String name = call.arguments().text("FILE");
    try {
      Path file = call.session().currentDir().resolve(name).toAbsolutePath().normalize();
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
