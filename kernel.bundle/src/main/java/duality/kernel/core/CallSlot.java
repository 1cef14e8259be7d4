package duality.kernel.core;

import duality.kernel.CallFailed;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Where a host thread notes which endpoints it is inside, one level a call.
 *
 * <p>Written by its own thread only. Who drains an endpoint reads the slots of all threads. The
 * argument that no call is missed is Dekker's: the caller writes its slot and then reads whether
 * the gate is open; the drainer closes the gate, executes {@link CallGuard#everywhere}, and then
 * reads the slots. That barrier falls, in each other thread, either before its write of the slot,
 * and then its read of the gate comes after the closing and it steps back; or after that write, and
 * then the drainer sees it inside. Between its write and its read the caller has no fence of its
 * own where the barrier reaches all threads; the compiler keeps their order because the write is a
 * release store and the read is volatile.
 *
 * <p>What others see is the depth: levels above it hold what was there last and count for nothing.
 * Entering writes the mark of the new level and then the depth, so who sees the depth sees that
 * mark or a later one. Leaving lowers the depth, a release store: all that the call did happens
 * before a drainer sees it outside. Who reads a depth and then a mark may be late, and take a call
 * that is over or one that is just coming in for one that is inside; a thread that stays inside has
 * never less depth, nor another mark there, and is not missed.
 *
 * <p>The watchdog takes a level for the same call as long as the gate and its thread's count of
 * calls through it are the same; no clock is read on the way of a call.
 *
 * <p>Padded, because a collection puts slots side by side, and each call writes the depth: of two
 * threads that call, each its own server, each would take the other one's cache line away, call by
 * call, which made calls twice as slow.
 */
final class CallSlot extends Padded {
  /**
   * Calls inside calls: more is a runaway recursion, refused before the host's stack is at its end.
   */
  static final int DEPTH = 32;

  /** Slots of all living threads. */
  static final Set<CallSlot> ALL = ConcurrentHashMap.newKeySet();

  /** Errors that an aborted call gets with a pause after each; then one at each poll. */
  static final int LENIENT = 8;

  /** Polls that pass after one of the first errors, so that locks can be given back. */
  static final int PAUSE = 1_000;

  /** Interrupts that a call which waits is sent, one at each look of the watchdog. */
  private static final int INTERRUPTS = 100;

  private static final VarHandle CELLS;
  private static final VarHandle DEPTHS;

  static {
    try {
      CELLS = MethodHandles.lookup().findVarHandle(CallSlot.class, "cells", long[].class);
      DEPTHS = MethodHandles.lookup().findVarHandle(CallSlot.class, "depth", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

  private static final ThreadLocal<CallSlot> OF_THREAD =
      ThreadLocal.withInitial(CallSlot::ofCurrentThread);

  /** Slots by the last bits of their thread's number; a race costs a look-up. */
  private static final CallSlot[] RECENT = new CallSlot[256];

  private static final CallSlot NOBODY = new CallSlot(new Thread("nobody"));

  static {
    Arrays.fill(RECENT, NOBODY);
  }

  /** Calls of threads that are no more, by gate number; guarded by ALL. */
  private static long[] past = new long[64];

  final Thread host;

  /** Of {@link #host}; no thread that comes later has it. */
  private final long thread;

  /**
   * What the thread is inside: at 0 what stands for none, then the {@link Gate#mark} of each call,
   * up to the depth, at {@link #DEPTH} at most. Behind that the calls entered, by the gate's
   * number, summed by who reports. In one array, because a call is as slow as the loads that it
   * makes; longs and no references, because a reference is stored with three instructions more for
   * the collector.
   *
   * <p>Replaced by a longer one by its own thread, before a depth: others read it after the depth.
   */
  private long[] cells = new long[128];

  /** The badges of calls whose mark says that they have one. */
  private final long[] badges = new long[DEPTH + 1];

  /** Levels in use; read plainly by the own thread only. */
  private int depth;

  /** Which call of an endpoint to itself a level is, as {@link #count} counts the others. */
  private final long[] nested = new long[DEPTH + 1];

  private long nestings;

  /** Levels with a call that the watchdog gave up, as bits; its late return looks closer. */
  private volatile long abandoned;

  /** Which call was given up there; written before the bit is set. */
  private final @Nullable Visit[] abandonedVisits = new @Nullable Visit[DEPTH + 1];

  /** What the watchdog saw at its last look; used by its thread only. */
  final @Nullable Visit[] seen = new @Nullable Visit[DEPTH + 1];

  final int[] seenTicks = new int[DEPTH + 1];

  /** Of those, the ones that came in time; for {@link Stalls}. */
  final int[] seenStalled = new int[DEPTH + 1];

  /** Processor time of the thread in the middle of what may be a stall, in nanoseconds. */
  final long[] seenProcessorNanos = new long[DEPTH + 1];

  /**
   * A call as others see it.
   *
   * @param mark its gate's
   * @param call how many calls its thread had made through that gate, or to itself from inside
   */
  record Visit(long mark, long call) {}

  // How often the call that ends now was told so; used by the own thread only:
  private int thrown;
  private int passed;

  /** Interrupts sent to the call that was given up last; guarded by this. */
  private int interrupts;

  /** See {@link #handsOver}; guarded by this. */
  private boolean handsOver;

  /** Waits at a gate: the time counts for the gate's deadline, not for the callers'. */
  volatile boolean waiting;

  /** Waits in the core for something that has a limit of its own: it is not stuck. */
  volatile boolean waitsInCore;

  /** Belongs to a worker, whose rounds are no calls; set before it starts. */
  boolean worker;

  /** The slot of a thread that runs; who makes it adds it to {@link #ALL}. */
  CallSlot(Thread host) {
    this.host = host;
    thread = host.threadId();
    cells[0] = Gate.OUTSIDE;
  }

  private static CallSlot ofCurrentThread() {
    CallSlot slot = new CallSlot(Thread.currentThread());
    ALL.add(slot);
    return slot;
  }

  /** The slot of the current thread. */
  static CallSlot current() {
    Thread thread = Thread.currentThread();
    long id = thread.threadId();
    int at = (int) id & RECENT.length - 1;
    CallSlot recent = RECENT[at];
    return recent.thread == id ? recent : find(thread, at);
  }

  /**
   * The same for a call through a capability. Not the same method, because the compiler goes by how
   * often a method's branches were taken: threads of the core come and go and do not find their
   * slot at once, those that call do. After some hundred swaps each call took 1.3 ns more.
   */
  static CallSlot ofCaller() {
    Thread thread = Thread.currentThread();
    long id = thread.threadId();
    CallSlot recent = RECENT[(int) id & RECENT.length - 1];
    return recent.thread == id ? recent : current();
  }

  private static CallSlot find(Thread thread, int at) {
    CallSlot slot = thread instanceof HostThread host ? host.slot : OF_THREAD.get();
    RECENT[at] = slot;
    return slot;
  }

  /** Levels in use, for the own thread: what {@link #popTo} is given later. */
  int depth() {
    return depth;
  }

  /** The marks by level, to be read by the own thread and handed to {@link #push}. */
  long[] cells() {
    return cells;
  }

  /** Notes that this thread goes into {@code gate}; whether it is open is read after this. */
  void push(Gate gate, long badge) {
    push(cells, depth, gate, gate.mark, badge);
  }

  /** The same for who has {@link #cells}, {@link #depth} and the gate's mark at hand already. */
  void push(long[] at, int below, Gate gate, long mark, long badge) {
    int level = below + 1;
    if (level > DEPTH) {
      throw tooDeep(gate);
    }
    long noted = mark;
    if (badge != 0) {
      badges[level] = badge;
      noted |= Gate.BADGE;
    }
    LONGS.setOpaque(at, level, noted);
    if (CallGuard.ASYMMETRIC) {
      DEPTHS.setRelease(this, level);
    } else {
      DEPTHS.setVolatile(this, level);
    }
  }

  private static CallFailed tooDeep(Gate gate) {
    gate.uncounted.increment();
    return new CallFailed.BadRequest(
        "call to "
            + gate.path
            + " refused: "
            + DEPTH
            + " calls inside each other; look for servers"
            + " that call themselves");
  }

  /** Leaves the last level; says whether the watchdog gave that call up in the meantime. */
  boolean pop() {
    return popTo(depth - 1);
  }

  /**
   * Leaves the level above {@code below}, which was {@link #depth} before the push. The caller
   * keeps it in a register: so the next push does not wait for what this one loads.
   */
  boolean popTo(int below) {
    if (depth != below + 1) {
      unwindTo(below + 1);
    }
    return leave(below);
  }

  private boolean leave(int below) {
    boolean late = abandoned != 0 && wasAbandoned(below + 1);
    // Last: where the host's stack ends before this, the call around sees it.
    DEPTHS.setRelease(this, below);
    return late;
  }

  /**
   * Leaves all that is above {@code level}: when the host's stack was at its end, an entry or an
   * exit further in could not be finished, and the thread would seem to be inside for ever. Also
   * where a server caught that error and returned as if nothing had been.
   */
  void unwindTo(int level) {
    while (depth > level) {
      boolean unused = leave(depth - 1);
    }
    depth = level; // it is less where a push that should have put a level back was cut short
  }

  private synchronized boolean wasAbandoned(int level) {
    if ((abandoned & 1L << level) == 0) {
      return false;
    }
    boolean late = isAbandoned(level);
    abandoned &= ~(1L << level);
    Aborts.end();
    thrown = 0;
    passed = 0;
    if (interrupts > 0) {
      interrupts = 0;
      boolean unused = Thread.interrupted(); // it was meant for the call that has ended
    }
    return late;
  }

  /** A poll of the own thread: throws when the innermost call was given up. */
  void poll() {
    if (depth == 0 || !isAbandoned(depth)) {
      return;
    }
    if (thrown > 0 && thrown <= LENIENT && passed < PAUSE) {
      passed++;
      return;
    }
    thrown++;
    passed = 0;
    Gate gate = Gate.marked(at(depth));
    throw new Aborts.CallAborted(gate == null ? "an endpoint that is no more" : gate.path);
  }

  /**
   * The own thread begins or ends to wait for a hand-over, which has to be done though the call in
   * which it was asked for was given up: an interrupt would cut it off.
   */
  synchronized void handsOver(boolean begins) {
    handsOver = begins;
    waitsInCore = begins; // with the limits of phases: it is not stuck
    if (begins && interrupts > 0) {
      interrupts = 0;
      boolean unused = Thread.interrupted();
    }
  }

  /**
   * The watchdog: a call that was given up and waits for something is interrupted, so that it comes
   * to a poll. One that runs is not: an interrupt closes the file it may be reading.
   */
  synchronized void interruptWait(Core core) {
    tidy();
    int level = 63 - Long.numberOfLeadingZeros(abandoned);
    if (level < 0
        || handsOver
        || interrupts >= INTERRUPTS
        || level != deepest()
        || !isAbandoned(level)) {
      return;
    }
    Gate gate = Gate.marked(at(level));
    // An instance that is being opened or saved stands in no gate.
    if (gate == null ? Gate.number(at(level)) != Gate.UNNUMBERED : gate.core() != core) {
      return;
    }
    Thread.State state = host.getState();
    if (state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING) {
      interrupts++;
      host.interrupt();
    }
  }

  /**
   * Takes back what came too late: the call returned, and did not see it, just when it was given
   * up. Else every poll would go on looking for it as long as this thread makes no other call.
   */
  private void tidy() {
    for (long bits = abandoned; bits != 0; bits &= bits - 1) {
      int level = Long.numberOfTrailingZeros(bits);
      if (!isAbandoned(level)) {
        abandoned &= ~(1L << level);
        Aborts.end();
      }
    }
  }

  /** As another thread sees it: the gate of the innermost call. */
  @Nullable Gate innermostSeen() {
    return Gate.marked(at(deepest()));
  }

  /** Whether the call that is at {@code level} now was given up. */
  boolean isAbandoned(int level) {
    return (abandoned & 1L << level) != 0 && visit(level).equals(abandonedVisits[level]);
  }

  /** Gives that call at {@code level} up; its return will see it. */
  synchronized void abandon(int level, Visit visit) {
    abandonedVisits[level] = visit;
    if ((abandoned & 1L << level) == 0) {
      abandoned |= 1L << level;
      Aborts.begin();
    }
  }

  /**
   * The call that is about to take a level comes from inside the same gate. To count it there would
   * make the outer one look like another call.
   */
  void nest(int level) {
    if (level <= DEPTH) {
      LONGS.setOpaque(nested, level, ++nestings);
    }
  }

  /** Counts a call through the gate's number, before it is pushed; answers {@link #cells}. */
  long[] count(long[] at, int number) {
    try {
      LONGS.setOpaque(at, number, at[number] + 1);
      return at;
    } catch (IndexOutOfBoundsException e) {
      long[] longer = Arrays.copyOf(at, Math.max(number + 1, at.length * 2));
      longer[number]++;
      CELLS.setRelease(this, longer);
      return longer;
    }
  }

  long counted(int number) {
    long[] counts = (long[]) CELLS.getAcquire(this);
    return number < counts.length ? (long) LONGS.getOpaque(counts, number) : 0;
  }

  /** The slot's thread is no more: what it counted is kept. */
  void retire() {
    synchronized (ALL) {
      if (!ALL.remove(this)) {
        return;
      }
      synchronized (this) {
        for (long bits = abandoned; bits != 0; bits &= bits - 1) {
          Aborts.end();
        }
        abandoned = 0;
      }
      int at = (int) thread & RECENT.length - 1;
      if (RECENT[at] == this) {
        RECENT[at] = NOBODY;
      }
      long[] counts = (long[]) CELLS.getAcquire(this);
      if (counts.length > past.length) {
        past = Arrays.copyOf(past, counts.length);
      }
      for (int number = DEPTH + 1; number < counts.length; number++) {
        past[number] += counts[number];
      }
    }
  }

  /** Calls through the gate with that number, by all threads ever. */
  static long callsOf(int number) {
    synchronized (ALL) {
      long sum = number < past.length ? past[number] : 0;
      for (CallSlot slot : ALL) {
        sum += slot.counted(number);
      }
      return sum;
    }
  }

  /** The mark at a level from 1 on, as another thread sees it; 0 when nothing is there. */
  long at(int level) {
    return level == 0 || level > deepest()
        ? 0
        : (long) LONGS.getOpaque((long[]) CELLS.getAcquire(this), level) & ~Gate.BADGE;
  }

  /** The call at a level, as another thread sees it. */
  Visit visit(int level) {
    long mark = at(level);
    boolean own = mark != 0 && mark == at(level - 1);
    long call = own ? (long) LONGS.getOpaque(nested, level) : counted(Gate.number(mark));
    return new Visit(mark, call);
  }

  /** The innermost level with a call in it, as another thread sees it; 0 outside of all. */
  int deepest() {
    return (int) DEPTHS.getVolatile(this);
  }

  /** As another thread sees it: whether the slot's thread is inside one of {@code set}. */
  boolean insideAnyOf(Set<Gate> set) {
    for (int level = 1; level <= DEPTH && at(level) != 0; level++) {
      if (isOneOf(at(level), set) && !isAbandoned(level)) {
        return true;
      }
    }
    return false;
  }

  /** As another thread sees it: whether that mark is at any level, given up or not. */
  boolean noted(long mark) {
    for (int level = 1; level <= DEPTH; level++) {
      if (at(level) == mark) {
        return true;
      }
    }
    return false;
  }

  private static boolean isOneOf(long mark, Set<Gate> set) {
    for (Gate gate : set) {
      if (gate.mark == mark) {
        return true;
      }
    }
    return false;
  }

  /** The badge of the innermost call's capability, 0 outside of all. For the own thread. */
  long badge() {
    return (cells[depth] & Gate.BADGE) != 0 ? badges[depth] : 0;
  }

  /** Whether a level holds a call through a capability, not a worker's round. */
  boolean isCall(int level) {
    return level > 1 || !worker;
  }

  /** Whether this thread is inside one of {@code set}. For the own thread. */
  boolean isInsideAny(Set<Gate> set) {
    for (int level = depth; level > 0; level--) {
      if (isOneOf(at(level), set)) {
        return true;
      }
    }
    return false;
  }
}
