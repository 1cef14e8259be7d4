package duality.supervisor;

import duality.kernel.Kernel;
import duality.kernel.State;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What the repairs of one endpoint have in common: the first state that was saved, the hold that
 * they have now, and when they got on last.
 *
 * <p><em>Concurrency:</em> the state is the repairing thread's own; the rest may be looked at.
 */
final class Course {
  /** No step takes so long: to open a server is cut off after two seconds. */
  private static final long STUCK_NANOS = TimeUnit.SECONDS.toNanos(3);

  /** What the first instance of a series of failures saved; the later ones may have begun empty. */
  private @Nullable State first;

  private volatile Kernel.@Nullable Hold hold;
  private volatile long movedNanos;
  private volatile boolean elsewhere;

  /** When the last look found that it had got on; used by who looks. */
  private volatile long seenNanos;

  @Nullable State first() {
    return first;
  }

  void first(State state) {
    first = state;
  }

  void forget() {
    first = null;
  }

  /** The repair gets on. */
  void moved() {
    elsewhere = false;
    movedNanos = System.nanoTime();
  }

  /** The repair waits for another server, with the limits of that one's protocol. */
  void waitsElsewhere() {
    elsewhere = true;
  }

  void holds(Kernel.@Nullable Hold taken) {
    hold = taken;
  }

  /** Whether a repair under way does not get on, at two looks. */
  boolean isStuck() {
    long moved = movedNanos;
    boolean still = !elsewhere && seenNanos == moved && System.nanoTime() - moved > STUCK_NANOS;
    seenNanos = moved;
    return still;
  }

  /** Gives the endpoint free, whatever hangs in its repair. */
  void release() {
    Kernel.Hold taken = hold;
    if (taken != null) {
      taken.close();
    }
  }
}
