package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Notification;
import duality.kernel.Work;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * A host thread of a server, outside the processors: takes bits and does the work inside the
 * endpoint's gate, as a call does, so that a swap waits for it. Bits taken while the gate is held
 * are kept; when the instance is replaced meanwhile, its successor's worker starts with all bits
 * anyway.
 */
final class Worker {
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final Core core;
  private final Gate gate;
  private final Notification notification;
  private final long mask;
  private final Work work;
  private final String name;
  private final AtomicBoolean started = new AtomicBoolean();
  private volatile boolean stopped;

  /** Of the host threads, when the present one began; only used by this worker's thread. */
  private int generation;

  /** Whether the first round, with all bits, has been done; only used by this worker's thread. */
  private boolean begun;

  Worker(Core core, Gate gate, String name, Notification notification, long mask, Work work) {
    this.core = core;
    this.gate = gate;
    this.notification = notification;
    this.mask = mask;
    this.work = work;
    this.name = threadName(gate.path, name);
  }

  /** By which others tell whose host thread it is. */
  static String threadName(String path, String name) {
    return "worker " + path + ":" + name;
  }

  void start() {
    if (!stopped && started.compareAndSet(false, true)) {
      core.spares().run(name, this::body);
    }
  }

  /** It does no more work from now on. Does not wait for what it is doing. */
  void stop() {
    stopped = true;
  }

  private void body() {
    generation = core.processors().generation();
    goOn(mask);
  }

  private void goOn(long first) {
    CallSlot slot = CallSlot.current();
    slot.worker = true;
    long bits = first;
    while (!stopped) {
      if (begun && generation != core.processors().generation()) {
        renew(bits);
        return;
      }
      if (bits != 0) {
        if (!round(bits, slot)) {
          return;
        }
        boolean unused = Thread.interrupted(); // what its server left, or it would wait no more
      }
      if (!begun) {
        continue;
      }
      try {
        bits = notification.take(mask, POLL_NANOS);
      } catch (CallFailed.Revoked e) {
        return;
      }
    }
    if (bits != 0) {
      signalBack(bits);
    }
  }

  /**
   * Goes on with a fresh thread: what servers that are no more left in this one's thread-locals
   * ends with it.
   */
  private void renew(long bits) {
    generation = core.processors().generation();
    core.spares().run(name, () -> goOn(bits));
  }

  /**
   * Those of the first round were never set by anybody, so nobody may find them there. The others
   * may be meant for somebody else by now: they go back also when this worker's endpoint has ended
   * and its capability was revoked while it waited.
   */
  private void signalBack(long bits) {
    if (!begun) {
      return;
    }
    if (Core.stub(notification).kernelObject() instanceof NotificationObject word) {
      word.signal(bits);
    }
  }

  /** Does the work once inside the gate; says whether the worker goes on. */
  private boolean round(long bits, CallSlot slot) {
    try {
      gate.enter(slot, 0);
    } catch (CallFailed.Revoked e) {
      signalBack(bits);
      return false;
    } catch (CallFailed e) {
      // Held for too long, vacant or failed: the bits wait in the notification.
      signalBack(bits);
      LockSupport.parkNanos(POLL_NANOS / 10);
      return true;
    }
    if (stopped) {
      // Replaced while it waited at the gate.
      slot.pop();
      signalBack(bits);
      return false;
    }
    begun = true;
    gate.worked.increment();
    try {
      work.run(bits);
    } catch (Throwable e) {
      CallFailed failure = gate.failed(slot, e);
      core.trace(gate.path + ": worker: " + failure.getMessage());
      return true;
    }
    if (slot.pop()) {
      core.trace(gate.path + ": worker was given up");
      return false;
    }
    return true;
  }
}
