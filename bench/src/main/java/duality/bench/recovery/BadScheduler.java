package duality.bench.recovery;

import duality.kernel.Instance;
import duality.kernel.Scheduler;
import duality.kernel.State;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** First in, first out, with one thing wrong from the first pick on. */
final class BadScheduler implements Scheduler, Instance {
  /** What can be wrong. */
  enum Fault {
    NONE,
    PICKS_NOBODY,
    PICKS_WHAT_NEVER_WAS,
    PICKS_WHAT_HAS_ENDED,
    THROWS,
    SLEEPS,
    STARVES_ONE,
    EMPTY_SLICE
  }

  private static final long SLICE_NANOS = 1_000_000;
  private static final long SLEEP_NANOS = 2_000_000_000L;

  private final Fault fault;
  private final int ended;
  private final int victim;
  private final List<Integer> order = new ArrayList<>();

  BadScheduler(Fault fault, int ended, int victim) {
    this.fault = fault;
    this.ended = ended;
    this.victim = victim;
  }

  @Override
  public synchronized int ready(int thread, int weight) {
    if (!order.contains(thread) && !(fault == Fault.STARVES_ONE && thread == victim)) {
      order.add(thread);
    }
    return NO_PROCESSOR;
  }

  @Override
  public synchronized void gone(int thread) {
    order.remove((Integer) thread);
  }

  @Override
  public long pick(int processor) {
    switch (fault) {
      case PICKS_NOBODY -> {
        return NOBODY;
      }
      case PICKS_WHAT_NEVER_WAS -> {
        return Scheduler.choice(999_999, SLICE_NANOS);
      }
      case PICKS_WHAT_HAS_ENDED -> {
        return Scheduler.choice(ended, SLICE_NANOS);
      }
      case THROWS -> throw new IllegalStateException("no idea");
      case SLEEPS -> LockSupport.parkNanos(SLEEP_NANOS);
      default -> {}
    }
    synchronized (this) {
      return order.isEmpty()
          ? NOBODY
          : Scheduler.choice(order.removeFirst(), fault == Fault.EMPTY_SLICE ? 0 : SLICE_NANOS);
    }
  }

  @Override
  public synchronized void ran(int processor, int thread, long nanos, boolean ready) {
    if (ready) {
      ready(thread, 100);
    }
  }

  @Override
  public State save() {
    return State.of("bad", 1);
  }
}
