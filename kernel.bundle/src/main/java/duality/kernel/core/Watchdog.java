package duality.kernel.core;

import duality.kernel.Protocol;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Looks every 5 ms for calls that are inside longer than their endpoint's deadline. It counts its
 * own looks, not the clock: when the host held it up, all deadlines get as much longer.
 *
 * <p>Where a protocol says so, who is stuck is found earlier ({@link Stalls}).
 *
 * <p>On the way it says at which endpoint each host thread is busy: a sampling profile. A call
 * reads no clock, so this is all that is known of where processor time goes. What is counted is the
 * time between two looks, for each thread that can run and is not waiting, at the innermost
 * endpoint; one that is inside a system call of the host counts as busy.
 */
final class Watchdog {
  static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /** A scheduler is not given its whole deadline for sleeping; a lock it may wait for. */
  private static final int SLEEP_TICKS = 4;

  /**
   * A worker that is still inside so long after its call was given up waits for what nothing
   * brings: it was told at its polls, and by an interrupt at each look.
   */
  private static final int LOST_TICKS = 120;

  private final Core core;
  private final SchedulerJudge judge;
  private final Stalls stalls = new Stalls();
  private final HostThread host;
  private volatile boolean stopped;

  Watchdog(Core core, SchedulerJudge judge) {
    this.core = core;
    this.judge = judge;
    this.host = new HostThread("watchdog", this::body);
  }

  void start() {
    host.start();
  }

  void stop() {
    stopped = true;
    LockSupport.unpark(host);
  }

  /** Whether its thread has not ended yet. */
  boolean looks() {
    return host.isAlive();
  }

  private void body() {
    long before = System.nanoTime();
    while (!stopped) {
      LockSupport.parkNanos(TICK_NANOS);
      long now = System.nanoTime();
      long sinceLast = now - before;
      before = now;
      try {
        tick(now, sinceLast);
      } catch (RuntimeException | Error e) {
        // Without a watchdog nothing that hangs would ever be found.
        core.trace("watchdog: " + Gate.describe(e));
      }
    }
  }

  /**
   * Looks once.
   *
   * @param sinceLast nanoseconds since the look before
   */
  void tick(long now, long sinceLast) {
    judge.tick();
    core.processors().renew(now);
    for (CallSlot slot : CallSlot.ALL) {
      if (slot.host.isAlive() || slot.host.getState() == Thread.State.NEW) {
        look(slot, sinceLast);
        slot.interruptWait(core);
      } else {
        slot.retire();
      }
    }
  }

  /**
   * Only the innermost call can be to blame: those around it wait for it. And who waits at a gate
   * is timed by that gate.
   */
  private void look(CallSlot slot, long sinceLast) {
    int deepest = slot.deepest();
    CallSlot.Visit innermost = null;
    for (int level = 1; level <= deepest; level++) {
      innermost = slot.visit(level);
      if (!innermost.equals(slot.seen[level])) {
        slot.seen[level] = innermost;
        slot.seenTicks[level] = 0;
        slot.seenStalled[level] = 0;
      }
    }
    for (int level = deepest + 1; level <= CallSlot.DEPTH && slot.seen[level] != null; level++) {
      slot.seen[level] = null;
    }
    Gate gate = innermost == null ? null : Gate.marked(innermost.mark());
    if (innermost == null || gate == null || gate.core() != core || slot.waiting) {
      return;
    }
    Thread.State state = slot.host.getState();
    if (state == Thread.State.RUNNABLE) {
      gate.busy(sinceLast);
    }
    if (gate.deadlineNanos == 0) {
      return;
    }
    int ticks = ++slot.seenTicks[deepest];
    long limit = ceil(gate.deadlineNanos) / TICK_NANOS;
    boolean sleeps =
        gate.rank == Protocol.SCHEDULER
            && ticks >= SLEEP_TICKS
            && ticks < limit
            && state == Thread.State.TIMED_WAITING;
    if (sleeps || ticks == limit) {
      slot.seenTicks[deepest] = (int) limit; // once is enough
      core.failed().late(slot, gate, deepest, innermost, gate.deadlineNanos);
    } else if (ticks < limit && stalls.stuck(slot, gate, deepest, state, sinceLast)) {
      slot.seenTicks[deepest] = (int) limit;
      core.failed().late(slot, gate, deepest, innermost, gate.stallNanos);
    } else if (ticks == limit + LOST_TICKS && slot.worker && slot.isAbandoned(deepest)) {
      lost(slot);
    }
  }

  /**
   * A worker does not come back from a call that was given up: perhaps it waits for a lock in there
   * that is never released, also not when that server is replaced. Its own server has no worker any
   * more, and perhaps locks that nobody gives back.
   */
  private void lost(CallSlot slot) {
    CallSlot.Visit round = slot.visit(1);
    Gate own = Gate.marked(round.mark());
    if (own != null && !slot.isAbandoned(1)) {
      core.failed().late(slot, own, 1, round, LOST_TICKS * TICK_NANOS);
    }
  }

  private static long ceil(long nanos) {
    return (nanos + TICK_NANOS - 1) / TICK_NANOS * TICK_NANOS;
  }
}
