package duality.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Injects faults one after the other, many into one JVM, and judges each.
 *
 * <p>For each: a mutant of the server is installed beside the good one and swapped in while two
 * guests are in a dialogue; the first uses it, the second does not. They are watched for a bounded
 * time. What the first sees then decides whether the fault manifested. When it did, the system has
 * 5 s to serve it again by itself. Then the good server is put back, and the disk is compared with
 * what the campaign computed.
 */
final class Campaign implements AutoCloseable {
  static final long RECOVERY_MILLIS = 5_000;
  private static final long PATIENCE_MILLIS = 1_500;
  private static final long REQUEST_MILLIS = 10_000;
  private static final int PER_JVM = 200;

  private final Installation installation;
  private final Path folder;
  private final long seed;
  private final Map<Component, Map<FaultKind, List<Site>>> sites = new EnumMap<>(Component.class);
  private int number;
  private int jvms;
  private int inThisJvm;

  /** The system's own trace of the last injection after which nobody was served again. */
  private String lastTrace = "";

  private @Nullable ChildJvm child;
  private @Nullable Guest client;
  private @Nullable Bystander bystander;

  Campaign(Installation installation, Path folder, long seed) {
    this.installation = installation;
    this.folder = folder;
    this.seed = seed;
  }

  /** The last lines of the trace of the last injection that was not recovered from. */
  String lastTrace() {
    String[] lines = lastTrace.split("\n");
    return String.join(
        "\n", Arrays.asList(lines).subList(Math.max(0, lines.length - 40), lines.length));
  }

  /** How many JVMs it took so far. */
  int jvms() {
    return jvms;
  }

  /** All places for faults of a component, by kind. */
  Map<FaultKind, List<Site>> sites(Component component) {
    return sites.computeIfAbsent(
        component,
        each -> {
          Map<FaultKind, List<Site>> byKind = new EnumMap<>(FaultKind.class);
          installation
              .classes(each.bundle)
              .forEach(
                  (file, bytes) ->
                      Mutations.sites(file, bytes)
                          .forEach(
                              site ->
                                  byKind
                                      .computeIfAbsent(site.kind(), k -> new ArrayList<>())
                                      .add(site)));
          return byKind;
        });
  }

  /**
   * A sample: half of it mutants, drawn uniformly from all places; the other half shared out among
   * the other kinds of fault that this component has places for.
   */
  List<Site> sample(Component component, int count, List<FaultKind> kinds) {
    Random random = new Random(seed * 31 + component.ordinal());
    Map<FaultKind, List<Site>> all = sites(component);
    List<FaultKind> directed = new ArrayList<>(kinds);
    directed.remove(FaultKind.MUTANT);
    directed.removeIf(each -> !all.containsKey(each));
    List<Site> sample = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean mutant =
          directed.isEmpty() || (kinds.contains(FaultKind.MUTANT) && random.nextBoolean());
      FaultKind kind = mutant ? FaultKind.MUTANT : directed.get(random.nextInt(directed.size()));
      List<Site> places = all.getOrDefault(kind, List.of());
      if (places.isEmpty()) {
        throw new IllegalArgumentException(component.label() + " has no place for " + kinds);
      }
      sample.add(places.get(random.nextInt(places.size())));
    }
    return sample;
  }

  /** Injects one fault. */
  Verdict inject(Component component, Site site) throws IOException, InterruptedException {
    ChildJvm jvm = ready();
    Guest guest = client(jvm);
    int id = ++number;
    String suffix = ".m" + id;
    Path jar = folder.resolve("mutant" + id + ".jar");
    installation.mutant(jar, component.bundle, suffix, component.byName() ? "" : suffix, site);
    Observed seen = new Observed();
    String bundle = null;
    try {
      int failuresBefore = failures(jvm);
      try {
        bundle = jvm.ask(REQUEST_MILLIS, "install", jar.toString());
        String outcome =
            component.byName()
                ? takenOver(jvm, component)
                : swapWhenThere(jvm, component.path, component.server + suffix);
        seen.refused = !outcome.equals("done");
        if (seen.refused) {
          seen.symptom = outcome;
        }
      } catch (ChildJvm.Failed e) {
        seen.refused = true;
        seen.symptom = String.valueOf(e.getMessage());
      }
      seen.deviation(observe(guest, component));
      if (seen.manifested) {
        seen.recoveredMillis = recovery(guest, component);
        if (seen.recoveredMillis < 0) {
          lastTrace = jvm.ask(REQUEST_MILLIS, "trace");
        }
      }
      seen.failStop = failures(jvm) > failuresBefore;
      String putBack;
      if (component.byName()) {
        jvm.ask(4 * REQUEST_MILLIS, "start", component.bundle);
        uninstall(jvm, bundle);
        bundle = null;
        putBack = served(jvm, component.path) ? null : component.path + " is not served";
      } else {
        putBack = putBack(jvm, component);
      }
      if (!seen.manifested) {
        // With the state that the mutant saved.
        seen.deviation(observe(guest, component));
        if (seen.manifested) {
          seen.recoveredMillis = recovery(guest, component);
          seen.failStop |= failures(jvm) > failuresBefore;
        }
      }
      uninstall(jvm, bundle);
      if (putBack != null) {
        seen.clean = false;
        if (!seen.manifested) {
          // Now that the mutant's bundle is gone by force.
          seen.deviation(observe(guest, component));
          if (seen.manifested) {
            seen.recoveredMillis = recovery(guest, component);
          }
        }
        seen.symptom += " [not put back by a swap: " + putBack + "]";
      }
      Bystander other = bystander;
      String affected = other == null ? "no second guest" : other.check(4 * PATIENCE_MILLIS);
      jvm.ask(PATIENCE_MILLIS, "ping");
      seen.contained = affected == null;
      if (affected != null) {
        seen.symptom += " [the second guest: " + affected + "]";
      }
    } catch (ChildJvm.Silent | ChildJvm.Failed e) {
      seen.manifested = true;
      seen.contained = false;
      seen.symptom += " [the core: " + e.getMessage() + "]";
    }
    boolean clean = seen.contained && leave(jvm, guest, seen) && seen.clean;
    seen.dataCorrect = guest.firstWrongSector() < 0;
    if (!seen.dataCorrect) {
      seen.symptom += " [sector " + guest.firstWrongSector() + " is wrong]";
    }
    if (!clean || ++inThisJvm >= PER_JVM) {
      closeJvm();
    }
    Files.deleteIfExists(jar);
    return seen.verdict(component, site);
  }

  /** What is known about an injection so far. */
  private static final class Observed {
    boolean refused;
    boolean manifested;
    boolean wrong;
    boolean failStop;
    boolean contained;
    boolean clean = true;
    boolean dataCorrect = true;
    long recoveredMillis = -1;
    String symptom = "";

    void deviation(Guest.@Nullable Deviation deviation) {
      if (deviation != null) {
        manifested = true;
        wrong |= deviation.wrong;
        symptom = String.valueOf(deviation.getMessage());
      }
    }

    Verdict verdict(Component component, Site site) {
      boolean silent = (wrong || !dataCorrect) && !failStop;
      return new Verdict(
          component,
          site.kind(),
          site.text(),
          refused,
          manifested || !dataCorrect,
          failStop,
          contained,
          recoveredMillis,
          dataCorrect,
          silent,
          symptom);
    }
  }

  /** Watches the guest for a round; what people and bundles ask for is used beside it. */
  private Guest.@Nullable Deviation observe(Guest guest, Component component) {
    try {
      guest.round();
      return component.byName() ? use() : null;
    } catch (Guest.Deviation e) {
      return e;
    }
  }

  /** Two swaps, which need swapper and root. */
  private Guest.@Nullable Deviation use() {
    ChildJvm jvm = child;
    if (jvm == null) {
      return new Guest.Deviation(false, "no JVM");
    }
    try {
      for (String device : List.of("rtc", "uart")) {
        String outcome = jvm.ask(REQUEST_MILLIS, "swap", "vm/a/" + device, device);
        if (!outcome.equals("done")) {
          return new Guest.Deviation(true, "a swap of " + device + ": " + outcome);
        }
      }
      return null;
    } catch (ChildJvm.Silent | ChildJvm.Failed e) {
      return new Guest.Deviation(false, "a swap: " + e.getMessage());
    }
  }

  private long recovery(Guest guest, Component component) {
    long start = System.nanoTime();
    while (true) {
      boolean served = guest.recovers() && (!component.byName() || use() == null);
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
      if (served) {
        return millis;
      }
      if (millis > RECOVERY_MILLIS) {
        return -1;
      }
    }
  }

  /** Stops the good server, whose place the mutant takes, since it has the same name. */
  private static String takenOver(ChildJvm jvm, Component component)
      throws ChildJvm.Silent, ChildJvm.Failed {
    jvm.ask(4 * REQUEST_MILLIS, "stop", component.bundle);
    return served(jvm, component.path) ? "done" : component.path + " is not served by it";
  }

  private static boolean served(ChildJvm jvm, String path) throws ChildJvm.Silent, ChildJvm.Failed {
    for (int i = 0; i < 50; i++) {
      if (jvm.ask(REQUEST_MILLIS, "endpoints", path).endsWith("\topen")) {
        return true;
      }
    }
    return false;
  }

  /** The component of the mutant is there a moment after its bundle has started. */
  private static String swapWhenThere(ChildJvm jvm, String path, String server)
      throws ChildJvm.Silent, ChildJvm.Failed {
    for (int i = 0; ; i++) {
      boolean there =
          Arrays.asList(jvm.ask(REQUEST_MILLIS, "servers").split("\n")).contains(server);
      if (there || i == 50) {
        return jvm.ask(4 * REQUEST_MILLIS, "swap", path, server);
      }
    }
  }

  /** Puts the good server back; answers why that was refused at first. */
  private static @Nullable String putBack(ChildJvm jvm, Component component)
      throws ChildJvm.Silent {
    String refused = null;
    for (int i = 0; i < 3; i++) {
      try {
        String outcome = jvm.ask(4 * REQUEST_MILLIS, "swap", component.path, component.server);
        if (outcome.equals("done")) {
          return refused;
        }
        refused = outcome;
      } catch (ChildJvm.Failed e) {
        refused = e.getMessage();
      }
    }
    return refused;
  }

  private static int failures(ChildJvm jvm) throws ChildJvm.Silent, ChildJvm.Failed {
    String lines = jvm.ask(REQUEST_MILLIS, "failures");
    if (lines.isEmpty()) {
      return 0;
    }
    String last = lines.substring(lines.lastIndexOf('\n') + 1);
    return Integer.parseInt(last.substring(0, last.indexOf(' ')));
  }

  private static void uninstall(ChildJvm jvm, @Nullable String bundle)
      throws ChildJvm.Silent, ChildJvm.Failed {
    if (bundle != null) {
      jvm.ask(4 * REQUEST_MILLIS, "uninstall", bundle);
    }
  }

  /** Readies the JVM for the next one; says whether it can be used on. */
  private boolean leave(ChildJvm jvm, Guest guest, Observed seen) {
    if (!seen.manifested) {
      return true;
    }
    client = null;
    try {
      guest.remove();
      String counters = jvm.ask(REQUEST_MILLIS, "counters");
      boolean burning = !counters.contains("given-up calls inside=0");
      String broken =
          String.join(
              ", ",
              Arrays.stream(jvm.ask(REQUEST_MILLIS, "endpoints").split("\n"))
                  .filter(each -> !each.endsWith("\topen"))
                  .toList());
      return !burning && broken.isEmpty();
    } catch (Guest.Deviation | ChildJvm.Silent | ChildJvm.Failed e) {
      return false;
    }
  }

  private ChildJvm ready() throws IOException, InterruptedException {
    ChildJvm jvm = child;
    if (jvm != null && jvm.isAlive()) {
      return jvm;
    }
    closeJvm();
    try {
      int attempt = ++jvms;
      jvm =
          new ChildJvm(
              installation, installation.bundles, folder.resolve("jvm" + attempt), List.of());
      child = jvm;
      inThisJvm = 0;
      Guest second = new Guest(jvm, "b", folder.resolve("b.img"), seed + 1, 4 * PATIENCE_MILLIS);
      second.boot();
      second.round();
      Bystander watched = new Bystander(second);
      watched.start();
      bystander = watched;
      return jvm;
    } catch (ChildJvm.Silent | Guest.Deviation e) {
      throw new IOException("the system without faults does not work: " + e.getMessage(), e);
    }
  }

  private Guest client(ChildJvm jvm) throws IOException {
    Guest there = client;
    if (there != null) {
      return there;
    }
    try {
      Guest fresh =
          new Guest(
              jvm, "a", folder.resolve("a" + number + ".img"), seed + number, PATIENCE_MILLIS);
      fresh.boot();
      fresh.round();
      client = fresh;
      return fresh;
    } catch (Guest.Deviation e) {
      throw new IOException("a guest without faults does not work: " + e.getMessage(), e);
    }
  }

  private void closeJvm() {
    Bystander watched = bystander;
    bystander = null;
    client = null;
    ChildJvm jvm = child;
    child = null;
    if (jvm != null) {
      jvm.close();
    }
    if (watched != null) {
      watched.close();
    }
  }

  @Override
  public void close() {
    closeJvm();
  }
}
