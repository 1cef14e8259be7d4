package duality.shell.machine;

import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import duality.vmm.BareRunner;
import duality.vmm.BareRunner.Outcome;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Runs programs that own a whole machine and report how they fared. */
@Component(service = BareCommands.class, immediate = true)
public final class BareCommands extends CommandGroup {
  private static final String PATH = "PATH";
  private static final String TIMEOUT = "--timeout";
  private static final String CPUS = "--cpus";
  private static final String OUTPUT = "--output";
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private final BareRunner runner;

  /** With what runs them. */
  @Activate
  public BareCommands(@Reference BareRunner runner) {
    this.runner = runner;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(
                    "vm",
                    "bare",
                    "Runs bare-metal programs and says which passed and which failed.")
                .takesMany(PATH, Kind.FILE, "RV64 ELF files, or folders with such files")
                .option(TIMEOUT, Kind.TIME, "for each program (10s)")
                .option(CPUS, Kind.COUNT, "harts of each program, 1 to 8 (1)")
                .flag(OUTPUT, "show what each program printed, too")
                .note(
                    "A program starts in M-mode at its entry, on each hart, memory at 0x80000000,")
                .note("and reports through tohost (HTIF) or the test finisher at 0x100000.")
                .note("Fails when one of them failed; the number behind FAIL is its own code."),
            this::run));
  }

  private @Nullable Object run(Invocation call) throws CommandFailed {
    Duration limit = call.arguments().time(TIMEOUT).orElse(LIMIT);
    if (limit.isZero()) {
      throw new CommandFailed(TIMEOUT + " has to be longer than nothing");
    }
    int harts = call.arguments().count(CPUS, 1);
    if (harts < 1 || harts > BareRunner.MOST_HARTS) {
      throw new CommandFailed(CPUS + " " + harts + " is not from 1 to " + BareRunner.MOST_HARTS);
    }
    List<Path> programs = new ArrayList<>();
    for (String name : call.arguments().texts(PATH)) {
      programs.addAll(programs(call.session().currentDir(), name));
    }
    int passed = 0;
    for (Path program : programs) {
      call.cancellation().check();
      BareRunner.Run run = runner.run(program, harts, limit, call.cancellation()::cancelled);
      call.cancellation().check();
      if (run.outcome() instanceof Outcome.Passed) {
        passed++;
      }
      call.out().println(line(program.getFileName(), run.outcome()));
      if (call.arguments().has(OUTPUT) && !run.output().isEmpty()) {
        call.out().println(run.output().stripTrailing().indent(2).stripTrailing());
      }
    }
    int failed = programs.size() - passed;
    call.out().println(passed + " passed, " + failed + " failed");
    call.out().flush();
    if (failed > 0) {
      throw new CommandFailed(failed + " of " + programs.size() + " programs did not pass");
    }
    return null;
  }

  private static String line(Path name, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Passed() -> "PASS " + name;
      case Outcome.Failed(long code) -> "FAIL " + name + " " + code;
      case Outcome.Silent(String why) -> "FAIL " + name + " " + why;
      case Outcome.Refused(String why) -> "FAIL " + name + " refused: " + why;
    };
  }

  /** The programs that a word stands for: a file, a folder's ELF files, or those of a pattern. */
  private List<Path> programs(Path folder, String name) throws CommandFailed {
    Path path;
    try {
      path = folder.resolve(name).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new CommandFailed("'" + name + "' is no name of a file");
    }
    if (Files.isDirectory(path)) {
      List<Path> found = inside(path);
      if (found.isEmpty()) {
        throw new CommandFailed("there are no ELF files in '" + name + "'");
      }
      return found;
    }
    if (Files.exists(path)) {
      return List.of(path);
    }
    List<Path> found = matching(path);
    if (found.isEmpty()) {
      throw new CommandFailed("there is no file or folder '" + name + "'");
    }
    return found;
  }

  private List<Path> inside(Path folder) throws CommandFailed {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(runner::isElf).sorted().toList();
    } catch (IOException e) {
      throw new CommandFailed("'" + folder + "' cannot be read: " + e.getMessage());
    }
  }

  /** ELF files that fit a pattern with *, ? or [ ] in its last part. */
  private List<Path> matching(Path pattern) {
    Path parent = pattern.getParent();
    Path last = pattern.getFileName();
    if (parent == null || last == null || !last.toString().matches(".*[*?\\[].*")) {
      return List.of();
    }
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(parent, last.toString())) {
      files.forEach(found::add);
    } catch (IOException | DirectoryIteratorException | PatternSyntaxException e) {
      return List.of();
    }
    return found.stream().filter(runner::isElf).sorted().toList();
  }
}
