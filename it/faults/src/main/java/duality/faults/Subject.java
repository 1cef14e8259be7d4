package duality.faults;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A JVM with the system under test, and in it the second guest, which uses none of the faulty
 * servers but those that all share. Several injections may run in it side by side, each with a
 * guest of its own.
 */
final class Subject implements AutoCloseable {
  /** For what has to come, but comes late on a busy host. */
  static final long LONG_MILLIS = 6_000;

  private static final int PER_JVM = 400;
  private static final long STUCK_NANOS = TimeUnit.SECONDS.toNanos(4);

  /** Why JVMs were not used on, and how often. */
  static final Map<String, Integer> RETIRED = new ConcurrentHashMap<>();

  final ChildJvm jvm;
  private final Bystander bystander;
  private final String failing;
  private final Set<Task> flying = ConcurrentHashMap.newKeySet();

  // Guarded by this:

  /** Those that were done since a guest last came up as it should. */
  private final List<Task> landed = new ArrayList<>();

  private @Nullable String doom;
  private List<Task> suspects = List.of();
  private boolean retired;
  private @Nullable Client kept;
  private int done;
  private long stuckSince;

  /**
   * @param options of its JVM
   * @throws IOException when the system without faults does not work
   */
  Subject(Installation installation, Path folder, long seed, List<String> options)
      throws IOException, InterruptedException {
    ChildJvm started = null;
    try {
      started = new ChildJvm(installation, installation.bundles, folder, options);
      Guest second = new Guest(started, "b", folder.resolve("b.img"), seed, LONG_MILLIS);
      failing = failing(installation, folder, started);
      second.boot();
      second.round();
      bystander = new Bystander(second);
    } catch (ChildJvm.Silent | ChildJvm.Failed | Deviation e) {
      if (started != null) {
        started.close();
      }
      throw new IOException("the system without faults does not work: " + e.getMessage(), e);
    }
    jvm = started;
    bystander.start();
  }

  /** Installs a UART that throws when it is read; answers the name of its server. */
  private static String failing(Installation installation, Path folder, ChildJvm started)
      throws ChildJvm.Silent, ChildJvm.Failed {
    Component uart = Component.UART;
    for (Map.Entry<String, byte[]> each : installation.classes(uart.bundle).entrySet()) {
      for (Site site : Mutations.sites(each.getKey(), each.getValue())) {
        if (site.kind() == FaultKind.EXCEPTION && site.text().startsWith("Uart16550.load ")) {
          Path jar = folder.resolve("failing.jar");
          installation.mutant(jar, uart.bundle, ".failing", ".failing", site);
          started.ask(LONG_MILLIS, "install", jar.toString());
          return uart.server + ".failing";
        }
      }
    }
    throw new IllegalStateException("the UART has no method load");
  }

  /** A server for the UART that throws when it is read. */
  String failing() {
    return failing;
  }

  void begin(Task task) {
    flying.add(task);
  }

  /** A guest came up as it should: what was done before has not harmed the system. */
  synchronized void works() {
    landed.clear();
  }

  /** How the second guest and the core do; null for well, otherwise what is wrong. */
  @Nullable String health() throws InterruptedException {
    String affected = bystander.check(2 * LONG_MILLIS);
    if (affected != null) {
      return "the second guest: " + affected;
    }
    return answers() ? null : "the core does not answer";
  }

  /** Whether the core answers. */
  boolean answers() {
    try {
      return !jvm.ask(LONG_MILLIS, "counters").isEmpty();
    } catch (ChildJvm.Silent | ChildJvm.Failed e) {
      return false;
    }
  }

  /**
   * Something reached what no fault may reach: nothing more is begun in this JVM.
   *
   * @return what was seen first
   */
  synchronized String doom(String reason) {
    if (doom == null) {
      doom = reason;
      suspects = new ArrayList<>(flying);
      suspects.addAll(landed);
    }
    if (!retired) {
      retired = true;
      RETIRED.merge("harmed", 1, Integer::sum);
    }
    return doom;
  }

  /** All who may have been it: those in flight then, and those after whom no guest came up. */
  synchronized List<Task> suspects() {
    return List.copyOf(suspects);
  }

  /** Why nothing seen here counts any more; null when it does. */
  synchronized @Nullable String doomed() {
    return doom;
  }

  /** An injection is done. */
  void end(Task task, boolean clean) {
    String why =
        !jvm.isAlive()
            ? "ended"
            : !clean ? "left harm or threads behind" : stuck() ? "calls stay inside" : "";
    synchronized (this) {
      flying.remove(task);
      landed.add(task);
      done++;
      if (why.isEmpty() && done >= PER_JVM) {
        why = "enough";
      }
      if (!why.isEmpty() && !retired) {
        retired = true;
        RETIRED.merge(why, 1, Integer::sum);
      }
    }
  }

  /** Whether calls that were given up do not come back, so that their host threads may burn on. */
  private synchronized boolean stuck() {
    try {
      String counters = jvm.ask(LONG_MILLIS, "counters");
      if (counters.contains("given-up calls inside=0")) {
        stuckSince = 0;
        return false;
      }
    } catch (ChildJvm.Silent | ChildJvm.Failed e) {
      return true;
    }
    long now = System.nanoTime();
    stuckSince = stuckSince == 0 ? now : stuckSince;
    return now - stuckSince > STUCK_NANOS;
  }

  /** Threads of the servers of a guest that is gone, if they are at work still. */
  String burning(String guest) {
    try {
      return jvm.ask(LONG_MILLIS, "burning", "vm/" + guest);
    } catch (ChildJvm.Silent | ChildJvm.Failed e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** Keeps a guest for the next injection. */
  synchronized void keep(@Nullable Client client) {
    kept = client;
  }

  /** The guest that was kept, or null. */
  synchronized @Nullable Client kept() {
    return kept;
  }

  /** Whether nothing runs in it. */
  boolean isEmpty() {
    return flying.isEmpty();
  }

  synchronized boolean isRetired() {
    return retired;
  }

  @Override
  public void close() {
    jvm.close();
    bystander.close();
  }
}
