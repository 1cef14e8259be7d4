package duality.scheduler.roundrobin;

import duality.kernel.Instance;
import duality.kernel.Scheduler;
import duality.kernel.State;
import duality.servers.policy.ThreadOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Round robin: one queue for all processors; who comes back or wakes goes to its end. The scheduler
 * of CTSS's single level and of every textbook (Silberschatz, chapter "CPU Scheduling"): with n
 * threads nobody waits longer than (n - 1) slices. Weights are remembered for a successor and not
 * used.
 */
final class RoundRobin implements Scheduler, Instance {
  /** A thread that waits in the queue, or runs on a processor. */
  private static final class Entry {
    final int thread;
    int weight;

    /** The processor it runs on, or QUEUED. */
    int place = ThreadOrder.QUEUED;

    /**
     * While it runs: {@link #ready} or {@link #gone} came, and counts more than what ran() says.
     */
    boolean woken;

    boolean gone;

    Entry(int thread, int weight) {
      this.thread = thread;
      this.weight = weight;
    }
  }

  /*
   * Invariants, under the lock of this object:
   *   1. an entry is in `queue` exactly when its place is QUEUED: so nobody is queued twice;
   *   2. `entries` has all that are queued or run, and nobody else;
   *   3. a processor has at most one entry that runs on it.
   * One lock is enough: each method holds it for well under a microsecond, and a slice is thousands of
   * those.
   */
  private final long sliceNanos;
  private final ArrayDeque<Entry> queue = new ArrayDeque<>();
  private final Map<Integer, Entry> entries = new HashMap<>();

  RoundRobin(long sliceNanos, @Nullable State saved) {
    this.sliceNanos = sliceNanos;
    if (saved != null) {
      for (ThreadOrder.Known known : ThreadOrder.from(saved).threads()) {
        if (known.place() == ThreadOrder.ASLEEP) {
          continue; // The kernel says ready() when it wakes; there is nothing to remember here.
        }
        Entry entry = new Entry(known.thread(), known.weight());
        entry.place = known.place();
        entries.put(entry.thread, entry);
        if (entry.place == ThreadOrder.QUEUED) {
          queue.add(entry);
        }
      }
    }
  }

  @Override
  public synchronized int ready(int thread, int weight) {
    Entry entry = entries.get(thread);
    if (entry == null) {
      enqueue(new Entry(thread, weight));
    } else {
      entry.weight = weight;
      if (entry.place != ThreadOrder.QUEUED) {
        // It was woken before its processor could tell that it went to sleep.
        entry.woken = true;
        entry.gone = false;
      }
    }
    return NO_PROCESSOR; // The end of the queue is no reason to interrupt anybody.
  }

  @Override
  public synchronized void gone(int thread) {
    Entry entry = entries.get(thread);
    if (entry == null) {
      return;
    }
    if (entry.place == ThreadOrder.QUEUED) {
      queue.remove(entry);
      entries.remove(thread);
    } else {
      entry.gone = true;
      entry.woken = false;
    }
  }

  @Override
  public synchronized long pick(int processor) {
    comeBackUnseen(processor);
    Entry next = queue.poll();
    if (next == null) {
      return NOBODY;
    }
    next.place = processor;
    next.woken = false;
    next.gone = false;
    return Scheduler.choice(next.thread, sliceNanos);
  }

  @Override
  public synchronized void ran(int processor, int thread, long nanos, boolean ready) {
    Entry entry = entries.remove(thread);
    if (entry == null) {
      // Picked by a predecessor, or by the kernel while this endpoint was vacant.
      entry = new Entry(thread, 100);
    } else if (entry.place == ThreadOrder.QUEUED) {
      entries.put(thread, entry); // Told twice: it waits already.
      return;
    }
    if (entry.woken || (ready && !entry.gone)) {
      enqueue(entry);
    }
  }

  /** A processor that asks for a thread has none: what we believe to run there came back unseen. */
  private void comeBackUnseen(int processor) {
    for (Entry entry : entries.values()) {
      if (entry.place == processor) {
        ran(processor, entry.thread, 0, false);
        return;
      }
    }
  }

  private void enqueue(Entry entry) {
    entry.place = ThreadOrder.QUEUED;
    entries.put(entry.thread, entry);
    queue.add(entry);
  }

  @Override
  public synchronized State save() {
    List<ThreadOrder.Known> known = new ArrayList<>();
    for (Entry entry : queue) {
      known.add(new ThreadOrder.Known(entry.thread, entry.weight, ThreadOrder.QUEUED, 0));
    }
    for (Entry entry : entries.values()) {
      if (entry.place != ThreadOrder.QUEUED && !entry.gone) {
        known.add(new ThreadOrder.Known(entry.thread, entry.weight, entry.place, 0));
      }
    }
    return new ThreadOrder(known).toState();
  }
}
