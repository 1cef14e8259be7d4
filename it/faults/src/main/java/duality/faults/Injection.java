package duality.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Injects one fault and judges what becomes of it.
 *
 * <p>A mutant of the server is installed beside the good one and swapped in while two guests are in
 * a dialogue; the first uses it, the second does not. They are watched for a bounded time. What the
 * first sees then decides whether the fault manifested. When it did, the system has 5 s to serve it
 * again by itself, by the mutant or by whatever it puts in its place. Then the good server is put
 * back, if it is not there yet, with the state that the mutant saved; the first guest is watched
 * once more, and its disk is compared with what was written.
 */
final class Injection {
  static final long PATIENCE_MILLIS = 1_500;
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long MEND_MILLIS = 2_000;
  private static final long RECOVERY_MILLIS = 5_000;
  private static final long REQUEST_MILLIS = 10_000;
  private static final long SLOW_REQUEST_MILLIS = 40_000;

  private final Installation installation;
  private final Subject subject;
  private final ChildJvm jvm;
  private final Path folder;
  private final Task task;
  private final Component component;
  private final Client client;
  private final String path;
  private final String mutant;

  private boolean refused;
  private boolean manifested;
  private boolean wrong;
  private boolean noticed;
  private boolean contained = true;
  private boolean alive = true;
  private boolean clean = true;
  private boolean dataCorrect = true;
  private long recoveredMillis = -1;
  private String servedBy = "none";
  private boolean inUse;
  private String symptom = "";
  private String trace = "";

  Injection(Installation installation, Subject subject, Path folder, Task task, Client client) {
    this.installation = installation;
    this.subject = subject;
    this.jvm = subject.jvm;
    this.folder = folder;
    this.task = task;
    this.client = client;
    component = task.component();
    path = component.path(client.name());
    mutant = component.server + "." + task.name();
  }

  /** The client's guest works and has been in a dialogue; afterwards it is still there. */
  Verdict run() throws IOException, InterruptedException {
    Path jar = folder.resolve(task.name() + ".jar");
    String suffix = "." + task.name();
    installation.mutant(jar, component.bundle, suffix, suffix, task.site());
    try {
      long before = lastFailure();
      String bundle = comesIn(jar);
      deviation(observe());
      if (manifested) {
        recoveredMillis = recovery();
        if (recoveredMillis < 0) {
          trace = jvm.ask(REQUEST_MILLIS, "trace");
        }
      }
      noticed = lastFailure() > before;
      servedBy = served();
      putBack();
      if (!manifested) {
        // With the state that the mutant saved.
        deviation(observe());
        if (manifested) {
          recoveredMillis = recovery();
          noticed |= lastFailure() > before;
        }
      }
      if (component.shared() && !served().equals("good")) {
        clean = false; // its bundle is all that the others have: nobody would take it away
      } else if (bundle != null) {
        jvm.ask(SLOW_REQUEST_MILLIS, "uninstall", bundle);
      }
      leavesNothing();
    } catch (ChildJvm.Silent | ChildJvm.Failed e) {
      manifested = true;
      clean = false;
      symptom += " [no answer: " + e.getMessage() + "]";
    }
    String health = subject.health();
    if (health != null) {
      contained = false;
      alive = subject.answers();
      clean = false;
      symptom += " [" + health + "]";
    }
    int sector = client.firstWrongSector();
    if (sector >= 0) {
      dataCorrect = false;
      manifested = true;
      symptom += " [sector " + sector + " is wrong]";
    }
    Files.deleteIfExists(jar);
    return new Verdict(
        task.number(),
        component,
        task.site().kind(),
        task.site().text(),
        refused,
        manifested,
        noticed,
        contained,
        alive,
        recoveredMillis,
        servedBy,
        dataCorrect,
        wrong,
        symptom);
  }

  /** Whether the JVM can be used on. */
  boolean isClean() {
    return clean;
  }

  /** Whether its guest is as it was before. */
  boolean leftNoTrace() {
    return component != Component.TRAP // on which its guest still is
        && clean
        && !wrong
        && dataCorrect
        && (!manifested || recoveredMillis >= 0);
  }

  /** The system's own trace, when nobody was served again. */
  String trace() {
    String[] lines = trace.split("\n");
    List<String> own =
        Arrays.stream(lines)
            .filter(each -> component.shared() || each.contains("vm/" + client.name()))
            .toList();
    return String.join("\n", own.subList(Math.max(0, own.size() - 30), own.size()));
  }

  /** Installs and swaps; answers the bundle, or null when it was not installed. */
  private @Nullable String comesIn(Path jar) throws ChildJvm.Silent {
    String bundle = null;
    String outcome;
    try {
      if (component == Component.TRAP) {
        // Guests come up on the other monitor and cross while they run.
        String crossed = jvm.ask(SLOW_REQUEST_MILLIS, "swap", path, component.server);
        if (!crossed.equals("done")) {
          throw new ChildJvm.Failed("it does not cross to " + component.server + ": " + crossed);
        }
      }
      bundle = jvm.ask(REQUEST_MILLIS, "install", jar.toString());
      outcome = swapWhenThere();
    } catch (ChildJvm.Failed e) {
      outcome = String.valueOf(e.getMessage());
    }
    refused = !outcome.equals("done");
    if (refused) {
      symptom = outcome;
    }
    return bundle;
  }

  /** The component of the mutant is there a moment after its bundle has started. */
  private String swapWhenThere() throws ChildJvm.Silent, ChildJvm.Failed {
    for (int i = 0; ; i++) {
      boolean there =
          Arrays.asList(jvm.ask(REQUEST_MILLIS, "servers").split("\n")).contains(mutant);
      if (there || i == 50) {
        return jvm.ask(SLOW_REQUEST_MILLIS, "swap", path, mutant);
      }
    }
  }

  private void deviation(@Nullable Deviation deviation) {
    if (deviation != null) {
      manifested = true;
      wrong |= deviation.wrong;
      symptom = deviation.getMessage() + (refused ? " [" + symptom + "]" : "");
    }
  }

  /** Watches the guest for a round; what people and bundles ask for is used beside it. */
  private @Nullable Deviation observe() {
    try {
      inUse = false;
      client.round();
      inUse = true;
      return component.asked() ? use() : null;
    } catch (Deviation e) {
      return e;
    }
  }

  /** What the monitor, swapper, root and supervisor are for. */
  private @Nullable Deviation use() {
    String machine = "vm/" + client.name();
    try {
      if (component.monitor()) {
        client.restart();
        return null;
      }
      for (String device : List.of("rtc", "uart")) {
        String outcome = jvm.ask(REQUEST_MILLIS, "swap", machine + "/" + device, device);
        if (!outcome.equals("done")) {
          return new Deviation(true, "a swap of " + device + ": " + outcome);
        }
      }
      if (component == Component.ROOT) {
        String other = client.name() + "-use";
        jvm.ask(REQUEST_MILLIS, "machine", other, "");
        jvm.ask(REQUEST_MILLIS, "remove", other);
      } else if (component == Component.SUPERVISOR) {
        // A UART that throws when it is read, which the guest does in each round.
        jvm.ask(REQUEST_MILLIS, "swap", machine + "/uart", subject.failing());
        client.round();
      }
      return null;
    } catch (ChildJvm.Silent | ChildJvm.Failed e) {
      return new Deviation(false, "what it is for: " + e.getMessage());
    } catch (Deviation e) {
      return e;
    }
  }

  /** Waits until the guest is served again; answers how long that took, or -1. */
  private long recovery() {
    long start = System.nanoTime();
    while (true) {
      // One that was switched off comes back when it is switched on.
      boolean off = component.monitor() && inUse;
      boolean served = (off || client.recovers()) && (!component.asked() || use() == null);
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
      if (served) {
        return millis <= RECOVERY_MILLIS ? millis : -1;
      }
      if (millis > RECOVERY_MILLIS) {
        return -1;
      }
      LockSupport.parkNanos(LOOK_NANOS); // where asking is refused at once
    }
  }

  /** Who serves the endpoint; what is just being mended is waited for. */
  private String served() throws ChildJvm.Silent, ChildJvm.Failed {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(MEND_MILLIS);
    String[] words;
    do {
      words = jvm.ask(REQUEST_MILLIS, "endpoints", path).split("\t", -1);
      if (words.length < 3 || words[2].startsWith("ended")) {
        return "none";
      }
    } while (!words[2].equals("open") && System.nanoTime() - end < 0);
    if (!words[2].equals("open")) {
      return "none";
    }
    return words[1].equals(component.server)
        ? "good"
        : words[1].equals(mutant) ? "mutant" : "other";
  }

  /** Puts the good server back, when it is not there yet. */
  private void putBack() throws ChildJvm.Silent, ChildJvm.Failed {
    String why = "";
    for (int i = 0; i < 3; i++) {
      if (served().equals("good")) {
        return;
      }
      try {
        why = jvm.ask(SLOW_REQUEST_MILLIS, "swap", path, component.server);
      } catch (ChildJvm.Failed e) {
        why = String.valueOf(e.getMessage());
      }
    }
    if (!served().equals("good")) {
      symptom += " [not put back by a swap: " + why + "]";
    }
  }

  /** Now that the mutant's bundle is gone: what all share has to be served, and well. */
  private void leavesNothing() throws ChildJvm.Silent, ChildJvm.Failed {
    if (component.shared() && component.asked() && clean) {
      Deviation unwell =
          manifested && !client.recovers()
              ? new Deviation(false, "the guest does not come back")
              : use();
      if (unwell != null) {
        clean = false;
        symptom += " [afterwards: " + unwell.getMessage() + "]";
      }
    }
  }

  /** Number of the last failure of a server that this injection can have caused; 0 for none. */
  private long lastFailure() throws ChildJvm.Silent, ChildJvm.Failed {
    String number =
        jvm.ask(
            REQUEST_MILLIS,
            "failed",
            component.asked() && component.shared() ? "vm/-" : "vm/" + client.name(),
            path);
    return Long.parseLong(number);
  }
}
