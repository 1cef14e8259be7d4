package duality.shell.lab;

import duality.drivers.Console;
import duality.servers.Swapper;
import duality.shell.command.CommandFailed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * What it costs to call a server that is near or far: the same server, behind a plain reference, a
 * capability, and a capability whose calls another host thread makes; and processes in spaces.
 */
final class SpacesExperiment implements Experiment {
  private static final int CALLS = 200_000;
  private static final int FAR_CALLS = 2_000;
  private static final int REPEATS = 7;
  private static final double FASTER = 10;

  @Override
  public String name() {
    return "spaces";
  }

  @Override
  public String question() {
    return "What does a call cost when its server is co-located, behind another thread, or in"
        + " another space?";
  }

  @Override
  public String sources() {
    return "Lie95, Lie96; F11 in part";
  }

  @Override
  public List<Prediction> predictions() {
    return List.of(
        new Prediction(
            "Liedtke 1995",
            "small spaces that lie together are entered without the costs of a switch, and nothing"
                + " of the interface changes: many times as fast"),
        new Prediction(
            "the first generation (Mach)",
            "a call into a server is a switch to another thread and back"));
  }

  @Override
  public Result run(Trial trial) throws Exception {
    List<Finding> findings = new ArrayList<>();
    trial.say().accept("a server that is near, and behind a thread");
    double plain = plainCall();
    findings.add(figure("a plain call of an object", plain));
    double near;
    double far;
    try (NanoGuest guest =
        new NanoGuest(trial.root(), "lab-spaces", trial.boot("nano"), null, "vmm.machine")) {
      guest.boot();
      String endpoint = guest.path() + "/console";
      Console console = trial.root().connect(endpoint, Console.class);
      near = nanos(CALLS, console::position);
      findings.add(figure("a capability, on the caller's thread (migrating, co-located)", near));
      String server =
          trial.kernel().endpoints().stream()
              .filter(each -> each.path().equals(endpoint))
              .findFirst()
              .orElseThrow()
              .server();
      swap(trial, endpoint, trial.dial().before(server));
      trial.dial().set(endpoint, 0, false);
      findings.add(figure("the same through a dial at 0 ns", nanos(CALLS, console::position)));
      trial.dial().set(endpoint, 0, true);
      far = nanos(FAR_CALLS, console::position);
      findings.add(figure("the same server, called by another thread while the caller waits", far));
      trial.dial().set(endpoint, 0, false);
      swap(trial, endpoint, server);
      double again = nanos(CALLS, console::position);
      findings.add(
          Finding.of(
              "co-located again, beside behind a thread",
              "at least " + (int) FASTER + " times as fast, without a change of code (Liedtke)",
              String.format(Locale.ROOT, "%.0f times", far / again),
              far >= FASTER * again));
      findings.add(
          Finding.of(
              "moving away and back leaves it as fast as before",
              "within a factor of 3",
              String.format(Locale.ROOT, "%.1f ns before, %.1f ns after", near, again),
              again <= 3 * near));
    }
    trial.say().accept("another system starts, with the same server in it");
    process(trial, near, findings);
    Path program = trial.program();
    if (program == null) {
      findings.add(Finding.figure("processes in spaces of their own", "left out: no --file"));
    } else {
      trial.say().accept("two processes in spaces of their own");
      double round = 2 * pipe(trial, program);
      findings.add(figure("a byte to another process and back, through pipes", round));
      findings.add(
          Finding.of(
              "a server in the JVM beside a process in its own space",
              "at least " + (int) FASTER + " times as fast (Liedtke)",
              String.format(Locale.ROOT, "%.0f times", round / near),
              round >= FASTER * near));
    }
    return new Result(
        findings,
        "A thread shows what the switch alone costs, a process of the host that of page tables"
            + " and a socket as well: there the same bundle runs in a second system, as it is. A"
            + " server inside of a virtual machine would need a JVM there, which no guest has."
            + " Processes in spaces are emulated, and slower for that.");
  }

  /** The same bundle in a system of its own: another process of the host. */
  private static void process(Trial trial, double near, List<Finding> findings) throws Exception {
    try (FarConsole console = FarConsole.start(trial)) {
      double away = nanos(FAR_CALLS, console::position);
      findings.add(figure("the same bundle in another process, called through a socket", away));
      findings.add(
          Finding.of(
              "co-located, beside in another process",
              "at least " + (int) FASTER + " times as fast, the same bundle (Liedtke)",
              String.format(Locale.ROOT, "%.0f times", away / near),
              away >= FASTER * near));
    } catch (CommandFailed e) {
      trial.cancellation().check();
      findings.add(
          Finding.figure(
              "the same bundle in another process", "left out: " + String.valueOf(e.getMessage())));
    }
  }

  /** Nanoseconds of a call of an object that only has an interface. */
  static double plainCall() {
    return nanos(CALLS, new PlainConsole()::position);
  }

  /** A server of that protocol without a kernel. */
  private static final class PlainConsole implements Console {
    private volatile long written;

    @Override
    public void written(String bytes) {
      written += bytes.length();
    }

    @Override
    public String input(int most) {
      return "";
    }

    @Override
    public int type(String bytes) {
      return 0;
    }

    @Override
    public long position() {
      return written;
    }

    @Override
    public long oldest() {
      return 0;
    }

    @Override
    public String output(long position, int most, long timeoutMillis) {
      return "";
    }
  }

  /** Nanoseconds of one call: the least of some runs, the first of which warm it up. */
  private static double nanos(int calls, LongSupplier call) {
    double least = Double.MAX_VALUE;
    long sum = 0;
    for (int i = 0; i < REPEATS; i++) {
      long begun = System.nanoTime();
      for (int j = 0; j < calls; j++) {
        sum += call.getAsLong();
      }
      least = Math.min(least, (double) (System.nanoTime() - begun) / calls);
    }
    return sum == Long.MIN_VALUE ? 0 : least; // so that no call can be left out
  }

  private static Finding figure(String what, double nanos) {
    return Finding.figure(what, String.format(Locale.ROOT, "%.1f ns", nanos));
  }

  private static void swap(Trial trial, String endpoint, String server) {
    Swapper.Swap swap = trial.swapper().swapAll(List.of(new Swapper.Move(endpoint, server, false)));
    if (!swap.done()) {
      throw new IllegalStateException(endpoint + " stays: " + swap.outcome());
    }
  }

  /** Nanoseconds for a byte through a pipe to another process, by the program's own clock. */
  private static double pipe(Trial trial, Path program) throws Exception {
    try (NativeBench bench = new NativeBench(trial, program)) {
      String unused = bench.operation("switch", FAR_CALLS);
      String said = bench.operation("switch", FAR_CALLS);
      return Double.parseDouble(said.replaceAll("(?s).* times, ([0-9]+) ns each.*", "$1"));
    }
  }
}
