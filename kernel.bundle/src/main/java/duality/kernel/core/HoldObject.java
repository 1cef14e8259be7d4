package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A set of endpoints at rest: gates closed together, everybody inside has left. */
final class HoldObject implements Kernel.Hold {
  /** How long the end of another hold is waited for. */
  private static final long TURN_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private static final long LOOK_NANOS = 100_000;

  private final Set<Gate> gates;
  private final long since;
  private final long drained;

  /** Guarded by this. */
  private final List<Runnable> afterwards = new ArrayList<>();

  private boolean released;
  private long releasedAt;

  private HoldObject(Set<Gate> gates, long since, long drained) {
    this.gates = gates;
    this.since = since;
    this.drained = drained;
  }

  static HoldObject hold(Core core, List<Endpoint> set, long drainNanos) {
    Set<Gate> gates = new HashSet<>();
    for (Endpoint each : set) {
      if (!(each instanceof EndpointObject endpoint) || endpoint.core != core) {
        throw new CallFailed.BadRequest(each + " is no endpoint of this kernel");
      }
      gates.add(endpoint.gate);
    }
    HandOver here = HandOver.current();
    if (CallSlot.current().isInsideAny(gates) || (here != null && here.askedFromInside(gates))) {
      throw new CallFailed.BadRequest(
          "a swap asked from inside an endpoint of the set would wait for itself");
    }
    // From the top down, so that who is inside a higher one can still get through the lower ones.
    List<Gate> order = new ArrayList<>(gates);
    order.sort((a, b) -> Integer.compare(b.rank, a.rank));
    Hurry.Teller teller = Hurry.teller(gates);
    long since = closeAll(order, gates, core.patiently(Math.min(drainNanos, TURN_NANOS)));
    teller.go();
    long inside;
    boolean drained;
    try {
      // Without a barrier: who went in just now may be missed here, and is not by the drain.
      inside = gates.stream().mapToLong(Gate::inside).sum();
      drained = Core.drain(gates, core.patiently(drainNanos));
    } catch (RuntimeException | Error e) {
      release(order);
      throw e;
    }
    if (!drained) {
      StringBuilder who = new StringBuilder();
      for (CallSlot slot : CallSlot.ALL) {
        if (slot.insideAnyOf(gates)) {
          who.append(who.isEmpty() ? "" : ", ").append(slot.host.getName());
        }
      }
      release(order);
      throw new CallFailed.TimedOut(
          "after "
              + TimeUnit.NANOSECONDS.toMillis(core.patiently(drainNanos))
              + " ms still inside: "
              + who);
    }
    gates.forEach(Gate::atRest);
    HoldObject hold = new HoldObject(gates, since, inside);
    if (here != null) {
      try {
        here.owns(hold);
      } catch (CallFailed e) {
        hold.close();
        throw e;
      }
    }
    return hold;
  }

  /**
   * Closes all gates or none; answers when it began to. Another hold of one of them, such as that
   * of a checkpoint, is waited for, with none of them closed.
   */
  private static long closeAll(List<Gate> order, Set<Gate> together, long patienceNanos) {
    long asked = System.nanoTime();
    while (true) {
      long since = System.nanoTime();
      List<Gate> closed = new ArrayList<>();
      try {
        for (Gate gate : order) {
          gate.hold(together);
          closed.add(gate);
        }
        return since;
      } catch (CallFailed e) {
        release(closed);
        if (!(e instanceof CallFailed.BadRequest) || System.nanoTime() - asked > patienceNanos) {
          throw e;
        }
        LockSupport.parkNanos(LOOK_NANOS);
      }
    }
  }

  private static void release(Collection<Gate> gates) {
    gates.forEach(Gate::release);
    lookForArrivals(gates);
  }

  /** A server that came while these were held found nothing to do. */
  private static void lookForArrivals(Collection<Gate> gates) {
    for (Gate gate : gates) {
      EndpointObject endpoint = gate.core().endpointMap().get(gate.path);
      if (endpoint != null && endpoint.gate == gate) {
        gate.core().serverTable().tryArrivals(endpoint);
      }
    }
  }

  boolean holds(Gate gate) {
    return gates.contains(gate);
  }

  synchronized boolean isHeld() {
    return !released;
  }

  /** What is to be done when the gates are open again; says no when they are already. */
  synchronized boolean afterRelease(Runnable what) {
    return !released && afterwards.add(what);
  }

  @Override
  public long drained() {
    return drained;
  }

  @Override
  public long sinceNanos() {
    return since;
  }

  @Override
  public synchronized long pauseNanos() {
    return (released ? releasedAt : System.nanoTime()) - since;
  }

  @Override
  public void close() {
    List<Runnable> after;
    synchronized (this) {
      if (released) {
        return;
      }
      released = true;
      gates.forEach(Gate::release);
      releasedAt = System.nanoTime();
      after = List.copyOf(afterwards);
    }
    lookForArrivals(gates);
    after.forEach(Runnable::run);
  }
}
