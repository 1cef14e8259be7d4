package duality.it;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Scheduler;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Hashtable;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/**
 * A first-in first-out scheduler that leaves a thread-local of its own class on every thread that
 * calls it: that keeps its class loader for as long as those threads live. A bundle of its own, and
 * no component.
 */
public final class LeavingScheduler implements BundleActivator, Server {
  private static final ThreadLocal<Mark> LEFT = ThreadLocal.withInitial(Mark::new);

  /** What it leaves. */
  public static final class Mark {
    long picks;
  }

  @Override
  public void start(BundleContext context) {
    context.registerService(
        Server.class,
        this,
        new Hashtable<>(
            Map.of(Server.NAME, "leaving", Server.PROTOCOL, "duality.kernel.Scheduler")));
  }

  @Override
  public void stop(BundleContext context) {
    // Its service goes by itself; and no thread-local on this thread, which is not the kernel's.
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new Fifo();
  }

  /** At work. */
  public static final class Fifo implements Scheduler, Instance {
    private final Deque<Integer> ready = new ArrayDeque<>();

    @Override
    public synchronized int ready(int thread, int weight) {
      if (!ready.contains(thread)) {
        ready.add(thread);
      }
      return NO_PROCESSOR;
    }

    @Override
    public synchronized void gone(int thread) {
      ready.remove(thread);
    }

    @Override
    public synchronized long pick(int processor) {
      LEFT.get().picks++;
      Integer first = ready.poll();
      return first == null ? NOBODY : Scheduler.choice(first, 2_000_000);
    }

    @Override
    public synchronized void ran(int processor, int thread, long nanos, boolean again) {
      if (again) {
        ready(thread, 0);
      }
    }

    @Override
    public State save() {
      long[] none = {}; // the kernel tells the next one who can run
      return State.of("scheduler", 1)
          .with("threads", none)
          .with("weights", none)
          .with("places", none)
          .with("leads", none);
    }
  }
}
