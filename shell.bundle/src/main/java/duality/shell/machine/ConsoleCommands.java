package duality.shell.machine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import duality.drivers.Console;
import duality.shell.command.Arguments;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Syntax;
import duality.shell.text.Span;
import duality.vmm.GuestAgent;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Talks to guests: through their console, and through the agent in them. */
@Component(service = ConsoleCommands.class, immediate = true)
public final class ConsoleCommands extends CommandGroup {
  private static final String SCOPE = "vm";
  private static final String NAME = "NAME";
  private static final int CHUNK = 8192;
  private static final long POLL_MILLIS = 100;
  private static final Duration TYPE_WAIT = Duration.ofSeconds(30);

  private final Machines machines;

  /** With the machines. */
  @Activate
  public ConsoleCommands(@Reference Machines machines) {
    this.machines = machines;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "attach", "Connects keyboard and screen to a machine's console.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .option("--timeout", Kind.TIME, "detach after that long")
                .note("Ctrl-] detaches; the guest goes on.")
                .note("Without a terminal it streams the output, and types what is piped into it,")
                .note("until the machine stops or the time is over."),
            call -> {
              String name = call.arguments().text(NAME);
              return new Attachment(call, name, machines.machine(name), machines.console(name))
                  .run();
            }),
        new Command(
            Syntax.of(SCOPE, "console", "Shows what a machine wrote to its console last.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .option("--last", Kind.COUNT, "only so many lines"),
            this::console),
        new Command(
            Syntax.of(SCOPE, "type", "Types a line on a machine's console.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .option(
                    "--until", Kind.TEXT, "wait for a line with this text in it, and show it all")
                .option("--timeout", Kind.TIME, "how long to wait for it (30s)")
                .flag("--raw", "without Enter at the end")
                .takesRest("TEXT", Kind.TEXT, "what to type", true),
            this::type),
        new Command(
            Syntax.of(SCOPE, "exec", "Runs a command in a machine's guest and shows its output.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .option("--timeout", Kind.TIME, "kill it after that long")
                .takesRest("COMMAND", Kind.TEXT, "for the guest's shell, best in quotes", false)
                .note("Fails when the command's exit status is not 0.")
                .note(
                    "In \"…\" the shell here replaces $words; write \\$ or use '…' for the"
                        + " guest's."),
            this::exec),
        new Command(
            Syntax.of(SCOPE, "clock", "Reads the clock of a machine's guest beside the host's.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .option("--since", Kind.VALUE, "how far both went on since that earlier vm:clock")
                .option("--within", Kind.TIME, "fail when they went apart by more than that")
                .note("before = (vm:clock a); …; vm:clock a --since $before --within 10ms"),
            this::clock));
  }

  private Object clock(Invocation call) throws CommandFailed {
    Arguments arguments = call.arguments();
    String name = arguments.text(NAME);
    GuestClock.Reading now = GuestClock.read(name, machines.agent(name), call.cancellation());
    if (!arguments.has("--since")) {
      return now;
    }
    if (!(arguments.value("--since") instanceof GuestClock.Reading before)) {
      throw new CommandFailed(
          "--since wants the value of an earlier call: before = (vm:clock a); …; vm:clock a --since"
              + " $before");
    }
    GuestClock.Progress progress = now.since(before);
    if (arguments.has("--within")) {
      Duration most = arguments.time("--within").orElseThrow();
      if (Math.abs(progress.apartNanos()) > most.toNanos()) {
        throw new CommandFailed(progress.line() + ", more than " + Span.show(most.toNanos()));
      }
    }
    return progress;
  }

  private String console(Invocation call) throws CommandFailed {
    Console console = machines.console(call.arguments().text(NAME));
    String text = ConsoleText.plain(read(console, console.oldest(), console.position()));
    if (!call.arguments().has("--last")) {
      return text;
    }
    List<String> lines = text.lines().toList();
    int most = call.arguments().count("--last", 0);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - most), lines.size()));
  }

  private static String read(Console console, long from, long to) {
    StringBuilder text = new StringBuilder();
    while (from + text.length() < to) {
      String more = console.output(from + text.length(), CHUNK, 0);
      if (more.isEmpty()) {
        break;
      }
      text.append(more);
    }
    return text.toString();
  }

  private @Nullable Object type(Invocation call) throws CommandFailed {
    Arguments arguments = call.arguments();
    Console console = machines.console(arguments.text(NAME));
    long before = console.position();
    String line = arguments.text("TEXT", "") + (arguments.has("--raw") ? "" : "\r");
    String bytes = new String(line.getBytes(UTF_8), ISO_8859_1);
    Duration most = arguments.time("--timeout").orElse(TYPE_WAIT);
    long end = System.nanoTime() + most.toNanos();
    for (int typed = 0; typed < bytes.length(); ) {
      int taken = console.type(bytes.substring(typed));
      typed += taken;
      if (taken == 0) {
        inTime(end, "the guest does not read what is typed");
        call.cancellation().sleep(Duration.ofMillis(POLL_MILLIS));
      }
    }
    if (!arguments.has("--until")) {
      return null;
    }
    String wanted = arguments.text("--until");
    StringBuilder seen = new StringBuilder();
    while (true) {
      call.cancellation().check();
      seen.append(console.output(before + seen.length(), CHUNK, POLL_MILLIS));
      String text = ConsoleText.plain(seen.toString());
      // The first line is the echo of what was typed.
      int answer = text.indexOf('\n') + 1;
      int found = answer == 0 ? -1 : text.indexOf(wanted, answer);
      int lineEnd = found < 0 ? -1 : text.indexOf('\n', found);
      if (lineEnd >= 0) {
        return text.substring(answer, lineEnd);
      }
      inTime(end, "no line with '" + wanted + "' came within " + Span.show(most.toNanos()));
    }
  }

  private static void inTime(long end, String otherwise) throws CommandFailed {
    if (System.nanoTime() > end) {
      throw new CommandFailed(otherwise);
    }
  }

  private static String why(String reason) {
    return reason.isEmpty() ? "" : ": " + reason;
  }

  private @Nullable Object exec(Invocation call) throws CommandFailed {
    Arguments arguments = call.arguments();
    GuestAgent agent = machines.agent(arguments.text(NAME));
    Duration most = arguments.time("--timeout").orElse(Duration.ZERO);
    long job = agent.start(arguments.text("COMMAND"), most.toMillis());
    try {
      GuestAgent.Job state;
      long position = 0;
      do {
        call.cancellation().check();
        String more = agent.output(job, position, CHUNK, POLL_MILLIS);
        position += more.length();
        byte[] bytes = more.getBytes(ISO_8859_1);
        call.out().write(bytes, 0, bytes.length);
        call.out().flush();
        if (call.out().checkError()) {
          throw new CommandFailed("nobody reads its output any more");
        }
        state = agent.job(job);
      } while (!state.ended() || position < state.outputBytes());
      return switch (state.state()) {
        case "exited" -> {
          if (state.status() != 0) {
            throw new CommandFailed("the command ended with status " + state.status());
          }
          yield null;
        }
        case "killed" ->
            throw new CommandFailed(
                "the command was killed, status " + state.status() + why(state.why()));
        default -> throw new CommandFailed("the command was " + state.state() + why(state.why()));
      };
    } finally {
      agent.forget(job);
    }
  }
}
