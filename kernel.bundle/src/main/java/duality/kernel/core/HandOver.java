package duality.kernel.core;

import duality.kernel.CallFailed;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Work on a thread of the kernel's own, outside all endpoints: there servers are opened, saved and
 * closed, and whole swaps are done, and what hangs there can be cut off.
 *
 * <p>Each time it goes into a server's code it notes until when it has to be back (a phase). Who
 * waits for it looks at that; when the time is over the thread is cut off: the holds that it took
 * are released, so that the old servers go on, its waiter gets the failure, and whatever the thread
 * does when it comes back is refused, because the hold that it belonged to is over. So a whole swap
 * needs one change of threads, before its gates are closed, and none during the pause.
 *
 * <p>The thread ends with its work: what servers leave in its thread-locals ends with it.
 */
final class HandOver {
  /** How long all of it may take, beside the limits of phases. */
  private static final long ALL_NANOS = TimeUnit.SECONDS.toNanos(25);

  private static final long LOOK_MILLIS = 20;

  private enum Course {
    UNDER_WAY,
    DONE,
    CUT_OFF
  }

  /** One stay in a server's code. */
  private record Phase(String what, long limitNanos, long endsAt, Runnable whenCutOff) {}

  private static final Phase NONE = new Phase("", 0, Long.MAX_VALUE, () -> {});

  private final String what;
  private final @Nullable CallSlot asker;

  // Guarded by this:
  private final List<Phase> phases = new ArrayList<>();
  private final List<HoldObject> holds = new ArrayList<>();

  /** When holds must have ended, however often servers are gone into and left meanwhile. */
  private long holdsEndAt;

  private final List<Runnable> whenCutOff = new ArrayList<>();
  private Course course = Course.UNDER_WAY;

  /** Of its thread, once that has begun. */
  private @Nullable CallSlot slot;

  private @Nullable Object answer;
  private @Nullable Throwable thrown;

  private HandOver(String what, @Nullable CallSlot asker) {
    this.what = what;
    this.asker = asker;
  }

  private void body(Supplier<?> work) {
    HostThread host = (HostThread) Thread.currentThread();
    synchronized (this) {
      slot = host.slot;
    }
    host.handOver = this;
    Object got = null;
    Throwable failed = null;
    try {
      got = work.get();
    } catch (Throwable e) {
      failed = e;
    }
    synchronized (this) {
      if (course == Course.UNDER_WAY) {
        course = Course.DONE;
        answer = got;
        thrown = failed;
        notifyAll();
      }
    }
  }

  private <T> T run(Core core, Supplier<T> work) {
    core.spares().run("hand-over " + what, () -> body(work));
    CallSlot waiting = CallSlot.current();
    waiting.handsOver(true);
    try {
      return await(core);
    } finally {
      waiting.handsOver(false);
    }
  }

  static @Nullable HandOver current() {
    return Thread.currentThread() instanceof HostThread here ? here.handOver : null;
  }

  /**
   * Does work on such a thread and waits for it; on the current one when it is one.
   *
   * @throws CallFailed.ServerFailed when it was cut off
   */
  static <T> T call(Core core, String what, Supplier<T> work) {
    if (current() != null || Processors.isHost()) {
      return work.get();
    }
    return new HandOver(what, CallSlot.current()).run(core, work);
  }

  /**
   * Goes into a server's code, to be back in time.
   *
   * @param whenCutOff done once when it is not
   */
  static <T> T within(
      Core core, String what, long limitNanos, Runnable whenCutOff, Supplier<T> work) {
    return within(core, what, limitNanos, whenCutOff, work, late -> {});
  }

  /**
   * As the other one.
   *
   * @param tooLate gets the answer, on the thread that was cut off, when it comes after all
   */
  static <T> T within(
      Core core,
      String what,
      long limitNanos,
      Runnable whenCutOff,
      Supplier<T> work,
      Consumer<T> tooLate) {
    HandOver here = current();
    if (here == null) {
      // A processor's host has a watchdog of its own, and what it carries must not change threads.
      return Processors.isHost()
          ? work.get()
          : call(core, what, () -> within(core, what, limitNanos, whenCutOff, work, tooLate));
    }
    here.goIn(new Phase(what, limitNanos, System.nanoTime() + limitNanos, whenCutOff));
    T got;
    try {
      got = work.get();
    } catch (Throwable e) {
      here.comeOut();
      throw e;
    }
    try {
      here.comeOut();
    } catch (CallFailed e) {
      tooLate.accept(got);
      throw e;
    }
    return got;
  }

  /** Does that when the current thread, if it is such a one, is cut off; at once when it was. */
  static void whenCutOff(Runnable what) {
    HandOver here = current();
    if (here == null) {
      return;
    }
    synchronized (here) {
      if (here.course == Course.UNDER_WAY) {
        here.whenCutOff.add(what);
        return;
      }
    }
    what.run();
    here.goOn();
  }

  /**
   * As {@link #call}; the caller counts as outside of its innermost endpoint meanwhile, if it says
   * so.
   */
  static <T> T call(Core core, String what, boolean steppingOut, Supplier<T> work) {
    CallSlot slot = CallSlot.current();
    Gate inside = slot.innermostSeen();
    if (!steppingOut || inside == null) {
      return call(core, what, work);
    }
    long badge = slot.badge();
    slot.pop();
    try {
      return call(core, what, work);
    } finally {
      slot.push(inside, badge);
    }
  }

  /** On a thread of its own in any case, waited for at most that long. */
  static void apart(Core core, String what, long limitNanos, Runnable work) {
    Supplier<String> inTime =
        () ->
            within(
                core,
                what,
                limitNanos,
                () -> {},
                () -> {
                  work.run();
                  return what;
                });
    new HandOver(what, null).run(core, inTime);
  }

  /** Does that when the hold of this gate has ended; at once when this thread has none. */
  static void afterRelease(Gate gate, Runnable what) {
    HandOver here = current();
    if (here != null) {
      synchronized (here) {
        for (HoldObject hold : here.holds) {
          if (hold.holds(gate) && hold.afterRelease(what)) {
            return;
          }
        }
      }
    }
    what.run();
  }

  private synchronized void goIn(Phase phase) {
    goOn();
    phases.add(phase);
  }

  private synchronized void comeOut() {
    phases.removeLast();
    if (!phases.isEmpty()) {
      // What the inner one took is not held against the outer one.
      Phase outer = phases.removeLast();
      phases.add(
          new Phase(
              outer.what,
              outer.limitNanos,
              System.nanoTime() + outer.limitNanos,
              outer.whenCutOff));
    }
    goOn();
  }

  /** Whether what this thread does still counts. */
  synchronized void goOn() {
    if (course == Course.CUT_OFF) {
      throw new CallFailed.TimedOut(what + " was cut off, what it does now comes too late");
    }
  }

  /** A hold that ends when this thread is cut off. */
  synchronized void owns(HoldObject hold) {
    goOn();
    holds.removeIf(each -> !each.isHeld());
    if (holds.isEmpty()) {
      holdsEndAt = System.nanoTime() + ALL_NANOS;
    }
    holds.add(hold);
  }

  /** Whether the thread for which this one works is inside one of these. */
  boolean askedFromInside(java.util.Set<Gate> gates) {
    return asker != null && asker.insideAnyOf(gates);
  }

  /**
   * What polls, because it was woven, comes to an end. Not the calls that it made meanwhile: to end
   * one of them in the middle would harm a server that has done nothing.
   */
  private void abandon(CallSlot slot) {
    for (int level = 1; level <= CallSlot.DEPTH; level++) {
      CallSlot.Visit visit = slot.visit(level);
      if (visit.mark() != 0 && Gate.number(visit.mark()) == Gate.UNNUMBERED) {
        slot.abandon(level, visit);
      }
    }
  }

  @SuppressWarnings("unchecked")
  private <T> T await(Core core) {
    long all = System.nanoTime() + ALL_NANOS;
    List<Phase> cutOff;
    List<HoldObject> ending;
    List<Runnable> others;
    CallSlot used;
    synchronized (this) {
      while (course == Course.UNDER_WAY) {
        Phase phase = phases.isEmpty() ? NONE : phases.getLast();
        long now = System.nanoTime();
        boolean over = phase == NONE ? now - all > 0 : now - phase.endsAt > 0;
        if (over || (now - holdsEndAt > 0 && holds.stream().anyMatch(HoldObject::isHeld))) {
          course = Course.CUT_OFF;
          break;
        }
        try {
          wait(LOOK_MILLIS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          course = Course.CUT_OFF;
        }
      }
      if (course == Course.DONE) {
        if (thrown instanceof RuntimeException unchecked) {
          throw unchecked;
        }
        if (thrown instanceof Error error) {
          throw error;
        }
        if (answer == null) {
          throw new CallFailed.ServerFailed(what + " gave nothing");
        }
        return (T) answer;
      }
      cutOff = List.copyOf(phases);
      ending = List.copyOf(holds);
      others = List.copyOf(whenCutOff);
      used = slot;
    }
    ending.forEach(HoldObject::close);
    if (used != null) { // else its thread has not even begun
      abandon(used);
    }
    cutOff.forEach(each -> each.whenCutOff.run());
    others.forEach(Runnable::run);
    String why =
        cutOff.isEmpty()
            ? what + " took longer than " + TimeUnit.NANOSECONDS.toSeconds(ALL_NANOS) + " s"
            : cutOff.getLast().what
                + " did not return within "
                + TimeUnit.NANOSECONDS.toMillis(cutOff.getLast().limitNanos)
                + " ms";
    core.trace(why);
    throw new CallFailed.ServerFailed(why);
  }
}
