package duality.library.inside;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import duality.drivers.Console;
import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.guests.Progress;
import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.vmm.GuestAgent;
import duality.vmm.VirtualMachine;
import duality.vmm.guest.GuestCommand;
import duality.vmm.guest.GuestFailed;
import duality.vmm.guest.GuestFiles;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One machine, from its making to its end. */
final class RunningGuest {
  private static final String FOLDER = "vm/";
  private static final int CHUNK = 1 << 16;
  private static final long POLL_MILLIS = 50;
  private static final long IMAGE_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final Duration CLEANING = Duration.ofSeconds(20);
  private static final GuestFiles.Progress SILENT = (done, total) -> {};

  private final Root root;
  private final String path;
  private final Boot boot;
  private final VirtualMachine machine;
  private final Console console;
  private final Runnable closed;

  /** How much of the console was awaited already. */
  private long awaited;

  private RunningGuest(Root root, String path, Boot boot, VirtualMachine machine, Runnable closed) {
    this.root = root;
    this.path = path;
    this.boot = boot;
    this.machine = machine;
    this.closed = closed;
    console = root.connect(path + "/console", Console.class);
  }

  /** Makes a machine; it does not run yet. */
  static RunningGuest make(
      Root root, String name, List<GuestImage> images, Request request, Runnable closed)
      throws GuestUnavailable {
    Boot boot = boot(images, request).append(request.given("append").orElse(""));
    long memory = request.given("memory").map(Long::parseLong).orElse(boot.memoryBytes());
    if (memory < boot.minimumMemoryBytes()) {
      throw new IllegalStateException(
          "memory of "
              + memory
              + " bytes is not enough: this guest needs "
              + boot.minimumMemoryBytes());
    }
    Map<String, String> config = new HashMap<>();
    config.put("image", request.given("image").orElse("kernel"));
    config.put("kernel", boot.kernel().toString());
    boot.initrd().ifPresent(initrd -> config.put("initrd", initrd.toString()));
    request.given("firmware").ifPresent(firmware -> config.put("firmware", firmware));
    request.given("cpus").ifPresent(cpus -> config.put("cpus", cpus));
    config.put("append", boot.commandLine());
    config.put("memory", Long.toString(memory));
    config.put("agent", Boolean.toString(boot.agent()));
    List<String> disks = request.texts("disks");
    for (int i = 0; i < disks.size(); i++) {
      config.put("disk" + i, disks.get(i));
    }
    VirtualMachine machine = root.create(FOLDER + name, VirtualMachine.class, config);
    return new RunningGuest(root, FOLDER + name, boot, machine, closed);
  }

  private static Boot boot(List<GuestImage> images, Request request) throws GuestUnavailable {
    Optional<String> kernel = request.given("kernel");
    if (kernel.isPresent()) {
      return new Boot(
          Path.of(kernel.get()),
          request.given("initrd").map(Path::of),
          "",
          256L << 20,
          4L << 20,
          request.given("readyLine").orElse("login:"),
          false);
    }
    String name = request.text("image");
    // A system that has just started may have its images a moment later.
    long end = System.nanoTime() + IMAGE_NANOS;
    do {
      for (GuestImage image : images) {
        if (image.name().equals(name)) {
          return image.prepare(Progress.NONE);
        }
      }
      LockSupport.parkNanos(LOOK_NANOS);
    } while (System.nanoTime() - end < 0 && !Thread.currentThread().isInterrupted());
    throw new IllegalStateException(
        "there is no guest image '"
            + name
            + "'; there are "
            + images.stream().map(GuestImage::name).sorted().toList());
  }

  /** Starts it and waits until its guest is up. */
  void start(long withinMillis) {
    machine.start();
    if (boot.agent()) {
      await("its guest's agent", withinMillis, () -> agent().ready());
    } else {
      awaitText(boot.readyLine(), withinMillis);
    }
  }

  private GuestAgent agent() {
    return root.connect(path + "/agent", GuestAgent.class);
  }

  private interface Condition {
    boolean holds();
  }

  private void await(String what, long withinMillis, Condition condition) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(withinMillis);
    while (!condition.holds()) {
      String state = machine.report().state();
      boolean runs = state.equals("running") || state.equals("paused");
      if (condition.holds()) {
        return;
      }
      if (!runs || System.nanoTime() - end > 0 || Thread.interrupted()) {
        throw new IllegalStateException(
            (runs ? "there was no sign of " + what + " in time" : "the machine is " + state)
                + "; its console ends with:\n"
                + tail());
      }
      console.output(Long.MAX_VALUE, 1, POLL_MILLIS);
    }
  }

  /** Waits for a text on the console, behind what was awaited before; all up to its line's end. */
  private synchronized String awaitText(String text, long withinMillis) {
    StringBuilder seen = new StringBuilder();
    long from = awaited;
    int[] end = {-1};
    await(
        "'" + text + "' on its console",
        withinMillis,
        () -> {
          String more = console.output(from + seen.length(), CHUNK, POLL_MILLIS);
          seen.append(more);
          int found = seen.indexOf(text);
          end[0] = found < 0 ? -1 : found + text.length();
          return found >= 0;
        });
    awaited = from + end[0];
    return decoded(seen.substring(0, end[0]));
  }

  private String tail() {
    String all = text();
    return all.substring(Math.max(0, all.length() - 2_000));
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    long from = console.oldest();
    long to = console.position();
    while (from + text.length() < to) {
      String more = console.output(from + text.length(), CHUNK, 0);
      if (more.isEmpty()) {
        break;
      }
      text.append(more);
    }
    return decoded(text.toString());
  }

  private static String decoded(String bytes) {
    return new String(bytes.getBytes(ISO_8859_1), UTF_8);
  }

  @Nullable Object apply(String operation, Request request) throws GuestFailed {
    return switch (operation) {
      case "exec" -> execute(request.text("command"), request.number("limitMillis"));
      case "copyIn" -> files().copyIn(Path.of(request.text("from")), request.text("to"), SILENT);
      case "copyOut" ->
          files().copyOut(request.text("from"), Path.of(request.text("to")), SILENT).toString();
      case "console" -> text();
      case "type" -> type(request.text("text"));
      case "await" -> awaitText(request.text("text"), request.number("withinMillis"));
      case "state" -> machine.report().state();
      case "pause" -> {
        machine.pause();
        yield null;
      }
      case "resume" -> {
        machine.resume();
        yield null;
      }
      case "close" -> {
        close();
        yield null;
      }
      default -> throw new IllegalArgumentException("there is no operation " + operation);
    };
  }

  private GuestAgent commands() {
    if (!boot.agent()) {
      throw new IllegalStateException(
          "this guest takes no commands and files from outside; type on its console");
    }
    return agent();
  }

  private GuestFiles files() {
    return new GuestFiles(commands(), Thread::interrupted);
  }

  /** Status, output and errors; the agent has one stream, so errors come through a file. */
  private Object[] execute(String command, long limitMillis) throws GuestFailed {
    GuestAgent agent = commands();
    String errors = "/tmp/.duality-" + UUID.randomUUID();
    GuestCommand.Ended ended;
    try {
      ended =
          new GuestCommand(agent, Thread::interrupted)
              .run("exec 2>" + errors + "\n" + command, Duration.ofMillis(limitMillis));
    } catch (GuestFailed e) {
      new GuestCommand(agent, () -> false).run("rm -f " + errors, CLEANING);
      throw e;
    }
    GuestCommand.Ended said =
        new GuestCommand(agent, () -> false).run("cat " + errors + "; rm -f " + errors, CLEANING);
    return new Object[] {ended.status(), ended.output(), said.output()};
  }

  private @Nullable Object type(String text) {
    String bytes = new String(text.getBytes(UTF_8), ISO_8859_1);
    int typed = 0;
    while (typed < bytes.length()) {
      int taken = console.type(bytes.substring(typed));
      typed += taken;
      if (taken == 0) {
        console.output(Long.MAX_VALUE, 1, POLL_MILLIS);
        if (Thread.interrupted()) {
          throw new IllegalStateException("interrupted while typing");
        }
      }
    }
    return null;
  }

  void close() {
    closed.run();
    try {
      machine.stop();
    } catch (CallFailed gone) {
      // Its end is what is wanted.
    }
    root.remove(path);
  }
}
