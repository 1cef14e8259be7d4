package duality.soak;

import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.servers.Root;
import duality.servers.Swapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One soak: boots a guest, sets it to work, replaces what is under it at random moments, sometimes
 * two things at once, and looks at the end whether anything was lost.
 *
 * <p>Every fifth turn a gate is only held and released, which is what a swap costs without its
 * work, and {@link Control} does work that has to do with nobody, which is what the host costs.
 */
public final class Soak {
  private static final int NOTHING_EVERY = 5;
  private static final int TWO_EVERY = 8;
  private static final long PROGRESS_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** Swaps before the first look at what the JVM holds: until then it still grows. */
  private static final long WARM = 200;

  /** What the guest's clock is rounded to, and what it may be wrong by. */
  private static final long CLOCK_NANOS = 20_000_000;

  private static final int MOST_TRIES = 1_000;

  private static final int MOST_FAULTS = 50;

  /** Holds for others; nobody holds it without a swap. */
  private static final String SWAPPER = "swapper";

  private static final Kind NOTHING =
      new Kind("(nothing)", "", List.of(), 1_000, (r, p) -> () -> {});

  private static final Kind WORK = new Kind("(work)", "", List.of(), 1_000, (r, p) -> () -> {});

  private final Plan plan;
  private final Root root;
  private final Swapper swapper;
  private final Observation kernel;
  private final @Nullable BundleUpdates updates;
  private final Consumer<String> progress;
  private final Random random;
  private final Map<Kind, Pauses> pauses = new LinkedHashMap<>();
  private final Map<Kind, Runnable> probes = new LinkedHashMap<>();
  private final List<String> faults = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final Control control = new Control();
  private long turns;
  private long swaps;
  private long pairs;

  /**
   * A soak of the system that these services are of.
   *
   * @param updates who updates bundles; only for plans with the verb {@link Plan#UPDATE}
   * @param progress told a line now and then
   */
  public Soak(
      Plan plan,
      Root root,
      Swapper swapper,
      Observation kernel,
      @Nullable BundleUpdates updates,
      Consumer<String> progress) {
    this.plan = plan;
    this.root = root;
    this.swapper = swapper;
    this.kernel = kernel;
    this.updates = updates;
    this.progress = progress;
    random = new Random(plan.seed());
  }

  /**
   * Runs it.
   *
   * @param boot the guest
   * @param disk a file for its disk; overwritten
   */
  public Outcome run(String name, Boot boot, Path disk) throws IOException, InterruptedException {
    try (GuestWork guest = new GuestWork(root, name, boot, disk, plan, this::fault);
        Processor processor = new Processor();
        ExecutorService hands = Executors.newFixedThreadPool(3, new Hands())) {
      choose(guest.path());
      guest.begin();
      progress.accept("the guest is at work; seed " + plan.seed() + ", kinds " + names());
      long before = System.nanoTime();
      long clock = guest.uptimeNanos();
      long between = System.nanoTime();
      soak(guest, processor, hands);
      long later = System.nanoTime();
      long progressed = guest.uptimeNanos() - clock;
      compareClocks(progressed, later - between, System.nanoTime() - before);
      guest.end();
      lookAtEndpoints();
      List<Outcome.Row> rows = new ArrayList<>();
      pauses.forEach((kind, each) -> rows.add(each.row(kind)));
      return new Outcome(rows, guest.rounds(), guest.sums(), guest.answers(), faults(), notes);
    }
  }

  private List<String> names() {
    return pauses.keySet().stream().filter(Soak::isReplaced).map(Kind::name).toList();
  }

  /** Those kinds that are asked for and there. */
  private void choose(String machine) {
    List<String> there = kernel.endpoints().stream().map(EndpointReport::path).toList();
    for (String name : plan.kinds()) {
      if (Kind.ALL.stream().noneMatch(kind -> kind.name().equals(name))) {
        throw new IllegalArgumentException(
            "no kind '" + name + "'; there are " + Kind.ALL.stream().map(Kind::name).toList());
      }
    }
    for (Kind kind : Kind.ALL) {
      String path = kind.path(machine);
      if (!plan.kinds().isEmpty() && !plan.kinds().contains(kind.name())) {
        continue;
      }
      if (there.contains(path)) {
        pauses.put(kind, new Pauses());
        probes.put(kind, kind.probe().apply(root, path));
      } else {
        notes.add(kind.name() + ": there is none");
      }
    }
    pauses.put(NOTHING, new Pauses());
    pauses.put(WORK, new Pauses());
  }

  private static boolean isReplaced(Kind kind) {
    return kind != NOTHING && kind != WORK;
  }

  private void soak(GuestWork guest, Processor processor, ExecutorService hands)
      throws InterruptedException {
    List<Kind> kinds = pauses.keySet().stream().filter(Soak::isReplaced).toList();
    long began = System.nanoTime();
    long end = began + plan.duration().toNanos();
    long told = began;
    Footprint before = null;
    while (swaps < plan.swaps() && System.nanoTime() - end < 0 && faults().size() < MOST_FAULTS) {
      turns++;
      Kind kind = kinds.get(random.nextInt(kinds.size()));
      if (plan.verb().equals(Plan.SWAP)
          && turns % NOTHING_EVERY == 0
          && !kind.path().equals(SWAPPER)) {
        rehearse(kind.path(guest.path()), processor);
        work(processor);
      }
      Kind other = random.nextInt(TWO_EVERY) == 0 ? another(kind, kinds) : null;
      if (other == null) {
        turn(kind, guest.path(), processor, hands);
      } else if (plan.verb().equals(Plan.SWAP) && random.nextBoolean()) {
        together(kind, other, guest.path());
        swaps++;
      } else {
        Future<?> second = hands.submit(() -> turn(other, guest.path(), processor, hands));
        turn(kind, guest.path(), processor, hands);
        end(second);
        swaps++;
      }
      swaps++;
      if (before == null && swaps >= Math.min(WARM, plan.swaps() / 4)) {
        before = Footprint.now();
        progress.accept("at " + swaps + " swaps: " + before.line());
      }
      long now = System.nanoTime();
      if (now - told > PROGRESS_NANOS) {
        told = now;
        progress.accept(
            "%d s: %d swaps, disk %d, memory %d, console %d, %d faults"
                .formatted(
                    TimeUnit.NANOSECONDS.toSeconds(now - began),
                    swaps,
                    guest.rounds(),
                    guest.sums(),
                    guest.answers(),
                    faults().size()));
      }
      LockSupport.parkNanos((long) (2 * random.nextDouble() * plan.gap().toNanos()));
    }
    if (before != null) {
      compare(before, Footprint.now());
    }
    notes.add(
        "%d swaps in %d s, of which %d pairs in one transaction"
            .formatted(swaps, TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began), pairs));
  }

  private @Nullable Kind another(Kind first, List<Kind> kinds) {
    Kind other = kinds.get(random.nextInt(kinds.size()));
    return other == first ? null : other;
  }

  /** Replaces two components in one transaction. */
  private void together(Kind one, Kind other, String machine) {
    Swapper.Move first = new Swapper.Move(one.path(machine), server(one));
    Swapper.Move second = new Swapper.Move(other.path(machine), server(other));
    String what = one.name() + " together with " + other.name();
    try {
      Swapper.Swap swap = again(() -> swapper.swapAll(List.of(first, second)));
      if (swap.done()) {
        pairs++;
      } else {
        fault(what + ": " + swap.outcome());
      }
    } catch (CallFailed e) {
      fault(what + ": " + e);
    }
  }

  /** While the swapper itself is replaced it asks to come again. */
  private static Swapper.Swap again(Supplier<Swapper.Swap> swap) {
    for (int i = 0; i < MOST_TRIES; i++) {
      try {
        return swap.get();
      } catch (CallFailed.NoServer e) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
      }
    }
    return swap.get();
  }

  private String server(Kind kind) {
    synchronized (random) {
      return kind.servers().get(random.nextInt(kind.servers().size()));
    }
  }

  private static void end(Future<?> future) throws InterruptedException {
    try {
      future.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  /** Replaces one component, and calls it meanwhile. */
  private void turn(Kind kind, String machine, Processor processor, ExecutorService hands) {
    Pauses of = pausesOf(kind);
    String server = server(kind);
    Probe probe = new Probe(probes.getOrDefault(kind, () -> {}), this::fault);
    Future<Long> longest = plan.probes() ? hands.submit(probe) : null;
    try {
      Processor.Use before = processor.now();
      BundleUpdates updating = updates;
      Swapper.Swap swap =
          updating != null && plan.verb().equals(Plan.UPDATE)
              ? updating.update(kernel, kind.path(machine))
              : again(() -> swapper.swap(kind.path(machine), server));
      long taken = processor.takenNanos(before, 1_000 * swap.waitedMicros());
      synchronized (of) {
        if (swap.done()) {
          of.done(swap.pauseMicros(), swap.drainMicros(), taken);
        } else {
          of.kept();
          fault(kind.name() + " to " + server + ": " + swap.outcome());
        }
      }
    } catch (CallFailed e) {
      synchronized (of) {
        of.failed();
      }
      fault(kind.name() + " to " + server + ": " + e);
    } finally {
      probe.stop();
      if (longest != null) {
        try {
          long micros = longest.get();
          synchronized (of) {
            of.probed(micros);
          }
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
          fault(kind.name() + ": " + e.getCause());
        }
      }
    }
  }

  private Pauses pausesOf(Kind kind) {
    Pauses of = pauses.get(kind);
    if (of == null) {
      throw new IllegalStateException(kind.name() + " was not chosen");
    }
    return of;
  }

  private void rehearse(String path, Processor processor) {
    Pauses of = pausesOf(NOTHING);
    try {
      Processor.Use before = processor.now();
      Swapper.Swap nothing = swapper.rehearse(path);
      long taken = processor.takenNanos(before, 1_000 * nothing.waitedMicros());
      synchronized (of) {
        of.done(nothing.pauseMicros(), nothing.drainMicros(), taken);
      }
    } catch (CallFailed e) {
      fault("hold and release of " + path + ": " + e);
    }
  }

  private void work(Processor processor) {
    Processor.Use before = processor.now();
    long micros = TimeUnit.NANOSECONDS.toMicros(control.run());
    pausesOf(WORK).done(micros, 0, processor.takenNanos(before, 0));
  }

  private void compareClocks(long guest, long least, long most) {
    String text =
        "the guest's clock went on by %.2f s, the host's by %.2f to %.2f s"
            .formatted(guest / 1e9, least / 1e9, most / 1e9);
    notes.add(text);
    if (guest < least - CLOCK_NANOS || guest > most + CLOCK_NANOS) {
      fault(text);
    }
  }

  private void compare(Footprint before, Footprint after) {
    progress.accept("at " + swaps + " swaps: " + after.line());
    notes.add("before: " + before.line());
    notes.add("after: " + after.line());
    grown("heap", before.heapBytes(), after.heapBytes(), 8 << 20);
    grown("metaspace", before.metaspaceBytes(), after.metaspaceBytes(), 4 << 20);
    grown("classes", before.classes(), after.classes(), 500);
    grown("threads", before.threads(), after.threads(), 12);
    grown("maps", before.maps(), after.maps(), 200);
    grown("files", before.files(), after.files(), 8);
  }

  private void grown(String what, long before, long after, long most) {
    if (after - before > most) {
      fault(what + " grew from " + before + " to " + after);
    }
  }

  private void lookAtEndpoints() {
    for (EndpointReport each : kernel.endpoints()) {
      if (!each.condition().equals("open")) {
        fault(each.path() + " is " + each.condition());
      }
      // A swapper that is replaced sends those away that wait for it: they come again. And without
      // a scheduler the kernel goes on by its order of last resort at once, instead of waiting.
      boolean expected = each.path().equals(SWAPPER) || each.path().equals("scheduler");
      if (each.failures() > 0 && !expected) {
        fault(each.path() + " had " + each.failures() + " failed calls");
      }
    }
  }

  private void fault(String what) {
    synchronized (faults) {
      if (faults.size() < MOST_FAULTS) {
        faults.add(what);
      }
    }
    progress.accept("FAULT: " + what);
  }

  private List<String> faults() {
    synchronized (faults) {
      return List.copyOf(faults);
    }
  }

  /** Calls again and again until it is stopped; answers the longest call in microseconds. */
  private static final class Probe implements Callable<Long> {
    private static final long PACE_NANOS = 200_000;

    private final Runnable call;
    private final Consumer<String> fault;
    private volatile boolean stopped;

    Probe(Runnable call, Consumer<String> fault) {
      this.call = call;
      this.fault = fault;
    }

    void stop() {
      stopped = true;
    }

    @Override
    public Long call() {
      long longest = 0;
      while (!stopped) {
        long before = System.nanoTime();
        try {
          call.run();
        } catch (CallFailed e) {
          fault.accept("a call that was made meanwhile: " + e);
        }
        longest = Math.max(longest, System.nanoTime() - before);
        LockSupport.parkNanos(PACE_NANOS);
      }
      return TimeUnit.NANOSECONDS.toMicros(longest);
    }
  }

  /** Threads that end with the soak and stop nobody from leaving. */
  private static final class Hands implements ThreadFactory {
    @Override
    public Thread newThread(Runnable work) {
      return Thread.ofPlatform().daemon().name("soak hand").unstarted(work);
    }
  }
}
