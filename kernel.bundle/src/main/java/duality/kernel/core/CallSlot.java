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
 * argument that no call is missed is Dekker's: the caller writes its slot with a volatile store and
 * then reads whether the gate is open; the drainer closes the gate with a volatile store and then
 * reads the slots. In the total order of volatile accesses one of the two stores is first, so
 * either the caller sees the closed gate and steps back, or the drainer sees the caller inside.
 * Leaving is a release store: all that the call did happens before the drainer sees the level
 * empty.
 *
 * <p>The watchdog reads {@code serials} to see whether a level still holds the same call; no clock
 * is read on the way of a call.
 */
final class CallSlot {
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

  private static final VarHandle GATES = MethodHandles.arrayElementVarHandle(Gate[].class);
  private static final VarHandle STUBS = MethodHandles.arrayElementVarHandle(Stub[].class);
  private static final VarHandle SERIALS = MethodHandles.arrayElementVarHandle(long[].class);
  private static final ThreadLocal<CallSlot> OF_THREAD =
      ThreadLocal.withInitial(CallSlot::ofCurrentThread);

  /** Calls of threads that are no more, by gate number; guarded by ALL. */
  private static long[] past = new long[64];

  final Thread host;
  private final @Nullable Gate[] gates = new Gate[DEPTH];
  private final @Nullable Stub[] stubs = new Stub[DEPTH];
  private final long[] serials = new long[DEPTH];

  /** Levels with a call that the watchdog gave up, as bits; its late return looks closer. */
  private volatile int abandoned;

  /** Serials of the calls given up, by level; guarded by this. */
  private final long[] abandonedSerials = new long[DEPTH];

  /** Calls entered, by the gate's number; single writer, summed by who reports. */
  private volatile long[] calls = new long[64];

  private int depth;

  // How often the call that ends now was told so; used by the own thread only:
  private int thrown;
  private int passed;

  /** Interrupts sent to the call that was given up last; guarded by this. */
  private int interrupts;

  /** Waits at a gate: the time counts for the gate's deadline, not for the callers'. */
  volatile boolean waiting;

  /** What the watchdog saw at its last look; used by its thread only. */
  final long[] seenSerials = new long[DEPTH];

  final int[] seenTicks = new int[DEPTH];

  /** The slot of a thread that runs; who makes it adds it to {@link #ALL}. */
  CallSlot(Thread host) {
    this.host = host;
  }

  private static CallSlot ofCurrentThread() {
    CallSlot slot = new CallSlot(Thread.currentThread());
    ALL.add(slot);
    return slot;
  }

  /** The slot of the current thread. */
  static CallSlot current() {
    return Thread.currentThread() instanceof HostThread host ? host.slot : OF_THREAD.get();
  }

  /** Notes that this thread goes into {@code gate}; a full fence follows. */
  int push(Gate gate, @Nullable Stub stub) {
    int level = depth;
    if (level == DEPTH) {
      throw new CallFailed.BadRequest(
          "call to "
              + gate.path
              + " refused: "
              + DEPTH
              + " calls inside each other; look for servers"
              + " that call themselves");
    }
    stubs[level] = stub;
    SERIALS.setOpaque(serials, level, serials[level] + 1);
    GATES.setVolatile(gates, level, gate);
    depth = level + 1;
    return level;
  }

  /** Leaves the last level; says whether the watchdog gave that call up in the meantime. */
  boolean pop() {
    int level = --depth;
    GATES.setRelease(gates, level, (Gate) null);
    stubs[level] = null;
    return (abandoned & 1 << level) != 0 && wasAbandoned(level);
  }

  private synchronized boolean wasAbandoned(int level) {
    abandoned &= ~(1 << level);
    Aborts.end();
    thrown = 0;
    passed = 0;
    if (interrupts > 0) {
      interrupts = 0;
      boolean unused = Thread.interrupted(); // it was meant for the call that has ended
    }
    return abandonedSerials[level] == serials[level];
  }

  /** A poll of the own thread: throws when the innermost call was given up. */
  void poll() {
    int level = depth - 1;
    if (level < 0 || !givenUp(level)) {
      return;
    }
    if (thrown > 0 && thrown <= LENIENT && passed < PAUSE) {
      passed++;
      return;
    }
    thrown++;
    passed = 0;
    Gate gate = gates[level];
    throw new Aborts.CallAborted(gate == null ? "nobody" : gate.path);
  }

  /**
   * The watchdog: a call that was given up and waits for something is interrupted, so that it comes
   * to a poll. One that runs is not: an interrupt closes the file it may be reading.
   */
  synchronized void interruptWait(Core core) {
    int level = 31 - Integer.numberOfLeadingZeros(abandoned);
    if (level < 0 || interrupts >= INTERRUPTS || !givenUp(level)) {
      return;
    }
    Gate gate = at(level);
    if (gate == null || gate.core() != core || (level + 1 < DEPTH && at(level + 1) != null)) {
      return;
    }
    Thread.State state = host.getState();
    if (state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING) {
      interrupts++;
      host.interrupt();
    }
  }

  /** As another thread sees it: the gate of the innermost call. */
  @Nullable Gate innermostSeen() {
    Gate innermost = null;
    for (int level = 0; level < DEPTH; level++) {
      Gate gate = at(level);
      if (gate == null) {
        break;
      }
      innermost = gate;
    }
    return innermost;
  }

  /** Whether the call that is at {@code level} now was given up. */
  boolean givenUp(int level) {
    if ((abandoned & 1 << level) == 0) {
      return false;
    }
    synchronized (this) {
      return (abandoned & 1 << level) != 0 && abandonedSerials[level] == serial(level);
    }
  }

  /** Counts a call through the gate's number. */
  void count(int number) {
    long[] counts = calls;
    if (number >= counts.length) {
      counts = Arrays.copyOf(counts, Math.max(number + 1, counts.length * 2));
      calls = counts;
    }
    SERIALS.setOpaque(counts, number, counts[number] + 1);
  }

  long counted(int number) {
    long[] counts = calls;
    return number < counts.length ? (long) SERIALS.getOpaque(counts, number) : 0;
  }

  /** The slot's thread is no more: what it counted is kept. */
  void retire() {
    synchronized (ALL) {
      if (!ALL.remove(this)) {
        return;
      }
      synchronized (this) {
        for (int bits = abandoned; bits != 0; bits &= bits - 1) {
          Aborts.end();
        }
        abandoned = 0;
      }
      long[] counts = calls;
      if (counts.length > past.length) {
        past = Arrays.copyOf(past, counts.length);
      }
      for (int number = 0; number < counts.length; number++) {
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

  /** As another thread sees it: whether the slot's thread is inside one of {@code set}. */
  boolean insideAnyOf(Set<Gate> set) {
    for (int level = 0; level < DEPTH; level++) {
      Gate gate = at(level);
      if (gate != null && set.contains(gate) && !givenUp(level)) {
        return true;
      }
    }
    return false;
  }

  /** The gate of the innermost call, or null outside of all. For the own thread. */
  @Nullable Gate innermost() {
    return depth == 0 ? null : gates[depth - 1];
  }

  /** The capability of the innermost call. For the own thread. */
  @Nullable Stub innermostStub() {
    return depth == 0 ? null : stubs[depth - 1];
  }

  /** Whether this thread is inside one of {@code set} below its last {@code without} levels. */
  boolean insideAny(Set<Gate> set, int without) {
    for (int level = 0; level < depth - without; level++) {
      Gate gate = gates[level];
      if (gate != null && set.contains(gate)) {
        return true;
      }
    }
    return false;
  }

  /** The gate at a level as another thread sees it. */
  @Nullable Gate at(int level) {
    return (Gate) GATES.getVolatile(gates, level);
  }

  /** Whether a level holds a call through a capability, not a worker's round; as others see it. */
  boolean isCall(int level) {
    return STUBS.getOpaque(stubs, level) != null;
  }

  long serial(int level) {
    return (long) SERIALS.getOpaque(serials, level);
  }

  /** Gives the call with that serial at {@code level} up; its return will see it. */
  synchronized void abandon(int level, long serial) {
    abandonedSerials[level] = serial;
    if ((abandoned & 1 << level) == 0) {
      abandoned |= 1 << level;
      Aborts.begin();
    }
  }
}
