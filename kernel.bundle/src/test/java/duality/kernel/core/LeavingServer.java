package duality.kernel.core;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Scheduler;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;

/** A scheduler that leaves an object of its own class in a thread-local of whoever asks it. */
public final class LeavingServer implements Server {
  private static final ThreadLocal<Picker> LEFT = new ThreadLocal<>();

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new Picker();
  }

  /** At work: picks nobody. */
  public static final class Picker implements Scheduler, Instance {
    @Override
    public int ready(int thread, int weight) {
      return NO_PROCESSOR;
    }

    @Override
    public void gone(int thread) {}

    @Override
    public long pick(int processor) {
      LEFT.set(this);
      return NOBODY;
    }

    @Override
    public void ran(int processor, int thread, long nanos, boolean ready) {}

    @Override
    public State save() {
      return State.of("scheduler", 1);
    }
  }
}
