package duality.scheduler.fair;

import duality.kernel.Instance;
import duality.kernel.Scheduler;
import duality.kernel.State;
import duality.servers.policy.ThreadOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Weighted virtual time: processor time is shared in proportion to the weights of those who want
 * it.
 */
final class Fair implements Scheduler, Instance {
  /*
   * Start-time fair queueing (Goyal, Guo, Vin: "A Hierarchical CPU Scheduler for Multimedia Operating
   * Systems", OSDI 1996). Every thread has a tag, the virtual time at which its next slice starts:
   *
   *     picked:  the thread with the smallest tag; the queue's virtual time becomes that tag
   *     ran:     tag = tag + nanos * 100 / weight
   *     woken:   tag = max(tag, virtual time): who slept has no credit, and who overran stays in debt
   *
   * Of two threads that want the processor all the time, f and m, the service differs by at most one
   * slice of each, whenever one looks:  |W_f/w_f - W_m/w_m| <= slice/w_f + slice/w_m.  Stride scheduling
   * (Waldspurger and Weihl 1995) is the same with slices of equal length, and CFS of Linux is this with
   * the smallest tag of all instead of the one in service.
   *
   * Different from the paper: one level instead of a tree; when nobody wants to run, virtual time stays
   * where it is; and several processors take from one queue. A thread whose weight asks for more than one
   * processor gets that one and no more, and falls behind virtual time meanwhile: it keeps CREDIT_SLICES
   * of that, so that it cannot starve the others later (SFS, Chandra et al., OSDI 2000, would lower its
   * weight instead).
   *
   * Invariants, under the lock of this object:
   *   1. an entry is in `queue` exactly when its place is QUEUED, and its tag does not change there;
   *   2. virtual time never goes back, and no tag in the queue is more than the credit behind it;
   *   3. a processor has at most one entry that runs on it.
   */
  private static final int NORMAL_WEIGHT = 100;

  private static final int CREDIT_SLICES = 10;

  private static final class Entry {
    final int thread;
    int weight;
    int place = ThreadOrder.ASLEEP;

    /** Virtual time at which its next slice starts. */
    long tag;

    /** Order among equal tags: first come, first served. */
    long arrival;

    /**
     * While it runs: {@link #ready} or {@link #gone} came, and counts more than what ran() says.
     */
    boolean woken;

    boolean gone;

    Entry(int thread, int weight, long tag) {
      this.thread = thread;
      this.weight = weight;
      this.tag = tag;
    }
  }

  private final long sliceNanos;
  private final Map<Integer, Entry> entries = new HashMap<>();
  private final PriorityQueue<Entry> queue =
      new PriorityQueue<>(
          Comparator.<Entry>comparingLong(e -> e.tag).thenComparingLong(e -> e.arrival));
  private long virtualTime;
  private long arrivals;

  Fair(long sliceNanos, @Nullable State saved) {
    this.sliceNanos = sliceNanos;
    if (saved != null) {
      for (ThreadOrder.Known known : ThreadOrder.from(saved).threads()) {
        Entry entry = new Entry(known.thread(), known.weight(), known.leadNanos());
        entries.put(entry.thread, entry);
        entry.place = known.place();
        if (entry.place == ThreadOrder.QUEUED) {
          enqueue(entry);
        }
      }
    }
  }

  @Override
  public synchronized int ready(int thread, int weight) {
    Entry entry = entries.computeIfAbsent(thread, t -> new Entry(t, weight, virtualTime));
    entry.weight = weight;
    if (entry.place >= 0) {
      // It was woken before its processor could tell that it went to sleep.
      entry.woken = true;
      entry.gone = false;
      return NO_PROCESSOR;
    }
    if (entry.place == ThreadOrder.ASLEEP) {
      enqueueWoken(entry);
      return whoMakesRoomFor(entry);
    }
    return NO_PROCESSOR;
  }

  @Override
  public synchronized void gone(int thread) {
    Entry entry = entries.get(thread);
    if (entry == null) {
      return;
    }
    if (entry.place >= 0) {
      entry.gone = true;
      entry.woken = false;
    } else {
      queue.remove(entry);
      entries.remove(thread);
    }
  }

  @Override
  public synchronized long pick(int processor) {
    comeBackUnseen(processor);
    Entry next = queue.poll();
    if (next == null) {
      return NOBODY;
    }
    virtualTime = Math.max(virtualTime, next.tag);
    next.place = processor;
    next.woken = false;
    next.gone = false;
    return Scheduler.choice(next.thread, sliceNanos);
  }

  @Override
  public synchronized void ran(int processor, int thread, long nanos, boolean ready) {
    // Unknown when a predecessor picked it, or the kernel while this endpoint was vacant.
    Entry entry = entries.computeIfAbsent(thread, t -> new Entry(t, NORMAL_WEIGHT, virtualTime));
    if (entry.place == ThreadOrder.QUEUED) {
      return; // Told twice: it waits already.
    }
    entry.tag += Math.max(0, nanos) * NORMAL_WEIGHT / entry.weight;
    entry.place = ThreadOrder.ASLEEP;
    if (ready && !entry.gone) {
      entry.tag = Math.max(entry.tag, virtualTime - CREDIT_SLICES * sliceNanos);
      enqueue(entry);
    } else if (entry.woken) {
      enqueueWoken(entry);
    } else if (entry.gone) {
      entries.remove(thread);
    }
  }

  /** A processor that asks for a thread has none: what we believe to run there came back unseen. */
  private void comeBackUnseen(int processor) {
    Entry lost = runsOn(processor);
    if (lost != null) {
      ran(processor, lost.thread, 0, false);
    }
  }

  /**
   * The processor whose thread should end its slice last, if that is later than the end of this
   * one's (the earliest virtual deadline of EEVDF): so a heavy thread need not wait for a light
   * one.
   */
  private int whoMakesRoomFor(Entry woken) {
    long latest = deadline(woken);
    int processor = NO_PROCESSOR;
    for (Entry entry : entries.values()) {
      if (entry.place >= 0 && deadline(entry) > latest) {
        latest = deadline(entry);
        processor = entry.place;
      }
    }
    return processor;
  }

  private long deadline(Entry entry) {
    return entry.tag + sliceNanos * NORMAL_WEIGHT / entry.weight;
  }

  private @Nullable Entry runsOn(int processor) {
    for (Entry entry : entries.values()) {
      if (entry.place == processor) {
        return entry;
      }
    }
    return null;
  }

  private void enqueueWoken(Entry entry) {
    entry.tag = Math.max(entry.tag, virtualTime);
    enqueue(entry);
  }

  private void enqueue(Entry entry) {
    entry.arrival = arrivals++;
    entry.place = ThreadOrder.QUEUED;
    queue.add(entry);
  }

  @Override
  public synchronized State save() {
    List<Entry> waiting = new ArrayList<>(queue);
    waiting.sort(queue.comparator());
    List<ThreadOrder.Known> known = new ArrayList<>();
    for (Entry entry : waiting) {
      known.add(known(entry));
    }
    for (Entry entry : entries.values()) {
      if (entry.place != ThreadOrder.QUEUED && !entry.gone) {
        known.add(known(entry));
      }
    }
    return new ThreadOrder(known).toState();
  }

  private ThreadOrder.Known known(Entry entry) {
    return new ThreadOrder.Known(
        entry.thread, entry.weight, entry.place, Math.max(0, entry.tag - virtualTime));
  }
}
