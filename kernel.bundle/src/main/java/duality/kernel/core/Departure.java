package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.State;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints whose server is going and cannot be asked to stay: gates closed together, drained, the
 * states saved.
 *
 * <p>Different from a swap, there is no way back. A call that is still inside after the drain, or
 * that is made by the very thread that stops the bundle, is given up before the state is saved:
 * when it returns its caller hears that its effect is in doubt, because the state may or may not
 * hold it. Nothing is lost in silence.
 *
 * <p>Usable by two threads: who stops the bundle, and who ends this when the bundle hangs in its
 * stop. An endpoint is left by the one that claims it.
 */
final class Departure {
  private static final long OTHER_SWAP_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Core core;

  // Guarded by this:
  private final Set<EndpointObject> held = new HashSet<>();
  private final Set<EndpointObject> unclaimed = new HashSet<>();
  private final Map<EndpointObject, State> saved = new HashMap<>();

  private Departure(Core core) {
    this.core = core;
  }

  static Departure begin(Core core, List<EndpointObject> set, long drainNanos, String why) {
    Departure departure = new Departure(core);
    try {
      departure.rest(set, drainNanos, why);
    } catch (RuntimeException | Error e) {
      departure.close(); // nobody else knows that these gates are held
      throw e;
    }
    return departure;
  }

  private void rest(List<EndpointObject> set, long drainNanos, String why) {
    Set<Gate> together = gates(set);
    // From the top down, so that who is inside a higher one can still get through the lower ones.
    List<EndpointObject> order = new ArrayList<>(set);
    order.sort(Comparator.comparingInt(EndpointObject::rank).reversed());
    for (EndpointObject each : order) {
      try {
        each.gate.holdAfterOthers(together, OTHER_SWAP_NANOS);
        taken(each);
      } catch (CallFailed e) {
        core.trace(why + ": " + each.path() + " is not held: " + e.getMessage());
      }
    }
    order.removeIf(each -> !has(each));
    Set<Gate> gates = gates(order);
    boolean drained = Core.drain(gates, drainNanos);
    boolean asker = CallSlot.current().isInsideAny(gates);
    // First: who is given up is let through to the others of the set no more.
    gates.forEach(Gate::atRest);
    int doubtful = drained && !asker ? 0 : giveUp(gates);
    if (doubtful > 0) {
      core.trace(why + ": " + doubtful + " calls inside were given up, their effect is in doubt");
    }
    for (EndpointObject each : order) {
      try {
        // Who stops a bundle from inside of it may hold its locks: no other thread can save then.
        saved(each, asker ? each.saveHere() : each.save());
      } catch (CallFailed e) {
        State checkpoint = each.checkpoint();
        if (checkpoint != null) {
          saved(each, checkpoint);
        }
        core.trace(
            why
                + ": "
                + each.path()
                + (checkpoint == null ? " has no state: " : " has its checkpoint only: ")
                + e.getMessage());
      }
    }
    core.trace(why + ": " + order.size() + " endpoints came to rest");
  }

  private static Set<Gate> gates(List<EndpointObject> endpoints) {
    return endpoints.stream().map(each -> each.gate).collect(Collectors.toUnmodifiableSet());
  }

  /** Gives up every call inside; its late return finds that out. Says how many. */
  private static int giveUp(Set<Gate> gates) {
    int count = 0;
    for (CallSlot slot : CallSlot.ALL) {
      for (int level = 1; level <= CallSlot.DEPTH; level++) {
        CallSlot.Visit visit = slot.visit(level);
        Gate gate = Gate.marked(visit.mark());
        if (gate != null && gates.contains(gate) && !slot.isAbandoned(level)) {
          slot.abandon(level, visit);
          count++;
        }
      }
    }
    // What was returned without seeing this was done before, and is seen by who saves.
    CallGuard.everywhere();
    return count;
  }

  private synchronized void taken(EndpointObject endpoint) {
    held.add(endpoint);
    unclaimed.add(endpoint);
  }

  private synchronized void saved(EndpointObject endpoint, State state) {
    saved.put(endpoint, state);
  }

  /** Whether it has brought that endpoint to rest, and nobody has claimed it yet. */
  synchronized boolean has(EndpointObject endpoint) {
    return unclaimed.contains(endpoint);
  }

  /** Those of these endpoints that are at rest here, for the caller and nobody else to leave. */
  synchronized List<EndpointObject> claim(List<EndpointObject> endpoints) {
    List<EndpointObject> claimed = endpoints.stream().filter(unclaimed::remove).toList();
    notifyAll();
    return claimed;
  }

  /** The server of this endpoint is gone now; its state stays with the endpoint. */
  void leave(EndpointObject endpoint, String reason) {
    @Nullable State state;
    synchronized (this) {
      state = saved.remove(endpoint);
    }
    endpoint.leave(reason, state);
  }

  /** Opens the gate of one endpoint, or leaves it vacant when nobody is bound. */
  synchronized void release(EndpointObject endpoint) {
    if (held.remove(endpoint)) {
      endpoint.gate.release();
    }
  }

  /** Opens the gates of all that are still held and that nobody else has claimed. */
  synchronized void close() {
    claim(List.copyOf(unclaimed)).forEach(this::release);
  }

  /** Waits until nothing is left to claim, for so long at most; answers what is. */
  synchronized List<EndpointObject> awaitClaims(long nanos) {
    long deadline = System.nanoTime() + nanos;
    try {
      for (long left = nanos; !unclaimed.isEmpty() && left > 0; ) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
        left = deadline - System.nanoTime();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return List.copyOf(unclaimed);
  }
}
