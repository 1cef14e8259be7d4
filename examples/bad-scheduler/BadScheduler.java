package bad.scheduler;

import duality.kernel.*;
import duality.servers.policy.ThreadOrder;
import java.util.*;
import java.util.concurrent.locks.LockSupport;
import org.osgi.service.component.annotations.Component;

/** A scheduler that is right for its first picks, and then wrong: each server in its own way. */
abstract class BadScheduler implements Server {
  private static final String PROTOCOL = "duality.protocol=duality.kernel.Scheduler";
  private static final int GOOD_PICKS = 50;

  /** What it does instead of a pick, when its good time is over. */
  abstract long wrong(Queue<Integer> waiting);

  /** Throws. */
  @Component(
      service = Server.class,
      property = {"duality.server=bad.throws", PROTOCOL})
  public static final class Throws extends BadScheduler {
    @Override
    long wrong(Queue<Integer> waiting) {
      throw new IllegalStateException("this scheduler does not feel well");
    }
  }

  /** Picks a thread that does not exist. */
  @Component(
      service = Server.class,
      property = {"duality.server=bad.nonsense", PROTOCOL})
  public static final class Nonsense extends BadScheduler {
    @Override
    long wrong(Queue<Integer> waiting) {
      return Scheduler.choice(4_711, 1_000_000);
    }
  }

  /** Never picks anybody. */
  @Component(
      service = Server.class,
      property = {"duality.server=bad.nobody", PROTOCOL})
  public static final class Nobody extends BadScheduler {
    @Override
    long wrong(Queue<Integer> waiting) {
      return Scheduler.NOBODY;
    }
  }

  /** Sleeps for a minute. */
  @Component(
      service = Server.class,
      property = {"duality.server=bad.sleeps", PROTOCOL})
  public static final class Sleeps extends BadScheduler {
    @Override
    long wrong(Queue<Integer> waiting) {
      long end = System.nanoTime() + 60_000_000_000L;
      while (System.nanoTime() - end < 0) {
        LockSupport.parkNanos(end - System.nanoTime());
      }
      return Scheduler.NOBODY;
    }
  }

  /** Gives the processor to the first thread of all, for ever. */
  @Component(
      service = Server.class,
      property = {"duality.server=bad.starves", PROTOCOL})
  public static final class Starves extends BadScheduler {
    @Override
    long wrong(Queue<Integer> waiting) {
      Integer favourite = waiting.stream().min(Comparator.naturalOrder()).orElse(null);
      if (favourite == null) {
        return Scheduler.NOBODY;
      }
      waiting.remove(favourite);
      return Scheduler.choice(favourite, 4_000_000);
    }
  }

  @Override
  public Instance open(Context context, State saved) {
    return new FirstComeFirstServed();
  }

  /** What it is while it is right. */
  private final class FirstComeFirstServed implements Scheduler, Instance {
    private final Queue<Integer> waiting = new ArrayDeque<>();
    private int picks;

    @Override
    public synchronized int ready(int thread, int weight) {
      if (!waiting.contains(thread)) {
        waiting.add(thread);
      }
      return NO_PROCESSOR;
    }

    @Override
    public synchronized void gone(int thread) {
      waiting.remove(thread);
    }

    @Override
    public synchronized long pick(int processor) {
      if (++picks > GOOD_PICKS) {
        return wrong(waiting);
      }
      Integer next = waiting.poll();
      return next == null ? NOBODY : Scheduler.choice(next, 4_000_000);
    }

    @Override
    public void ran(int processor, int thread, long nanos, boolean ready) {
      if (ready) {
        ready(thread, 100);
      }
    }

    @Override
    public State save() {
      return new ThreadOrder(List.of()).toState();
    }
  }
}
