package duality.shell.lab;

import duality.drivers.Console;
import duality.servers.Personality;
import duality.servers.Root;
import duality.servers.TaskReport;
import duality.shell.command.CommandFailed;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Native programs over the personality: one that does operations, and a shell. */
final class NativeBench implements Workbench {
  private static final String TASK = "task/curve-ops";
  private static final String SHELL = "task/curve-sh";
  private static final long DISK_BYTES = 1 << 20;
  private static final long MEMORY_BYTES = 512L << 20;
  private static final long SECONDS = 300;
  private static final String PROMPT = "\n> ";

  /** A shell that says so when it has done a line, and knows no line editing. */
  private static final String READ =
      "printf '\\n"
          + "> '; while read -r line; do eval \"$line\"; echo \"status $?\"; printf '\\n"
          + "> '; done";

  private final Trial trial;
  private final Console operations;
  private final Console shell;

  /**
   * Starts both.
   *
   * @param program the static program {@code ops}
   */
  NativeBench(Trial trial, Path program) throws Exception {
    this.trial = trial;
    Path disk = trial.folder().resolve("scratch-native");
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(DISK_BYTES);
    } catch (IOException e) {
      throw new CommandFailed("no disk for the native program: " + e.getMessage());
    }
    try {
      operations =
          start(
              TASK,
              Map.of(
                  "file", program.toString(),
                  "args", Personality.list(List.of("rounds", "/dev/vda")),
                  "disk", disk.toString()));
      shell =
          start(
              SHELL,
              Map.of(
                  "file",
                  busybox(trial).toString(),
                  "args",
                  Personality.list(List.of("sh", "-c", READ)),
                  "environment",
                  Personality.list(List.of("PATH=/bin"))));
    } catch (Exception e) {
      close();
      throw e;
    }
    // A page and a sector: then its store is there, too.
    String unused = type(TASK, operations, "1");
  }

  /** The host's file of the program that {@code guest:fetch linux} brings. */
  static Path busybox(Trial trial) throws CommandFailed {
    return trial.images().all().stream()
        .flatMap(image -> image.program("busybox").stream())
        .findFirst()
        .orElseThrow(() -> new CommandFailed("busybox is not here: guest:fetch linux gets it"));
  }

  private Console start(String path, Map<String, String> config) throws CommandFailed {
    Map<String, String> all = new HashMap<>(config);
    all.put("terminal", "true");
    all.put("memory", Long.toString(MEMORY_BYTES));
    Root root = trial.root();
    Personality task = root.create(path, Personality.class, all);
    Console console = root.connect(path + "/console", Console.class);
    task.start();
    String unused = answered(path, console, 0);
    return console;
  }

  private String type(String path, Console console, String line) throws CommandFailed {
    long from = console.position();
    if (console.type(line + "\r") != line.length() + 1) {
      throw new CommandFailed(path + " does not take what is typed");
    }
    return answered(path, console, from);
  }

  private String answered(String path, Console console, long from) throws CommandFailed {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    StringBuilder seen = new StringBuilder();
    while (seen.indexOf(PROMPT) < 0) {
      trial.cancellation().check();
      String more = console.output(from + seen.length(), 65_536, 500);
      seen.append(more);
      if (more.isEmpty()) {
        // Not sooner, because asking goes through the endpoint whose calls are counted.
        TaskReport report = trial.root().connect(path, Personality.class).report();
        if (report.ended() || System.nanoTime() - end > 0) {
          throw new CommandFailed(path + " does not answer but '" + seen + "'; " + report);
        }
      }
    }
    return seen.toString();
  }

  @Override
  public String structure() {
    return "native";
  }

  @Override
  public List<String> endpoints() {
    return Stream.of(TASK, SHELL)
        .flatMap(each -> Stream.of("", "/pager", "/console", "/store").map(each::concat))
        .toList();
  }

  @Override
  public List<String> handlers() {
    return List.of(TASK, SHELL);
  }

  @Override
  public void run(Work work) throws Exception {
    switch (work.kind()) {
      case NOTHING -> {
        String unused = type(TASK, operations, "0");
      }
      case NULL_CALL -> {
        String unused = operation("null", work.operations());
      }
      case COPY -> {
        String unused = operation("copy", work.operations());
      }
      case TABLES -> throw new IllegalArgumentException(work + " is for kernels");
      case SCRIPT -> expect("status 0", type(SHELL, shell, Workbench.script(work.operations())));
    }
  }

  /** Has the program do an operation; what it says. */
  String operation(String name, int times) throws CommandFailed {
    String seen = type(TASK, operations, name + " " + times);
    expect(name + ": ", seen);
    return seen;
  }

  private static void expect(String text, String seen) throws CommandFailed {
    if (!seen.contains(text)) {
      throw new CommandFailed("the native program says: " + seen.strip());
    }
  }

  @Override
  public void close() {
    List<String> there = trial.root().paths(Personality.class);
    Stream.of(TASK, SHELL).filter(there::contains).forEach(trial.root()::remove);
  }
}
