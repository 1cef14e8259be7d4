package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.FailureReport;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The gate of an endpoint: every call goes through it, to the server that is bound at that moment.
 *
 * <p>{@code target} is null while the gate is closed, so that the fast path reads one field: an
 * opaque store of the slot, a volatile load of the target, the call, a release store. See {@link
 * CallSlot} for why a drainer misses nobody.
 *
 * <p>Conditions: open (target set), held (by one {@link HoldObject}), vacant (nobody bound), failed
 * (its server broke), ended. Changes are made under the gate's monitor; callers wait on it.
 */
final class Gate {
  enum Condition {
    OPEN,
    HELD,
    VACANT,
    FAILED,
    ENDED
  }

  private static final long REST_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long MENDED_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  /** Bit of a mark: the call's capability has a badge. */
  static final long BADGE = 1L << 31;

  /** With a mark: the greatest that a mark of the same rank can be. */
  private static final long LOWER = 0xffff_ffffL;

  /** Of who is inside of no gate: a rank above all. */
  static final long OUTSIDE = 0xffL << 32;

  /** Number of gates nobody waits for: of what has no endpoint, or none yet. */
  static final int UNNUMBERED = 0;

  /**
   * The last one given; from what a slot counts calls by. Of all cores in this JVM, because a host
   * thread may call into several.
   */
  private static final AtomicInteger NUMBERS = new AtomicInteger(CallSlot.DEPTH);

  /** Numbers of gates that have ended; the one that has rested longest is given out first. */
  private static final Queue<Integer> FREE = new ConcurrentLinkedQueue<>();

  private static final Map<Integer, Gate> NUMBERED = new ConcurrentHashMap<>();

  final String path;
  final int number;

  /** What a slot holds for a call: rank, room for {@link #BADGE}, and number; never 0. */
  final long mark;

  final int rank;
  final long deadlineNanos;

  /** How long a server may be stuck, shorter than the deadline; 0 when that is not asked for. */
  final long stallNanos;

  final LongAdder failures = new LongAdder();
  final LongAdder waited = new LongAdder();
  final LongAdder worked = new LongAdder();

  /** Calls from inside, which slots do not count. */
  private final LongAdder nested = new LongAdder();

  /** What slots count, though it is no call that went in: refused ones and probes. */
  final LongAdder uncounted = new LongAdder();

  /** Calls that slots counted for a gate that had its number before. */
  private final long countedBefore;

  /** Written by the watchdog only. */
  private volatile long busyNanos;

  private final Core core;

  private volatile @Nullable Class<?> type;

  /** Guarded by itself. */
  private final Set<Stub> roots = Collections.newSetFromMap(new WeakHashMap<>());

  /** What the fast path calls; null whenever the condition is not OPEN. */
  private volatile @Nullable Object target;

  // Guarded by this:
  private Condition condition = Condition.VACANT;
  private @Nullable Object bound;
  private String why = "no server is bound yet";
  private Set<Gate> heldWith = Set.of();

  /** Who holds it, if that opens servers meanwhile. */
  private @Nullable HandOver holder;

  /** Counts the holds that began and ended: what was opened in one cannot be bound in another. */
  private long epoch;

  /** The bound server failed: it is not put back in service, only replaced. */
  private boolean broken;

  /** Nobody mends it: callers are refused at once. */
  private boolean hopeless;

  /** A call to the bound server was given up: it may hold its own locks for ever. */
  private boolean hung;

  /** It has ended, and its number is another one's. */
  private boolean numberGiven;

  private Gate(
      Core core, String path, int number, int rank, long deadlineMillis, long stallMillis) {
    this.core = core;
    this.path = path;
    this.number = number;
    this.rank = rank;
    this.mark = (long) rank << 32 | number;
    this.deadlineNanos = core.patiently(TimeUnit.MILLISECONDS.toNanos(deadlineMillis));
    this.stallNanos = core.patiently(TimeUnit.MILLISECONDS.toNanos(stallMillis));
    this.countedBefore = number == UNNUMBERED ? 0 : CallSlot.callsOf(number);
  }

  /**
   * The gate of an endpoint.
   *
   * @param rank 1 to 254
   */
  static Gate of(Core core, String path, int rank, long deadlineMillis) {
    return of(core, path, rank, deadlineMillis, 0);
  }

  /**
   * The gate of an endpoint whose server is found stuck earlier.
   *
   * @param stallMillis see {@link duality.kernel.Protocol#stallMillis}
   */
  static Gate of(Core core, String path, int rank, long deadlineMillis, long stallMillis) {
    Integer rested = FREE.poll();
    int number = rested == null ? NUMBERS.incrementAndGet() : rested;
    Gate made = new Gate(core, path, number, rank, deadlineMillis, stallMillis);
    NUMBERED.put(made.number, made);
    return made;
  }

  /** Stands in a slot for work of that rank which is inside no endpoint. */
  static Gate unnumbered(Core core, String path, int rank) {
    return new Gate(core, path, UNNUMBERED, rank, 0, 0);
  }

  /** The number in a mark. */
  static int number(long mark) {
    return (int) mark & Integer.MAX_VALUE;
  }

  /** The gate of a mark, or null when it is unnumbered or has ended. */
  static @Nullable Gate marked(long mark) {
    return NUMBERED.get(number(mark));
  }

  /**
   * Stands in a slot for an instance of this endpoint that is being opened: its calls have its
   * rank.
   */
  Gate opening() {
    return unnumbered(core, path + " (opening)", rank);
  }

  Core core() {
    return core;
  }

  // Capabilities that lead here

  /** The endpoint's type, of the version that its server has; told to all capabilities. */
  void type(Class<?> now) {
    List<Stub> all;
    synchronized (roots) {
      type = now;
      all = new ArrayList<>(roots);
    }
    all.forEach(Stub::lookAgain);
  }

  /** Whether callers with that class of the protocol can call the server as it is. */
  boolean isOfType(Class<?> callers) {
    Class<?> now = type;
    return now == null || callers.isAssignableFrom(now);
  }

  /** A capability that is derived from no other. */
  void ledToBy(Stub root) {
    synchronized (roots) {
      roots.add(root);
    }
    root.lookAgain();
  }

  /**
   * Goes in: answers the server, with the call noted in {@code slot}. Must be paired with an exit.
   */
  Object enter(CallSlot slot, long badge) {
    Object server = goIn(slot, slot.depth(), badge);
    return server != null ? server : enterSlowly(slot, badge);
  }

  /** The same with the slot's depth at hand, through a capability. */
  Object enter(CallSlot slot, int below, long badge, Stub through) {
    Object server = goIn(slot, below, badge);
    return server != null ? server : through.fitting(enterSlowly(slot, badge));
  }

  /**
   * Each field is read once, into a local: after an opaque store the compiler would read again. And
   * what can be computed is not read, because loads are what a call's time goes into.
   */
  private @Nullable Object goIn(CallSlot slot, int below, long badge) {
    long own = mark;
    long[] cells = slot.cells();
    long caller = cells[below];
    if (caller <= (own | LOWER) && isOwn(caller)) {
      slot.nest(below + 1);
      nested.increment();
    } else {
      // Before it is inside: the count tells it from others all the time.
      cells = slot.count(cells, (int) own);
    }
    slot.push(cells, below, this, own, badge);
    return target;
  }

  /** Whether the endpoint calls itself; refuses a call from another one of the rank or below. */
  private boolean isOwn(long callerMark) {
    int callerRank = (int) (callerMark >>> 32);
    if (callerRank > rank) {
      return false;
    }
    if (number(callerMark) == number) {
      return true;
    }
    Gate caller = marked(callerMark);
    throw new CallFailed.BadRequest(
        "call from "
            + (caller == null ? "an endpoint that is being opened" : caller.path)
            + " (rank "
            + callerRank
            + ") up to "
            + path
            + " (rank "
            + rank
            + ") refused: calls go down, upwards there are notifications");
  }

  /** Steps back, waits until the gate is open, at most the deadline, and notes the call again. */
  private Object enterSlowly(CallSlot slot, long badge) {
    slot.pop();
    waited.increment();
    long deadline = System.nanoTime() + deadlineNanos;
    while (true) {
      synchronized (this) {
        Object server = bound;
        if (condition == Condition.HELD && holder != null && holder == HandOver.current()) {
          server = forHolder();
          slot.push(this, badge);
          return server;
        }
        if (server != null && mustPass(slot)) {
          slot.push(this, badge);
          return server;
        }
      }
      Condition seen;
      slot.waiting = true;
      try {
        seen = core.processors().waiting(rank, () -> awaitChange(slot, deadline));
      } finally {
        slot.waiting = false;
      }
      slot.push(this, badge);
      Object server = target;
      if (server != null) {
        return server;
      }
      slot.pop();
      if (seen != Condition.OPEN) {
        failures.increment();
        uncounted.increment();
        throw refusal(seen);
      }
    }
  }

  /**
   * Who serves the holder itself: a server that it opens asks one below it that is held as well,
   * and would wait for the release, which comes only when it is open. Nobody else is inside, and
   * what is held together is saved and opened from the highest rank down, so this one is not saved
   * yet.
   */
  private Object forHolder() {
    Object server = bound;
    if (server == null || broken || hung) {
      failures.increment();
      uncounted.increment();
      throw new CallFailed.ServerFailed(
          path + " is being replaced itself and has no server that works: replace it first");
    }
    return server;
  }

  /**
   * Whether the drainer waits for this thread: it must be let through, or both wait for ever. It
   * waits for none whose call was given up: such a one may not touch what is saved.
   */
  private boolean mustPass(CallSlot slot) {
    return condition == Condition.HELD && slot.insideAnyOf(heldWith);
  }

  /**
   * Waits until the gate is open or the deadline has passed; answers the condition then. A hart's
   * own exit, which has gone into no server yet, does not wait on when its thread shall rest: who
   * suspends it may be inside the endpoint that the drainer wants empty. It repeats the exit later.
   */
  private synchronized Condition awaitChange(CallSlot slot, long deadline) {
    while (condition == Condition.HELD
        || (condition == Condition.VACANT && !hopeless)
        || isMended()) {
      if (bound != null && mustPass(slot)) {
        return Condition.OPEN; // for this one: another hold has begun while it waited
      }
      long left = deadline - System.nanoTime();
      if (condition == Condition.FAILED) {
        left = Math.min(left, MENDED_LOOK_NANOS); // who mends may go too
      }
      if (left <= 0 || (condition == Condition.VACANT && core.vacancyFails(this))) {
        return condition;
      }
      if (slot.depth() == 0 && Processors.isHost()) {
        if (Processors.carriedShallRest()) {
          return condition;
        }
        left = Math.min(left, REST_LOOK_NANOS);
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return condition;
      }
    }
    return condition;
  }

  /** Whether it failed and somebody is at work to mend it. */
  private boolean isMended() {
    return condition == Condition.FAILED && !hopeless && core.failed().mends(this);
  }

  private synchronized CallFailed refusal(Condition seen) {
    String within = " within " + TimeUnit.NANOSECONDS.toMillis(deadlineNanos) + " ms";
    return switch (seen) {
      case VACANT -> new CallFailed.NoServer(path + " has no server" + within + ": " + why);
      case FAILED ->
          new CallFailed.ServerFailed(
              path
                  + " is out of order"
                  + (isMended() ? " and was not mended" + within : "")
                  + ": "
                  + why
                  + "; kernel:swap "
                  + path
                  + " SERVER replaces it");
      case ENDED -> new CallFailed.Revoked(path + " is no more");
      default -> new CallFailed.TimedOut(path + " was held and not released" + within);
    };
  }

  /** What became of a call that threw {@code thrown}; leaves the gate. */
  CallFailed failed(CallSlot slot, Throwable thrown) {
    // Asked as long as it is inside: as soon as it has left, another server may be bound.
    Object culprit = thrown instanceof CallFailed ? null : bound();
    boolean late = slot.pop();
    if (late) {
      return tooLate();
    }
    if (thrown instanceof CallFailed expected) {
      if (!(expected instanceof CallFailed.BadRequest)) {
        failures.increment();
      }
      return expected;
    }
    failures.increment();
    String reason = describe(thrown);
    core.failed()
        .server(this, culprit, FailureReport.Kind.EXCEPTION, reason, thrown.getStackTrace());
    return new CallFailed.ServerFailed(path + ": its server failed: " + reason);
  }

  CallFailed tooLate() {
    failures.increment();
    return new CallFailed.TimedOut(
        path + " did not answer within " + TimeUnit.NANOSECONDS.toMillis(deadlineNanos) + " ms");
  }

  static String describe(Throwable thrown) {
    String text = thrown.getClass().getName();
    return thrown.getMessage() == null ? text : text + ": " + thrown.getMessage();
  }

  synchronized long epoch() {
    return epoch;
  }

  /**
   * Binds a server and opens the gate, unless it is held.
   *
   * @param opened the epoch in which the server was opened
   */
  synchronized void bind(Object server, long opened) {
    if (condition == Condition.ENDED) {
      throw new CallFailed.Revoked(path + " is no more");
    }
    if (opened != epoch || condition == Condition.OPEN) {
      throw new CallFailed.BadRequest(
          "too late to bind a server to " + path + ": it is not at rest, or no more");
    }
    bound = server;
    broken = false;
    hopeless = false;
    hung = false;
    if (condition != Condition.HELD) {
      condition = Condition.OPEN;
      target = server;
      notifyAll();
    }
  }

  /** Closes the gate for a hold; fails when somebody else holds it already. */
  synchronized void hold(Set<Gate> together) {
    if (condition == Condition.HELD) {
      throw new CallFailed.BadRequest(
          path + " is held by another swap; try again when that has ended");
    }
    if (condition == Condition.ENDED) {
      throw new CallFailed.Revoked(path + " is no more");
    }
    condition = Condition.HELD;
    epoch++;
    heldWith = together;
    holder = HandOver.current();
    target = null;
  }

  /** As {@link #hold}, after a hold of somebody else has ended. */
  synchronized void holdAfterOthers(Set<Gate> together, long nanos) {
    long deadline = System.nanoTime() + nanos;
    while (condition == Condition.HELD && deadline - System.nanoTime() > 0) {
      try {
        TimeUnit.NANOSECONDS.timedWait(this, deadline - System.nanoTime());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    hold(together);
  }

  /** Nobody is inside any more: no caller has to be let through for another one's sake. */
  synchronized void atRest() {
    heldWith = Set.of();
  }

  /** Opens the gate again, or leaves it vacant when nobody is bound. */
  synchronized void release() {
    heldWith = Set.of();
    holder = null;
    if (condition == Condition.HELD) {
      epoch++;
      condition = bound == null ? Condition.VACANT : broken ? Condition.FAILED : Condition.OPEN;
      target = condition == Condition.OPEN ? bound : null;
      notifyAll();
    }
  }

  /** Nobody will mend it: who waits is refused, and who comes, with this reason. */
  synchronized void giveUp(String reason) {
    if (broken || bound == null) {
      why = reason;
      hopeless = true;
      notifyAll();
    }
  }

  /**
   * Goes in to look at the server, uncounted; answers null, and does not go in, unless it is open.
   */
  @Nullable Object probe(CallSlot slot) {
    slot.count(slot.cells(), number); // as a call, so that the watchdog tells it from others
    uncounted.increment();
    slot.push(this, 0);
    Object server = target;
    if (server == null) {
      slot.pop();
    }
    return server;
  }

  /** Nobody is bound from now on; callers wait. */
  synchronized void vacate(String reason) {
    bound = null;
    target = null;
    why = reason;
    if (condition != Condition.HELD && condition != Condition.ENDED) {
      condition = Condition.VACANT;
      notifyAll();
    }
  }

  /** Nobody goes in to {@code culprit} any more; {@link #fail} follows at once. */
  synchronized void shut(@Nullable Object culprit) {
    if (bound == culprit) {
      target = null;
    }
  }

  /**
   * The server is broken: callers are refused until another one is bound. Says whether it was open.
   *
   * @param culprit who was bound when that happened; no effect when another one is by now
   */
  synchronized boolean fail(@Nullable Object culprit, String reason) {
    if (condition == Condition.ENDED || condition == Condition.FAILED || bound != culprit) {
      return false;
    }
    why = reason;
    target = null;
    broken = true;
    if (condition != Condition.HELD) {
      condition = Condition.FAILED;
      notifyAll();
    }
    return true;
  }

  synchronized void end() {
    NUMBERED.remove(number, this);
    condition = Condition.ENDED;
    target = null;
    bound = null;
    notifyAll();
  }

  /**
   * Gives the number of this ended gate back, if no thread is inside any more: a thread that still
   * was would seem to be inside of the next one. What calls here from now on is refused, and its
   * note in the slot, gone at once, harms the next one no more than a call that comes and goes.
   */
  synchronized void giveNumberBack() {
    CallGuard.everywhere();
    for (CallSlot slot : CallSlot.ALL) {
      if (slot.noted(mark)) {
        return;
      }
    }
    if (!numberGiven) {
      numberGiven = true;
      FREE.add(number);
    }
  }

  synchronized @Nullable Object bound() {
    return bound;
  }

  synchronized Condition condition() {
    return condition;
  }

  synchronized void hung(@Nullable Object culprit) {
    hung |= bound == culprit;
  }

  /** Whether the bound server failed, also while the gate is held. */
  synchronized boolean isBroken() {
    return broken;
  }

  synchronized boolean isHung() {
    return hung;
  }

  synchronized String describe() {
    if (broken && condition == Condition.HELD) {
      return "failed: " + why;
    }
    return switch (condition) {
      case FAILED -> "failed: " + why;
      case VACANT -> "vacant: " + why;
      case OPEN, HELD, ENDED -> condition.name().toLowerCase(java.util.Locale.ROOT);
    };
  }

  /** A look of the watchdog found a thread at work in here. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
  void busy(long nanos) {
    busyNanos += nanos;
  }

  long busyNanos() {
    return busyNanos;
  }

  long calls() {
    return CallSlot.callsOf(number) - countedBefore + nested.sum() - uncounted.sum();
  }

  /** Calls and workers inside now, in all threads. */
  int inside() {
    int inside = 0;
    for (CallSlot slot : CallSlot.ALL) {
      for (int level = 1; level <= CallSlot.DEPTH && slot.at(level) != 0; level++) {
        if (slot.at(level) == mark && !slot.isAbandoned(level)) {
          inside++;
        }
      }
    }
    return inside;
  }
}
