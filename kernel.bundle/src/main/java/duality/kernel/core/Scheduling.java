package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Scheduler;
import java.util.Collection;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
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

  Scheduling(Core core) {
    this.core = core;
  }

  /** A scheduler was bound to the endpoint: it is asked from now on. */
  void bound(Scheduler stub, Collection<ThreadObject> threads) {
    scheduler = stub;
    for (ThreadObject thread : threads) {
      if (thread.doing() == ThreadObject.Doing.READY) {
        ready(thread);
      }
    }
  }

  private void fallBack(CallFailed why) {
    if (scheduler != null) {
      scheduler = null;
      core.trace("scheduler lost, first-in first-out instead: " + why.getMessage());
      core.fallbacks.increment();
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
    if (!lastResort.contains(thread)) {
      lastResort.add(thread);
    }
    return Scheduler.NO_PROCESSOR;
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
    ThreadObject first = lastResort.poll();
    if (first != null) {
      return Scheduler.choice(first.id, LAST_RESORT_SLICE_NANOS);
    }
    Scheduler asked = scheduler;
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

  /** The scheduler picked what is not a thread: it is broken. */
  void pickedNonsense(int id) {
    core.schedulerFailed("it picked thread " + id + ", which does not exist");
    fallBack(new CallFailed.ServerFailed("it picked thread " + id + ", which does not exist"));
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
    if (ready && !lastResort.contains(thread)) {
      lastResort.add(thread);
    }
  }
}
