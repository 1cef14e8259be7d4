package duality.vmm.board;

import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One hart of a machine: its thread, how its monitor runs that, and whether it is started.
 *
 * <p><em>A hart of another monitor.</em> When a machine's instance is opened, the one before it may
 * serve on yet, so its threads are not touched. Each is taken over ({@link #settle}) when this one
 * is bound: by the first exit of the hart or by the first round of the machine's worker, whichever
 * comes first. The worker lets the threads come to rest before, and an exit has its own anyway; so
 * only one of them has it.
 */
final class Vcpu {
  // States of a hart, as the SBI numbers them (SBI 2.0 §9.1).
  static final int STARTED = 0;
  static final int STOPPED = 1;
  static final int STARTING = 2;
  static final int STOPPING = 3;
  static final int SUSPENDED = 4;

  private static final int MOST_LOOKS = 10_000;
  private static final long LOOK_NANOS = 50_000;

  private static final long NEVER = Long.MIN_VALUE;
  private static final long EDGES = Lines.SSIP | Lines.FENCE | Lines.FENCE_CODE;

  final int number;
  final KernelThread thread;

  /** Number of its thread. */
  final int id;

  final VirtualHart hart;
  private final Notification lines;
  private final AtomicInteger status = new AtomicInteger(STOPPED);

  /** What its thread had retired when it suspended itself; {@link #NEVER} when it did not. */
  private volatile long suspendedAt = NEVER;

  /** Puts into a hart that is being started what its debugger wants of it. */
  private volatile Runnable restored = () -> {};

  /** Whether the thread is this instance's own: what its monitor makes of a hart. */
  private volatile boolean settled;

  /** What a predecessor of another kind, or of this one, kept of the hart. */
  private volatile @Nullable HartState left;

  Vcpu(int number, KernelThread thread, VirtualHart hart) {
    this.number = number;
    this.thread = thread;
    id = thread.id();
    this.hart = hart;
    lines = thread.lines();
  }

  /** To be called when it is being started, at rest, after its state was set. */
  void whenRestored(Runnable then) {
    restored = then;
  }

  // ---- started and stopped ----

  /** {@link #STARTED} and so on: stopping it is as long as its thread is on its way to rest. */
  int status() {
    int now = status.get();
    if (now == STARTED && suspended()) {
      return SUSPENDED;
    }
    return now == STOPPED && !atRest() ? STOPPING : now;
  }

  /** It has suspended itself by a call: until it executes more than the rest of that. */
  void suspends() {
    suspendedAt = thread.instructions();
  }

  private boolean suspended() {
    long at = suspendedAt;
    return at != NEVER && thread.instructions() - at <= 1;
  }

  boolean isStarted() {
    return status.get() == STARTED;
  }

  /** While its hart goes to another engine, which takes a moment, nobody can say; then it waits. */
  boolean atRest() {
    String state = thread.state();
    for (int i = 0; i < MOST_LOOKS && state.equals("MOVING"); i++) {
      LockSupport.parkNanos(LOOK_NANOS);
      state = thread.state();
    }
    return state.equals("SUSPENDED");
  }

  /** Notes what it is, without doing anything about it. */
  void started(boolean is) {
    status.set(is ? STARTED : STOPPED);
  }

  /**
   * Starts a stopped hart, for a call of another one; answers false when it is not stopped. Of two
   * that start it at once one does.
   */
  boolean start(HartState from) {
    if (status() != STOPPED || !status.compareAndSet(STOPPED, STARTING)) {
      return false;
    }
    boolean ready = false;
    try {
      suspendedAt = NEVER;
      lines.clear(EDGES); // of its life before
      hart.restore(from);
      restored.run();
      ready = true;
    } finally {
      status.set(ready ? STARTED : STOPPED);
    }
    thread.resume();
    return true;
  }

  // ---- what others do to it while it runs ----

  /** Raises its supervisor software interrupt. */
  void interrupt() {
    if (isStarted()) {
      lines.signal(Lines.SSIP);
    }
  }

  /** It fences before its next instruction; a stopped hart has nothing to forget. */
  void fence(boolean code) {
    if (isStarted()) {
      hart.fence(code);
    }
  }

  // ---- taking over ----

  boolean settled() {
    return settled;
  }

  /** The thread is this instance's own already. */
  void own() {
    settled = true;
  }

  /** Another instance left this of it. */
  void left(HartState state) {
    left = state;
  }

  boolean hasLeft() {
    return left != null;
  }

  /**
   * Takes the thread over. It is at rest, or in its trap handler.
   *
   * @return false when a part of the hart is lost
   */
  boolean settle() {
    if (settled) {
      return true;
    }
    HartState there = thread.save();
    HartState kept = left;
    HartState whole =
        there.mode() == HartMode.FULL
            ? there
            : kept == null ? null : HartTree.together(kept, there);
    if (whole != null) {
      hart.adopt(whole, there.mode());
    }
    left = null;
    settled = true;
    return whole != null;
  }

  /** What of it is not in its thread while it runs; null for nothing. */
  @Nullable HartState kept() {
    return settled ? hart.kept() : left;
  }

  /** Begins a guest. */
  void boot(HartState state, long tree) {
    hart.boot(state, tree);
    settled = true;
  }

  /** Becomes that. */
  void restore(HartState state) {
    hart.restore(state);
    settled = true;
  }
}
