package duality.shell;

import duality.guests.GuestImage;
import duality.shell.command.Cancellation;
import duality.shell.command.Invocation;
import duality.shell.command.Screen;
import duality.shell.script.Jobs;
import duality.shell.script.Outcome;
import duality.shell.script.Script;
import duality.shell.terminal.DefaultGuest;
import duality.shell.terminal.Prompt;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * What people meet: runs the script that the launcher named, or else the interactive prompt, and
 * then ends the JVM. Does nothing when there is neither a script nor a terminal, as in tests.
 *
 * <p>Framework or system properties: {@code duality.script.commands} (the text of a script), {@code
 * duality.script.file} (a file with one), {@code duality.script.stdin} ({@code true}: standard
 * input is one), {@code duality.shell} ({@code none}: stay silent, {@code interactive}: prompt
 * whatever standard input is).
 */
@Component(
    service = {},
    immediate = true)
public final class Shell {
  /** Set by the launcher for each run. */
  private static final String LAUNCHED = "duality.run.folder";

  private static final Duration WHOLE = Duration.ofSeconds(60);

  private final BundleContext context;
  private final CommandProcessor processor;
  private final Ending ending;
  private final @Nullable Thread thread;
  private volatile boolean gone;

  /** Starts its thread. */
  @Activate
  public Shell(BundleContext context, @Reference CommandProcessor processor) {
    this.context = context;
    this.processor = processor;
    this.ending = new Ending(context);
    boolean wanted = wanted();
    if (wanted) {
      ending.watch();
    }
    this.thread = wanted ? Thread.ofPlatform().name("duality shell").start(this::work) : null;
  }

  @Deactivate
  void deactivate() {
    gone = true;
    ending.forget();
    if (thread != null) {
      thread.interrupt();
    }
  }

  private boolean wanted() {
    String mode = property("duality.shell").orElse("");
    return !mode.equals("none")
        && (scripted() || mode.equals("interactive") || property(LAUNCHED).isPresent());
  }

  private boolean scripted() {
    return property("duality.script.commands").isPresent()
        || property("duality.script.file").isPresent()
        || property("duality.script.stdin").equals(Optional.of("true"));
  }

  @SuppressWarnings("SystemConsoleNull") // its documentation still says that it may
  private static boolean terminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  private Optional<String> property(String name) {
    return Optional.ofNullable(context.getProperty(name)).filter(value -> !value.isBlank());
  }

  private Duration patience() {
    return Readiness.patiently(WHOLE, property("duality.patience"));
  }

  private void work() {
    int code;
    try {
      // With a keyboard but no screen, or the other way round, there is nobody to prompt.
      code = scripted() || !terminal() ? script() : interactive();
    } catch (InterruptedException e) {
      code = Script.FAILED;
    } catch (IOException | RuntimeException e) {
      System.err.println("duality: the shell failed: " + e);
      e.printStackTrace(System.err);
      code = Script.FAILED;
    }
    if (!gone) {
      ending.exit(code);
    }
  }

  private int interactive() throws IOException, InterruptedException {
    try (Prompt prompt =
        new Prompt(
            context,
            (in, out, screen, foreground) ->
                Sessions.open(processor, in, out, out, screen, foreground))) {
      List<String> missing = new Readiness(context, prompt.session()).await(patience());
      prompt.tell(banner());
      if (!missing.isEmpty()) {
        prompt.tell("missing: " + String.join(", ", missing));
      }
      DefaultGuest.choose(property("duality.boot"), this::image)
          .ifPresent(
              guest -> {
                prompt.tell(guest.banner());
                CommandSession session = background();
                Thread.ofPlatform()
                    .daemon()
                    .name("default guest")
                    .start(
                        () ->
                            guest.boot(
                                session,
                                lines -> {
                                  if (!ending.begun()) {
                                    prompt.tell(lines);
                                  }
                                }));
              });
      News news = new News(context, prompt::tell);
      news.start();
      prompt.tell("help lists the commands, Tab completes them, Ctrl-D leaves\n");
      prompt.run();
      news.end();
      return Script.DONE;
    }
  }

  private String banner() {
    return "Duality "
        + context.getBundle().getVersion().toString().replaceFirst("\\.SNAPSHOT$", "")
        + ", a microkernel made of OSGi bundles ("
        + context.getBundle(0).getSymbolicName()
        + " "
        + context.getBundle(0).getVersion()
        + ", Java "
        + Runtime.version().feature()
        + ")";
  }

  /** A session whose output nobody sees. */
  private CommandSession background() {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    return Sessions.open(
        processor,
        InputStream.nullInputStream(),
        nowhere,
        nowhere,
        Screen.NONE,
        new Cancellation.Foreground());
  }

  private Optional<GuestImage> image(String name) {
    try {
      return context.getServiceReferences(GuestImage.class, null).stream()
          .map(context::getService)
          .filter(image -> image != null && image.name().equals(name))
          .findFirst();
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private int script() throws InterruptedException {
    Optional<String> commands = property("duality.script.commands");
    Optional<String> file = property("duality.script.file");
    InputStream in = new StandardInput();
    PrintStream out = stream(FileDescriptor.out);
    PrintStream err = stream(FileDescriptor.err);
    Optional<String> text = commands;
    if (text.isEmpty() && file.isPresent()) {
      try {
        text = Optional.of(Files.readString(Path.of(file.get())));
      } catch (IOException e) {
        err.println("duality: cannot read the script " + file.get() + ": " + reason(e));
        return Script.MISUSED;
      }
    }
    // Closed before the framework stops: Gogo's own stop fails now and then over a session that
    // nobody holds any more.
    try (CommandSession session =
        Sessions.open(processor, in, out, err, Screen.NONE, new Cancellation.Foreground())) {
      session.put(Invocation.FREE_INPUT, text.isPresent());
      Jobs.watch(session, err::println);
      List<String> missing = new Readiness(context, session).await(patience());
      if (!missing.isEmpty()) {
        err.println(
            "duality: the system is not whole after "
                + patience().toSeconds()
                + " s, missing: "
                + String.join(", ", missing));
        return Script.FAILED;
      }
      Script script =
          new Script(session, new Outcome(out, err, Screen.NONE), file.orElse("duality"));
      int code = text.isPresent() ? script.run(text.get()) : script.run(in);
      out.flush();
      // Who read our output may have gone away, as head does: not worth a word, but no success.
      return out.checkError() ? Script.FAILED : code;
    }
  }

  private static String reason(IOException e) {
    return switch (e) {
      case java.nio.file.NoSuchFileException missing -> "there is no such file";
      case java.nio.file.AccessDeniedException denied -> "not allowed";
      default -> String.valueOf(e.getMessage());
    };
  }

  /** A stream of our own: Gogo puts others in the place of System.out while commands run. */
  private static PrintStream stream(FileDescriptor descriptor) {
    // Without a buffer, because what a guest prints is to be seen when it comes.
    return new PrintStream(new FileOutputStream(descriptor), false, StandardCharsets.UTF_8);
  }

  /** Standard input without a buffer, and not as a channel that an interrupt would close. */
  private static final class StandardInput extends InputStream {
    private final FileInputStream in = new FileInputStream(FileDescriptor.in);

    @Override
    public int read() throws IOException {
      return in.read();
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      return in.read(to, offset, length);
    }

    @Override
    public int available() throws IOException {
      return in.available();
    }
  }
}
