package duality.shell.machine;

import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import duality.shell.text.ByteSize;
import duality.shell.text.Span;
import duality.vmm.guest.GuestFailed;
import duality.vmm.guest.GuestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Copies files between the host and guests, through the agent in them. */
@Component(service = CopyCommands.class, immediate = true)
public final class CopyCommands extends CommandGroup {
  private static final Pattern GUEST = Pattern.compile("([a-z][a-z0-9-]{0,31}):(.*)");

  private final Machines machines;

  /** With the machines. */
  @Activate
  public CopyCommands(@Reference Machines machines) {
    this.machines = machines;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of("vm", "copy", "Copies a file into a machine's guest, or out of it.")
                .takes("FROM", Kind.GUEST_FILE, "a file: of the host, or NAME:PATH of a guest")
                .takes("TO", Kind.GUEST_FILE, "the same; into it when it is a folder")
                .note("vm:copy a:/etc/os-release out.txt; vm:copy in.txt a:/tmp")
                .note("Permission bits are kept. A file is there when all of it is, or not at all.")
                .note("A file of the host that is named like NAME:PATH is written ./NAME:PATH."),
            this::copy));
  }

  /** A file that was copied. */
  record Copied(String from, String to, long bytes, long nanos) implements Notice {
    @Override
    public String line() {
      return from + " to " + to + ": " + ByteSize.show(bytes) + " in " + Span.show(nanos);
    }
  }

  private Copied copy(Invocation call) throws CommandFailed {
    String from = call.arguments().text("FROM");
    String to = call.arguments().text("TO");
    Matcher source = GUEST.matcher(from);
    Matcher target = GUEST.matcher(to);
    boolean out = source.matches();
    boolean in = target.matches();
    if (out == in) {
      throw new CommandFailed(
          out
              ? "from guest to guest is a way of two steps: copy it to the host first"
              : "neither '" + from + "' nor '" + to + "' is NAME:PATH, a file of a guest");
    }
    String machine = out ? source.group(1) : target.group(1);
    long start = System.nanoTime();
    try (ProgressLine line = new ProgressLine(call)) {
      GuestFiles files = new GuestFiles(machines.agent(machine), call.cancellation()::cancelled);
      GuestFiles.Progress progress = (done, total) -> line.step(from + " to " + to, done, total);
      if (out) {
        Path written = files.copyOut(source.group(2), file(call, to), progress);
        return copied(from, shown(call, written), written, start);
      }
      Path read = file(call, from);
      String written = files.copyIn(read, target.group(2), progress);
      return copied(from, machine + ":" + written, read, start);
    } catch (GuestFailed e) {
      throw new CommandFailed(String.valueOf(e.getMessage()));
    }
  }

  private static String shown(Invocation call, Path file) {
    Path folder = call.session().currentDir().toAbsolutePath().normalize();
    return (file.startsWith(folder) ? folder.relativize(file) : file).toString();
  }

  private static Copied copied(String from, String to, Path local, long start) {
    long bytes;
    try {
      bytes = Files.size(local);
    } catch (IOException e) {
      bytes = 0; // gone again; it was there
    }
    return new Copied(from, to, bytes, System.nanoTime() - start);
  }

  private static Path file(Invocation call, String name) throws CommandFailed {
    try {
      return call.session().currentDir().resolve(name).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw new CommandFailed("'" + name + "' is no name of a file");
    }
  }
}
