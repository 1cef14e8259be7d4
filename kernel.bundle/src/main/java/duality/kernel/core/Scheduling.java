package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.FailureReport;
import duality.kernel.Scheduler;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Asks the scheduler, and has a first-in first-out order of its own as a last resort: a guest can
 * lose its policy, never its life.
 *
 * <p>While a scheduler serves, the order of last resort is only drained. Which threads can run is
 * known from their state; each time a scheduler is bound it is told all that are READY.
 */
final class Scheduling {
  static final String PATH = "scheduler";
  static final long LAST_RESORT_SLICE_NANOS = 5_000_000;

  private final Core core;
  private final Queue<ThreadObject> lastResort = new ConcurrentLinkedQueue<>();
  private volatile @Nullable Scheduler scheduler;

  /** The scheduler that did not answer, while the last resort stands in for it. */
  private final AtomicReference<@Nullable Scheduler> lost = new AtomicReference<>();

  /** Whether the scheduler does not know yet which threads can run. */
  private final AtomicBoolean untold = new AtomicBoolean();

  /** Processors that tell it just now. */
  private final AtomicInteger telling = new AtomicInteger();

  Scheduling(Core core) {
    this.core = core;
  }

  /**
   * A scheduler was bound to the endpoint: it is asked from now on. It is told the threads by the
   * next processor that picks, because its gate may still be held by who calls this.
   */
  void bound(Scheduler stub) {
    lost.set(null);
    scheduler = stub;
    untold.set(true);
  }

  /** Who is asked; one that was out of reach for a while, as in a long swap, is asked again. */
  private @Nullable Scheduler asked() {
    if (scheduler == null && lost.get() != null && core.isOpen(PATH)) {
      Scheduler back = lost.getAndSet(null);
      if (back != null) {
        core.trace("scheduler is back");
        scheduler = back;
        untold.set(true);
      }
    }
    return scheduler;
  }

  private void tellThreads() {
    for (ThreadObject thread : core.allThreads()) {
      ThreadObject.Doing doing = thread.doing();
      // Those that run are told too, because of their weight: ran() does not say it.
      if (doing == ThreadObject.Doing.READY || doing == ThreadObject.Doing.RUNNING) {
        ready(thread);
      }
    }
  }

  private void fallBack(CallFailed why) {
    Scheduler gone = scheduler;
    if (gone != null) {
      scheduler = null;
      lost.set(gone);
      core.fellBack(PATH, "scheduler lost, first-in first-out instead: " + why.getMessage());
      core.requeueReady();
    }
  }

  /** Queues a thread; answers the processor that should make room, or -1. */
  int ready(ThreadObject thread) {
    Scheduler asked = scheduler;
    if (asked != null) {
      try {
        return asked.ready(thread.id, thread.weight());
      } catch (CallFailed e) {
        fallBack(e);
      }
    }
    queue(thread);
    return Scheduler.NO_PROCESSOR;
  }

  /** Puts it into the order of last resort. */
  void queue(ThreadObject thread) {
    if (!lastResort.contains(thread)) {
      lastResort.add(thread);
    }
  }

  void gone(ThreadObject thread) {
    lastResort.remove(thread);
    Scheduler asked = scheduler;
    if (asked != null) {
      try {
        asked.gone(thread.id);
      } catch (CallFailed e) {
        fallBack(e);
      }
    }
  }

  long pick(int processor) {
    Scheduler asked = asked();
    if (asked != null && untold.get()) {
      telling.incrementAndGet();
      try {
        if (untold.compareAndSet(true, false)) {
          tellThreads();
        }
      } finally {
        telling.decrementAndGet();
      }
    }
    ThreadObject first = lastResort.poll();
    if (first != null) {
      return Scheduler.choice(first.id, LAST_RESORT_SLICE_NANOS);
    }
    if (asked == null) {
      return Scheduler.NOBODY;
    }
    try {
      return asked.pick(processor);
    } catch (CallFailed e) {
      fallBack(e);
      return Scheduler.NOBODY;
    }
  }

  /**
   * The scheduler that is asked and has been told which threads can run, one for each time that one
   * was bound; null while there is none.
   */
  @Nullable Object informed() {
    return untold.get() || telling.get() > 0 ? null : scheduler;
  }

  /** The scheduler does what no scheduler may: it is dropped. */
  void broken(FailureReport.Kind kind, String reason) {
    core.failed().scheduler(kind, reason);
    fallBack(new CallFailed.ServerFailed(reason));
  }

  void ran(int processor, ThreadObject thread, long nanos, boolean ready) {
    Scheduler asked = scheduler;
    if (asked != null) {
      try {
        asked.ran(processor, thread.id, nanos, ready);
        return;
      } catch (CallFailed e) {
        fallBack(e);
      }
    }
    if (ready) {
      queue(thread);
    }
  }
}
