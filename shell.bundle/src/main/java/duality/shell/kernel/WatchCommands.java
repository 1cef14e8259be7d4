package duality.shell.kernel;

import duality.kernel.Observation;
import duality.kernel.TraceEvent;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Screen.Keyboard;
import duality.shell.command.Syntax;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Shows what the core does while it does it. */
@Component(service = WatchCommands.class, immediate = true)
public final class WatchCommands extends CommandGroup {
  private static final String SCOPE = "kernel";
  private static final Duration USUAL_INTERVAL = Duration.ofSeconds(1);
  private static final Duration LEAST_INTERVAL = Duration.ofMillis(50);
  private static final long POLL_MILLIS = 100;
  private static final int CTRL_C = 3;
  private static final int CTRL_D = 4;

  private final Observation kernel;

  /** With what it looks at. */
  @Activate
  public WatchCommands(@Reference Observation kernel) {
    this.kernel = kernel;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "top", "Shows what endpoints and guests do, again and again.")
                .option("--interval", Kind.TIME, "from one look to the next, 50ms or more; 1s")
                .option("--count", Kind.COUNT, "how many looks; until q or Ctrl-C")
                .flag("--all", "endpoints at which nothing happens too")
                .note("Counts are per second. cpu is of one processor: of guests measured, of")
                .note("endpoints and servers sampled each 5 ms, so that small figures are rough.")
                .note("On a terminal q or Ctrl-C ends it, any other key looks at once."),
            this::top),
        new Command(
            Syntax.of(SCOPE, "trace", "Shows the last events in the kernel, oldest first.")
                .option("--last", Kind.COUNT, "only so many of them")
                .flag("-f", "goes on with those to come, until Ctrl-C"),
            this::trace));
  }

  private @Nullable Object top(Invocation call) throws CommandFailed {
    Duration interval = call.arguments().time("--interval").orElse(USUAL_INTERVAL);
    if (interval.compareTo(LEAST_INTERVAL) < 0) {
      throw new CommandFailed("--interval: at least " + LEAST_INTERVAL.toMillis() + "ms");
    }
    int count = call.arguments().count("--count", Integer.MAX_VALUE);
    if (call.screen().interactive() && !call.piped()) {
      try (Keyboard keyboard = call.screen().raw()) {
        redraw(call, keyboard, interval, count);
      } catch (IOException e) {
        throw new CommandFailed("the terminal does not do it: " + e.getMessage());
      }
    } else {
      blocks(call, interval, count);
    }
    return null;
  }

  /** Draws each block over the last one. */
  private void redraw(Invocation call, Keyboard keyboard, Duration interval, int count)
      throws IOException {
    boolean all = call.arguments().has("--all");
    PrintStream out = call.out();
    Look before = Look.now(kernel);
    int lines = 0;
    for (int i = 0; i < count && !call.cancellation().cancelled(); i++) {
      int key = keyboard.read(interval.toMillis());
      if (key == 'q' || key == CTRL_C || key == CTRL_D || key == -1) {
        return;
      }
      Look now = Look.now(kernel);
      String block = now.since(before, all, call.screen().width(), call.screen().height());
      // Up to the first line of the last block, and all below it away (ECMA-48 CUU, ED).
      out.print(
          (lines == 0 ? "" : "\033[" + lines + "A\r\033[J") + block.replace("\n", "\r\n") + "\r\n");
      out.flush();
      lines = (int) block.lines().count();
      before = now;
    }
  }

  /** Writes each block below the last one, an empty line between them. */
  private void blocks(Invocation call, Duration interval, int count) throws CommandFailed {
    boolean all = call.arguments().has("--all");
    Look before = Look.now(kernel);
    for (int i = 0; i < count; i++) {
      if (!pause(call, interval)) {
        return;
      }
      Look now = Look.now(kernel);
      call.out()
          .print(
              (i == 0 ? "" : "\n")
                  + now.since(before, all, call.screen().width(), Integer.MAX_VALUE)
                  + "\n");
      // Who reads it may have gone away, as head does.
      if (call.out().checkError()) {
        return;
      }
      before = now;
    }
  }

  /** Waits; whether to go on. Ctrl-C is how this command usually ends, and no failure. */
  private static boolean pause(Invocation call, Duration interval) {
    try {
      call.cancellation().sleep(interval);
      return true;
    } catch (CommandFailed e) {
      return false;
    }
  }

  private @Nullable Object trace(Invocation call) {
    List<TraceEvent> events = kernel.trace(0, 0);
    int most = call.arguments().count("--last", events.size());
    List<TraceEvent> last = events.subList(Math.max(0, events.size() - most), events.size());
    if (!call.arguments().has("-f")) {
      return last.stream().map(TraceEvent::line).toList();
    }
    last.forEach(each -> call.out().println(each.line()));
    long next = events.isEmpty() ? 0 : events.getLast().number() + 1;
    while (!call.cancellation().cancelled() && !call.out().checkError()) {
      for (TraceEvent each : kernel.trace(next, POLL_MILLIS)) {
        if (each.number() > next) {
          call.out().println("(" + (each.number() - next) + " events were too many to keep)");
        }
        call.out().println(each.line());
        next = each.number() + 1;
      }
    }
    return null;
  }
}
