package duality.soak;

import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.servers.Supervisor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Kills servers under a guest that is at work, at random, and says how long each kind took from the
 * detection to the service.
 *
 * <p>Between two crashes of one endpoint lies more time than what the supervisor takes for a crash
 * loop, and a rule lets it restart a thousand times. Samples during which the host gave the
 * processors to others are counted apart, see {@link Processor}.
 */
final class Crashes {
  private static final String RULE = "**";
  private static final String ALWAYS =
      String.join(", ", java.util.Collections.nCopies(10, "restart*100"));
  private static final long LIMIT_MICROS = 10_000;

  /** Such a sample is told of by itself. */
  private static final long SLOW_MICROS = 50_000;

  private static final long MENDING_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final long LOOK_NANOS = 500_000;

  /** Above the 250 ms within which a repair counts as in vain. */
  private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

  private final Root root;
  private final Supervisor supervisor;
  private final Consumer<String> tell;
  private final List<String> faults = new ArrayList<>();
  private final Map<Kind, Pauses> times = new LinkedHashMap<>();
  private final Map<Kind, Long> lastNanos = new LinkedHashMap<>();

  Crashes(Root root, Supervisor supervisor, Consumer<String> tell) {
    this.root = root;
    this.supervisor = supervisor;
    this.tell = tell;
  }

  /**
   * Runs.
   *
   * @param count crashes of each kind
   * @param names of kinds; empty for all that the guest has
   * @return what was not as it should be
   */
  List<String> run(Boot boot, Path disk, int count, List<String> names, long seed)
      throws IOException, InterruptedException {
    supervisor.rule(RULE, ALWAYS);
    try (NanoWork guest = new NanoWork(root, "crashes", boot, disk);
        Processor processor = new Processor()) {
      guest.begin();
      choose(guest.path(), names);
      List<Kind> order = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        order.addAll(times.keySet());
      }
      java.util.Collections.shuffle(order, new Random(seed));
      for (Kind kind : order) {
        crash(kind, kind.path(guest.path()), processor);
      }
      String wrong = guest.end();
      if (!wrong.isEmpty()) {
        faults.add(wrong);
      }
      tell.accept(
          "seed %d, %d crashes of each kind; the guest answered %d commands, %d were interrupted"
              .formatted(seed, count, guest.answers(), guest.interrupted()));
      table();
      return faults;
    } finally {
      supervisor.rule(RULE, "");
    }
  }

  private void choose(String machine, List<String> names) {
    List<String> there = supervisor.watched().stream().map(Supervisor.Watched::endpoint).toList();
    for (Kind kind : Kind.ALL) {
      boolean wanted = names.isEmpty() || names.contains(kind.name());
      if (wanted && !kind.name().equals("supervisor") && there.contains(kind.path(machine))) {
        times.put(kind, new Pauses());
      }
    }
    if (times.isEmpty()) {
      throw new IllegalArgumentException("none of " + names + " is there");
    }
  }

  private void crash(Kind kind, String path, Processor processor) {
    long rest = lastNanos.getOrDefault(kind, 0L) + REST_NANOS - System.nanoTime();
    if (lastNanos.containsKey(kind) && rest > 0) {
      LockSupport.parkNanos(rest);
    }
    Pauses of = java.util.Objects.requireNonNull(times.get(kind));
    long known = supervisor.log().stream().mapToLong(Supervisor.Incident::number).max().orElse(0);
    Processor.Use before = processor.now();
    try {
      supervisor.kill(path);
    } catch (CallFailed e) {
      of.failed();
      faults.add(path + " could not be killed: " + e.getMessage());
      return;
    }
    long end = System.nanoTime() + MENDING_NANOS;
    while (System.nanoTime() - end < 0) {
      for (Supervisor.Incident each : supervisor.log()) {
        if (each.number() > known && each.endpoint().equals(path) && !each.outcome().isEmpty()) {
          if (each.micros() < 0) {
            of.failed();
            faults.add(path + ": " + each.outcome());
          } else {
            long taken = processor.takenNanos(before, 0);
            of.done(each.micros(), 0, taken);
            if (each.micros() > SLOW_MICROS) {
              tell.accept(
                  "slow: %s took %d us, of which the host took %d: %s"
                      .formatted(path, each.micros(), taken / 1_000, each.outcome()));
            }
          }
          lastNanos.put(kind, System.nanoTime());
          return;
        }
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
    of.failed();
    faults.add(path + " was not served again within 20 s");
  }

  private void table() {
    tell.accept(
        "%-16s %7s %6s %9s %9s %9s %9s %9s %9s"
            .formatted(
                "kind",
                "mended",
                "failed",
                "set aside",
                "p50 us",
                "p99 us",
                "max us",
                "all p99",
                "all max"));
    times.forEach(
        (kind, each) -> {
          Outcome.Row row = each.row(kind);
          tell.accept(
              "%-16s %7d %6d %9d %9d %9d %9d %9d %9d%s"
                  .formatted(
                      row.kind(),
                      row.done(),
                      row.failed(),
                      row.setAside(),
                      row.p50(),
                      row.p99(),
                      row.max(),
                      row.allP99(),
                      row.allMax(),
                      row.p99() > LIMIT_MICROS ? "  above the aim of 10 ms" : ""));
        });
  }
}
