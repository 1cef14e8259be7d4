package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.ServerReport;
import duality.kernel.processor.Engine;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;

/**
 * The engines that are there, and what happens to harts when one comes or goes: a hart's state goes
 * through its neutral record into a hart of another engine, with its thread at rest for that
 * moment. Without any engine threads lie still until one comes.
 *
 * <p>As with servers, a name means the highest version, then the newest bundle, and {@code
 * name#BUNDLE} one of them. No thread moves because an engine came, unless it has none.
 */
final class EngineTable {
  private static final long REST_NANOS = TimeUnit.SECONDS.toNanos(6);

  /** An engine and where it is from. */
  record Entry(String name, Engine engine, String bundle, Version version, long bundleId) {
    String exactName() {
      return name + Registration.EXACTLY + bundleId;
    }
  }

  private static final Comparator<Entry> BEST_FIRST =
      Comparator.comparing(Entry::name)
          .thenComparing(
              Comparator.comparing(Entry::version).thenComparingLong(Entry::bundleId).reversed());

  private final Core core;

  /** By name, each name's best first; replaced, not changed. */
  private volatile List<Entry> entries = List.of();

  EngineTable(Core core) {
    this.core = core;
  }

  private @Nullable Entry entry(String engine) {
    return entries.stream()
        .filter(
            each ->
                engine.isEmpty() || each.name().equals(engine) || each.exactName().equals(engine))
        .findFirst()
        .orElse(null);
  }

  /** The engine of that name; the first one when the name is empty. */
  Engine find(String engine) {
    Entry found = entry(engine);
    if (found == null) {
      throw new CallFailed.NoServer(
          "there is no engine"
              + (engine.isEmpty() ? "" : " '" + engine + "'")
              + (entries.isEmpty() ? "; none is registered" : "; there is ")
              + String.join(", ", entries.stream().map(Entry::exactName).toList()));
    }
    return found.engine();
  }

  /** An engine is there: threads that lie still without one go on. */
  synchronized void add(Entry fresh) {
    List<Entry> all = new ArrayList<>(entries);
    all.addFirst(fresh);
    all.sort(BEST_FIRST);
    entries = List.copyOf(all);
    for (ThreadObject thread : core.allThreads()) {
      if (thread.engine() == null) {
        move(thread, fresh.engine());
      }
    }
  }

  /** An engine goes: its harts go on in one of the same name, else in any other, else lie still. */
  synchronized void remove(Engine gone) {
    Entry was = entries.stream().filter(each -> each.engine() == gone).findFirst().orElse(null);
    if (was == null) {
      return;
    }
    entries = entries.stream().filter(each -> each != was).toList();
    Entry next = entry(was.name());
    if (next == null) {
      next = entry("");
    }
    int moved = 0;
    for (ThreadObject thread : core.allThreads()) {
      if (thread.engine() == gone && move(thread, next == null ? null : next.engine())) {
        moved++;
      }
    }
    core.trace(
        "engine "
            + was.exactName()
            + " is gone, "
            + moved
            + (next == null ? " threads lie still" : " threads go on in " + next.exactName()));
  }

  private boolean move(ThreadObject thread, @Nullable Engine to) {
    try {
      thread.moveTo(to, REST_NANOS);
      return true;
    } catch (CallFailed e) {
      core.trace(Gate.describe(e));
      return false;
    }
  }

  /** Moves all harts; those that went already go back when one cannot. */
  synchronized int moveThreads(String engine) {
    Engine to = find(engine);
    List<ThreadObject> moved = new ArrayList<>();
    List<@Nullable Engine> from = new ArrayList<>();
    for (ThreadObject thread : core.allThreads()) {
      Engine before = thread.engine();
      if (before == to) {
        continue;
      }
      try {
        thread.moveTo(to, REST_NANOS);
        moved.add(thread);
        from.add(before);
      } catch (CallFailed e) {
        for (int i = 0; i < moved.size(); i++) {
          move(moved.get(i), from.get(i));
        }
        throw e;
      }
    }
    core.trace(moved.size() + " threads moved to engine " + engine);
    return moved.size();
  }

  List<ServerReport> reports() {
    return entries.stream()
        .map(
            each ->
                new ServerReport(
                    entry(each.name()) == each ? each.name() : each.exactName(),
                    List.of("Engine"),
                    each.bundle(),
                    each.bundleId(),
                    core.allThreads().stream()
                        .filter(thread -> thread.engine() == each.engine())
                        .map(thread -> thread.name)
                        .sorted()
                        .toList()))
        .toList();
  }
}
