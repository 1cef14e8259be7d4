package duality.kernel.core;

import duality.kernel.Instance;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Tells servers in which a drain waits for somebody that calls which only wait for something are to
 * return now: {@link Instance#hurry}.
 *
 * <p>Told is the server of the innermost call, because those around it wait for that. On threads
 * apart, so that a server that hangs holds up nobody; again every millisecond, because a call that
 * was about to wait when it was told has not heard it.
 */
final class Hurry {
  /** Most calls end by themselves sooner than a thread wakes up. */
  private static final long FIRST_NANOS = TimeUnit.MICROSECONDS.toNanos(20);

  private static final long AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private static final long LOOK_NANOS = TimeUnit.MICROSECONDS.toNanos(5);

  /** Idle ones end soon, so that nothing is left of a system that has stopped. */
  private static final Executor TELLERS =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          1,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          work -> new HostThread("hurry", work));

  private final Set<Gate> gates;
  private final CallSlot own;
  private long nextNanos = System.nanoTime() + FIRST_NANOS;

  /** For a drain of {@code gates} by the thread of {@code own}. */
  Hurry(Collection<Gate> gates, CallSlot own) {
    this.gates = Set.copyOf(gates);
    this.own = own;
  }

  /**
   * A thread that is awake when gates close, and tells at once what waits inside. To wake one up
   * takes as long as the host lets it wait, and callers would wait for that.
   */
  static final class Teller {
    private static final long AWAKE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final Set<Gate> waiting;
    private volatile boolean awake;
    private volatile boolean closed;

    private Teller(Set<Gate> waiting) {
      this.waiting = waiting;
    }

    private void run() {
      awake = true;
      long until = System.nanoTime() + AWAKE_NANOS;
      while (!closed && System.nanoTime() - until < 0) {
        Thread.onSpinWait();
      }
      if (closed) {
        waiting.forEach(Hurry::hurry);
      } // else it took too long: the drain tells by itself
    }

    /** The gates are closed. */
    void go() {
      closed = true;
    }
  }

  /** Before these gates close: a teller for what waits inside of them, if anything does. */
  static Teller teller(Set<Gate> gates) {
    Set<Gate> waiting = inside(gates, CallSlot.current(), true);
    Teller teller = new Teller(waiting);
    if (!waiting.isEmpty()) {
      TELLERS.execute(teller::run);
      long until = System.nanoTime() + Teller.AWAKE_NANOS;
      while (!teller.awake && System.nanoTime() - until < 0) {
        LockSupport.parkNanos(LOOK_NANOS);
      }
    }
    return teller;
  }

  /** The drain still waits. */
  void tell() {
    long now = System.nanoTime();
    if (now - nextNanos < 0) {
      return;
    }
    nextNanos = now + AGAIN_NANOS;
    inside(gates, own, false).forEach(each -> TELLERS.execute(() -> hurry(each)));
  }

  /** Gates of the innermost calls of all threads but one that are inside of {@code gates}. */
  private static Set<Gate> inside(Set<Gate> gates, CallSlot own, boolean waiting) {
    Set<Gate> found = new HashSet<>();
    for (CallSlot slot : CallSlot.ALL) {
      Gate innermost = slot == own || !slot.insideAnyOf(gates) ? null : slot.innermostSeen();
      if (innermost != null && (!waiting || slot.host.getState() == Thread.State.TIMED_WAITING)) {
        found.add(innermost);
      }
    }
    return found;
  }

  private static void hurry(Gate gate) {
    EndpointObject endpoint = gate.core().endpointMap().get(gate.path);
    var serving = endpoint == null || endpoint.gate != gate ? null : endpoint.serving();
    if (serving == null || !serving.hurrying.compareAndSet(false, true)) {
      return;
    }
    try {
      serving.instance.hurry();
    } catch (RuntimeException | Error e) {
      gate.core().trace(gate.path + ": failed in hurry: " + Gate.describe(e));
    } finally {
      serving.hurrying.set(false);
    }
  }
}
