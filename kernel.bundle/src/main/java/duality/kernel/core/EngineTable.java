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
 *
 * <p>No engine is called under a lock of this table: one that hangs holds up who asked it, and the
 * thread whose hart it is. So an engine may go while harts are on their way to it; whoever moves
 * harts looks afterwards whether it is still there.
 */
final class EngineTable {
  /** How long a thread whose exit is served is waited for. */
  long restNanos = TimeUnit.SECONDS.toNanos(6);

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

  /** How people call an engine; empty for none. */
  String name(@Nullable Engine engine) {
    return entries.stream()
        .filter(each -> each.engine() == engine)
        .map(Entry::name)
        .findFirst()
        .orElse("");
  }

  /** An engine is there: threads that lie still without one go on. */
  void add(Entry fresh) {
    synchronized (this) {
      List<Entry> all = new ArrayList<>(entries);
      all.addFirst(fresh);
      all.sort(BEST_FIRST);
      entries = List.copyOf(all);
    }
    for (ThreadObject thread : core.allThreads()) {
      if (thread.engine() == null) {
        move(thread, fresh.engine());
      }
    }
    leaveIfGone(fresh.engine());
  }

  /** It went while harts were on their way to it: who took it away did not find those. */
  private void leaveIfGone(Engine engine) {
    if (entries.stream().noneMatch(each -> each.engine() == engine)) {
      leave(engine, entry(""));
    }
  }

  /** An engine goes: its harts go on in one of the same name, else in any other, else lie still. */
  void remove(Engine gone) {
    Entry was;
    synchronized (this) {
      was = entries.stream().filter(each -> each.engine() == gone).findFirst().orElse(null);
      entries = entries.stream().filter(each -> each.engine() != gone).toList();
    }
    if (was == null) {
      return;
    }
    Entry next = entry(was.name());
    if (next == null) {
      next = entry("");
    }
    int moved = leave(gone, next);
    core.trace(
        "engine "
            + was.exactName()
            + " is gone, "
            + moved
            + (next == null ? " threads lie still" : " threads go on in " + next.exactName()));
  }

  private int leave(Engine gone, @Nullable Entry next) {
    int moved = 0;
    for (ThreadObject thread : core.allThreads()) {
      if (thread.goesTo(gone) && move(thread, next == null ? null : next.engine())) {
        moved++;
      }
    }
    return moved;
  }

  private boolean move(ThreadObject thread, @Nullable Engine to) {
    try {
      thread.moveTo(to, core.patiently(restNanos));
      return true;
    } catch (CallFailed e) {
      core.trace(Gate.describe(e));
      return false;
    }
  }

  /** Moves all harts; those that went already go back when one cannot, and that one stays. */
  int moveThreads(String engine) {
    Engine to = find(engine);
    List<ThreadObject> moved = new ArrayList<>();
    List<@Nullable Engine> from = new ArrayList<>();
    for (ThreadObject thread : core.allThreads()) {
      Engine before = thread.engine();
      if (before == to) {
        continue;
      }
      try {
        thread.moveTo(to, core.patiently(restNanos));
        moved.add(thread);
        from.add(before);
      } catch (CallFailed e) {
        thread.stay();
        if (thread.engine() == to) {
          moved.add(thread); // it came to rest just now
          from.add(before);
        }
        for (int i = 0; i < moved.size(); i++) {
          move(moved.get(i), from.get(i));
        }
        throw e;
      }
    }
    leaveIfGone(to);
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
