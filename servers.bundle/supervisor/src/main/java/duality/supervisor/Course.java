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

  /** On a host that stops, looks are late too: so these are counted as well. */
  private static final int LEAST_LOOKS = 5;

  /** What the first instance of a series of failures saved; the later ones may have begun empty. */
  private @Nullable State first;

  private volatile Kernel.@Nullable Hold hold;
  private volatile long movedNanos;
  private volatile boolean elsewhere;

  /** Looks in a row at which it had not got on since then; used by who looks. */
  private volatile int looks;

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

  /** Whether a repair under way does not get on, at several looks in a row. */
  boolean isStuck() {
    long moved = movedNanos;
    int before = elsewhere || seenNanos != moved ? 0 : looks;
    seenNanos = moved;
    looks = before + 1;
    return before >= LEAST_LOOKS && System.nanoTime() - moved > STUCK_NANOS;
  }

  /** Gives the endpoint free, whatever hangs in its repair. */
  void release() {
    Kernel.Hold taken = hold;
    if (taken != null) {
      taken.close();
    }
  }
}
