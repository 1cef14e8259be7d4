package duality.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A place where injections are done, one JVM after the other: a new one when the last was harmed,
 * or has seen enough. As many injections as it has lanes run side by side.
 *
 * <p>Each has a new guest, which is there before the fault and goes with it, so that what one fault
 * left cannot be taken for the doing of the next. With several lanes, harm to what all share is
 * nobody's for certain: then all who may have done it are named, for being repeated alone.
 */
final class Stand implements AutoCloseable {
  private static final AtomicInteger NUMBERS = new AtomicInteger();

  private final Installation installation;
  private final Path folder;
  private final int lanes;
  private final Guests guests;
  private final long seed;
  private final Consumer<Harm> harms;
  private final AtomicInteger jvms = new AtomicInteger();

  // Guarded by this:
  private @Nullable Subject subject;

  /**
   * Something reached what no fault may reach.
   *
   * @param reason what was seen
   * @param suspects those of whom one must have done it
   */
  record Harm(String reason, List<Task> suspects) {}

  /**
   * @param harms told of harm that cannot be laid to one injection; never with one lane
   */
  Stand(
      Installation installation,
      Path folder,
      int lanes,
      Guests guests,
      long seed,
      Consumer<Harm> harms) {
    this.installation = installation;
    this.folder = folder;
    this.lanes = lanes;
    this.guests = guests;
    this.seed = seed;
    this.harms = harms;
  }

  /** How many JVMs it took so far. */
  int jvms() {
    return jvms.get();
  }

  /**
   * What became of one.
   *
   * @param verdict what was seen
   * @param trace the system's own trace, when the client was not served again
   */
  record Done(Verdict verdict, String trace) {}

  /** Injects one; null when it has to be repeated alone. */
  @Nullable Done perform(Task task) throws IOException, InterruptedException {
    Subject used = enter(task);
    boolean clean = false;
    try {
      Client guest = used.kept();
      if (guest == null) {
        guest = guest(used, task);
        String unwell = comesUp(guest);
        if (unwell != null) {
          used.doom(unwell);
          if (lanes == 1) {
            throw new IOException("without a fault: " + unwell);
          }
          harms.accept(new Harm(unwell, used.suspects()));
          return null;
        }
        used.works();
      }
      Injection injection = new Injection(installation, used, folder, task, guest);
      Verdict verdict = injection.run();
      clean = injection.isClean();
      if (guests.linux() && injection.leftNoTrace()) {
        used.keep(guest);
      } else {
        used.keep(null);
        // A thread of a server's own is reached by nobody when it loops: it would burn on.
        clean &= removed(guest) && used.burning(guest.name()).isEmpty();
      }
      if (lanes == 1) {
        String after = verdict.contained() && clean ? another(used, task) : null;
        if (after != null) {
          clean = false;
          verdict = verdict.notContained(after);
        }
      } else if (!verdict.contained() || used.doomed() != null) {
        String reason = used.doom(verdict.symptom());
        harms.accept(new Harm(reason, used.suspects()));
        return null;
      }
      return new Done(verdict, injection.trace());
    } finally {
      leave(used, task, clean);
    }
  }

  private Client guest(Subject used, Task task) {
    String name = task.name();
    Path disk = folder.resolve(name + ".img");
    long own = seed + task.number();
    return guests.linux()
        ? new LinuxGuest(used.jvm, name, disk, own)
        : new Guest(used.jvm, name, task.component().image(), disk, own, Injection.PATIENCE_MILLIS);
  }

  private static @Nullable String comesUp(Client guest) throws IOException {
    try {
      guest.boot();
      guest.round();
      return null;
    } catch (Deviation e) {
      return "a new guest: " + e.getMessage();
    }
  }

  private boolean removed(Client guest) throws IOException {
    try {
      guest.remove();
      return true;
    } catch (Deviation e) {
      return false;
    } finally {
      Files.deleteIfExists(folder.resolve(guest.name() + ".img"));
    }
  }

  /** Whether another guest comes up where this fault has been; null when it does. */
  private @Nullable String another(Subject used, Task task) throws IOException {
    String name = task.name() + "-after";
    Path disk = folder.resolve(name + ".img");
    String image = task.component().image();
    Guest guest = new Guest(used.jvm, name, image, disk, seed, Injection.PATIENCE_MILLIS);
    String unwell = comesUp(guest);
    if (unwell != null) {
      return unwell;
    }
    return removed(guest) ? null : "a new guest cannot be removed";
  }

  private synchronized Subject enter(Task task) throws IOException, InterruptedException {
    Subject there = subject;
    if (there == null || there.isRetired()) {
      jvms.incrementAndGet();
      // Who is still in the one before closes it.
      subject = null;
      there =
          new Subject(
              installation,
              folder.resolve("jvm" + NUMBERS.incrementAndGet()),
              seed,
              guests.options(lanes));
      subject = there;
    }
    there.begin(task);
    return there;
  }

  private void leave(Subject used, Task task, boolean clean) {
    used.end(task, clean);
    synchronized (this) {
      if (used.isRetired() && used.isEmpty()) {
        if (subject == used) {
          subject = null;
        }
        used.close();
      }
    }
  }

  @Override
  public synchronized void close() {
    if (subject != null) {
      subject.close();
      subject = null;
    }
  }
}
