package duality.kernel.core;

import duality.kernel.Instance;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

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

  private static final ExecutorService TELLERS =
      Executors.newCachedThreadPool(work -> new HostThread("hurry", work));

  private final Set<Gate> gates;
  private final CallSlot own;
  private long nextNanos = System.nanoTime() + FIRST_NANOS;

  /** For a drain of {@code gates} by the thread of {@code own}. */
  Hurry(Collection<Gate> gates, CallSlot own) {
    this.gates = Set.copyOf(gates);
    this.own = own;
  }

  /** The drain still waits. */
  void tell() {
    long now = System.nanoTime();
    if (now - nextNanos < 0) {
      return;
    }
    nextNanos = now + AGAIN_NANOS;
    for (CallSlot slot : CallSlot.ALL) {
      Gate innermost = slot == own || !slot.insideAnyOf(gates) ? null : slot.innermostSeen();
      if (innermost != null) {
        tell(innermost);
      }
    }
  }

  private void tell(Gate gate) {
    EndpointObject endpoint = gate.core().endpointMap().get(gate.path);
    var serving = endpoint == null || endpoint.gate != gate ? null : endpoint.serving();
    if (serving == null || !serving.hurrying.compareAndSet(false, true)) {
      return;
    }
    try {
      TELLERS.execute(
          () -> {
            try {
              serving.instance.hurry();
            } catch (RuntimeException | Error e) {
              gate.core().trace(gate.path + ": failed in hurry: " + Gate.describe(e));
            } finally {
              serving.hurrying.set(false);
            }
          });
    } catch (RuntimeException | Error e) {
      serving.hurrying.set(false);
      throw e;
    }
  }
}
