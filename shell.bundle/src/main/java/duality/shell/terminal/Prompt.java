package duality.shell.terminal;

import duality.shell.command.Cancellation;
import duality.shell.command.Screen;
import duality.shell.language.HelpCommands;
import duality.shell.script.Jobs;
import duality.shell.script.Outcome;
import duality.shell.script.Script;
import duality.shell.script.ScriptText;
import duality.shell.script.ScriptText.Malformed;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Job;
import org.jline.reader.EOFError;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/**
 * The interactive shell. A line of its own loop over Gogo's command processor: it owns the
 * terminal, so that what Ctrl-C ends, and who reads the keys, is decided in one place.
 */
public final class Prompt implements AutoCloseable {
  private static final String PROMPT = "duality> ";
  private static final String MORE = "    ...> ";
  private static final int HISTORY = 2000;
  private static final long GRACE_MILLIS = 1500;

  private enum Event {
    INTERRUPT,
    ENDED
  }

  private final Terminal terminal;
  private final TerminalScreen screen;
  private final PrintStream out;
  private final Cancellation.Foreground foreground = new Cancellation.Foreground();
  private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final Supplier<CommandSession> sessions;
  private final ConcurrentLinkedQueue<String> untold = new ConcurrentLinkedQueue<>();
  private final LineReader reader;
  private CommandSession session;

  /**
   * Takes the terminal.
   *
   * @throws IOException when there is none
   */
  public Prompt(BundleContext context, SessionOpener opener) throws IOException {
    this.terminal =
        TerminalBuilder.builder()
            .name("duality")
            .system(true)
            .dumb(true)
            .nativeSignals(true)
            .signalHandler(Terminal.SignalHandler.SIG_IGN)
            .build();
    this.screen = new TerminalScreen(terminal);
    this.out = new PrintStream(terminal.output(), true, StandardCharsets.UTF_8);
    this.sessions = () -> opener.open(terminal.input(), out, screen, foreground);
    this.session = watched(sessions.get());
    terminal.handle(Terminal.Signal.INT, signal -> events.add(Event.INTERRUPT));
    LineReaderBuilder builder =
        LineReaderBuilder.builder()
            .appName("duality")
            .terminal(terminal)
            .parser(new Lines())
            .completer(new Completion(new LiveNames(context, session), () -> session.currentDir()))
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
            .option(LineReader.Option.HISTORY_INCREMENTAL, true)
            .option(LineReader.Option.INSERT_TAB, false)
            .variable(LineReader.SECONDARY_PROMPT_PATTERN, MORE)
            .variable(LineReader.HISTORY_SIZE, HISTORY);
    history().ifPresent(file -> builder.variable(LineReader.HISTORY_FILE, file));
    this.reader = builder.build();
  }

  /** Makes a session; the shell's own way to do it. */
  @FunctionalInterface
  public interface SessionOpener {
    /** A session over those streams. */
    CommandSession open(
        InputStream in, PrintStream out, Screen screen, Cancellation.Foreground foreground);
  }

  /** A session whose background jobs are told of here. */
  private CommandSession watched(CommandSession made) {
    Jobs.watch(made, this::tell);
    return made;
  }

  /** The session in which commands run. */
  public CommandSession session() {
    return session;
  }

  /** Writes lines above what is being typed; later, when a guest has the screen. */
  public void tell(String lines) {
    if (screen.taken()) {
      untold.add(lines);
    } else {
      reader.printAbove(lines);
    }
  }

  /** Reads and runs commands until the person leaves. */
  public void run() {
    while (session.get(HelpCommands.LEAVE) == null) {
      for (String lines = untold.poll(); lines != null; lines = untold.poll()) {
        out.println(lines);
      }
      String line;
      try {
        line = reader.readLine(PROMPT);
      } catch (UserInterruptException e) {
        continue;
      } catch (EndOfFileException e) {
        return;
      }
      if (!line.isBlank()) {
        execute(line);
      }
    }
  }

  private void execute(String line) {
    events.clear();
    CommandSession used = session;
    Outcome outcome = new Outcome(out, out, screen);
    Thread worker =
        Thread.ofPlatform()
            .name("duality command")
            .start(
                () -> {
                  try {
                    new Script(used, outcome, "").run(line);
                  } finally {
                    events.add(Event.ENDED);
                  }
                });
    try {
      while (events.take() != Event.ENDED) {
        if (!cancel(used, worker)) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      worker.interrupt();
    }
  }

  /**
   * Ends the running command: asks it, then interrupts it, then leaves it alone with its session.
   *
   * @return whether it will say that it has ended
   */
  private boolean cancel(CommandSession used, Thread worker) throws InterruptedException {
    foreground.cancel();
    if (ended()) {
      events.add(Event.ENDED);
      return true;
    }
    // An interrupt may close Gogo's channels to the terminal, so the session is not used any more.
    Job job = used.foregroundJob();
    if (job != null) {
      job.interrupt();
    }
    worker.interrupt();
    session = watched(sessions.get());
    if (used.get(null) instanceof Iterable<?> variables) {
      for (Object each : variables) {
        String name = each.toString();
        if (session.get(name) == null) {
          session.put(name, used.get(name));
        }
      }
    }
    session.currentDir(used.currentDir());
    used.close();
    if (!ended()) {
      out.println("the command does not end; it is left alone");
    }
    return false;
  }

  /** Waits a little for the end of the command. */
  private boolean ended() throws InterruptedException {
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(GRACE_MILLIS);
    while (true) {
      Event event = events.poll(until - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (event == null || event == Event.ENDED) {
        return event == Event.ENDED;
      }
    }
  }

  @Override
  public void close() throws IOException {
    session.close();
    terminal.close();
  }

  /** Where the history is kept: the state folder of the desktop, else of the home. */
  private static Optional<Path> history() {
    String state = System.getenv("XDG_STATE_HOME");
    Path folder =
        state != null && Path.of(state).isAbsolute()
            ? Path.of(state)
            : Path.of(System.getProperty("user.home"), ".local", "state");
    try {
      Path ours = Files.createDirectories(folder.resolve("duality"));
      return Optional.of(ours.resolve("history"));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Knows from Gogo's parser whether a line is whole. */
  private static final class Lines implements Parser {
    @Override
    public @Nullable ParsedLine parse(String line, int cursor, ParseContext context) {
      if (context == ParseContext.ACCEPT_LINE || context == ParseContext.UNSPECIFIED) {
        try {
          ScriptText.steps(line);
        } catch (Malformed e) {
          if (e.incomplete()) {
            throw new EOFError(-1, -1, String.valueOf(e.getMessage()));
          }
        }
      }
      return new CommandLine(line, cursor);
    }
  }
}
