package duality.kernel.core;

import static duality.kernel.FailureReport.Kind.NONSENSE;

import duality.kernel.CallFailed;
import duality.kernel.Protocol;
import duality.kernel.Scheduler;
import duality.kernel.core.ThreadObject.Doing;
import duality.kernel.processor.Exit;
import duality.kernel.processor.Lines;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The processors: tokens that host threads carry while they run threads of the kernel.
 *
 * <p>A host thread that is about to wait in the kernel hands its token to a spare one and queues
 * for a token again afterwards, so that a held gate costs nobody else a processor. A host thread
 * whose call the watchdog gave up loses its token for good.
 *
 * <p>There is no timer thread: an idle processor parks until the earliest wake-up of a waiting
 * thread, a busy one looks each time the engine comes back.
 */
final class Processors {
  /** Aim for the time between two looks at the clock; the budget in instructions follows it. */
  private static final long LOOK_NANOS = 1_000_000;

  private static final long LEAST_BUDGET = 5_000;
  private static final long MOST_BUDGET = 2_000_000;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final boolean CPU_TIME = THREADS.isCurrentThreadCpuTimeSupported();
  private static final long LONGEST_PARK_NANOS = 100_000_000;

  /** A slice so short that nothing was done in it would keep the thread from going on for ever. */
  private static final long LEAST_SLICE_NANOS = 20_000;

  /** So often at least the scheduler is asked, whatever slices it gives. */
  private static final long MOST_SLICE_NANOS = 100_000_000;

  private static final long RETRY_NANOS = 10_000_000;

  /** At most so often are host threads replaced by fresh ones. */
  private static final long RENEW_NANOS = 250_000_000;

  /** One processor. */
  static final class Token {
    final int number;
    final AtomicBoolean idle = new AtomicBoolean();
    volatile boolean makeRoom;
    volatile @Nullable ThreadObject running;
    volatile @Nullable Host host;

    // What the scheduler answered, for who judges it; written by the host that carries the token:
    volatile long chosen;
    volatile long nobodies;

    /** Picks in a row of what cannot run. */
    volatile long nonsense;

    /** Counts what was asked; odd from the question on until what was picked has been taken. */
    volatile long asks;

    Token(int number) {
      this.number = number;
    }
  }

  /** A host thread that can carry a token. */
  static final class Host extends HostThread {
    /** Taken away by one party only, hence getAndSet. */
    final AtomicReference<@Nullable Token> token = new AtomicReference<>();

    volatile @Nullable ThreadObject carrying;

    /** See {@link Processors#renew}. */
    final int generation;

    /** Odd while in a call-out; -1 once the watchdog took the token away. One of the two wins. */
    final AtomicLong callout = new AtomicLong();

    Host(Processors processors, int number) {
      super("processor host " + number, () -> processors.body((Host) Thread.currentThread()));
      generation = processors.generation;
    }
  }

  private final Core core;
  private final Scheduling scheduling;
  private final Token[] tokens;
  private final Queue<Host> returning = new ConcurrentLinkedQueue<>();
  private final AtomicLong earliest = new AtomicLong(Long.MAX_VALUE);
  private volatile boolean stopped;

  // Of host threads; see renew:
  private volatile int generation;
  private volatile boolean renewWanted;
  private long renewedAt = System.nanoTime();

  // Guarded by hosts:
  private final List<Host> hosts = new ArrayList<>();
  private final ArrayDeque<Host> spares = new ArrayDeque<>();

  Processors(Core core, Scheduling scheduling, int count) {
    this.core = core;
    this.scheduling = scheduling;
    tokens = new Token[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = new Token(i);
    }
  }

  void start() {
    for (Token token : tokens) {
      giveToSpare(token);
    }
  }

  int count() {
    return tokens.length;
  }

  Token[] tokens() {
    return tokens;
  }

  /** An idle processor looks whether there is something to do. */
  static void look(Token token) {
    if (token.idle.compareAndSet(true, false)) {
      unpark(token);
    }
  }

  /**
   * A server is no more. What it left in thread-locals of the kernel's threads would keep its
   * classes, and Java lets nobody clear those of a thread; so these threads are replaced by fresh
   * ones when they are at rest, for many servers at once.
   */
  void serverGone() {
    renewWanted = true;
  }

  /** The watchdog's look: whether it is time for fresh threads. */
  void renew(long now) {
    if (renewWanted && now - renewedAt > RENEW_NANOS) {
      renewWanted = false;
      renewedAt = now;
      generation++;
      synchronized (hosts) {
        spares.forEach(LockSupport::unpark);
      }
    }
  }

  /** Host threads of an earlier generation end as soon as they are at rest. */
  int generation() {
    return generation;
  }

  /** Whether the current thread is one that carries processors. */
  static boolean isHost() {
    return Thread.currentThread() instanceof Host;
  }

  /** Whether somebody waits for the thread that the current host carries to come to rest. */
  static boolean carriedShallRest() {
    if (!(Thread.currentThread() instanceof Host host)) {
      return false;
    }
    ThreadObject carried = host.carrying;
    return carried != null && carried.shallRest();
  }

  /** Whether the current host thread is in a handler of that thread. */
  static boolean carries(ThreadObject thread) {
    return Thread.currentThread() instanceof Host host && host.carrying == thread;
  }

  // Tokens

  private void give(Token token, Host host) {
    token.host = host;
    host.token.set(token);
    LockSupport.unpark(host);
  }

  private void giveToSpare(Token token) {
    Host next = returning.poll();
    if (next != null) {
      give(token, next);
      return;
    }
    Host fresh = null;
    synchronized (hosts) {
      next = spares.poll();
      if (next == null) {
        fresh = new Host(this, hosts.size());
        hosts.add(fresh);
      }
    }
    if (next != null) {
      give(token, next);
    } else if (fresh != null) {
      give(token, fresh);
      fresh.start();
    }
  }

  /**
   * Waits in the kernel on behalf of a caller: a processor's host gives its token away meanwhile.
   * For a wait at the scheduler's gate it keeps it, because nobody could use it.
   */
  <T> T waiting(int rank, Supplier<T> wait) {
    if (!(Thread.currentThread() instanceof Host host) || rank <= Protocol.SCHEDULER) {
      return wait.get();
    }
    Token token = host.token.getAndSet(null);
    if (token == null) {
      return wait.get();
    }
    token.running = null;
    giveToSpare(token);
    try {
      return wait.get();
    } finally {
      takeToken(host);
    }
  }

  private void takeToken(Host host) {
    if (host.callout.get() == -1) {
      return; // the watchdog has given this host up; it ends when it gets back to its loop
    }
    returning.add(host);
    for (Token token : tokens) {
      if (token.idle.compareAndSet(true, false)) {
        unpark(token);
        break;
      }
    }
    while (host.token.get() == null && !stopped && host.callout.get() != -1) {
      LockSupport.parkNanos(LONGEST_PARK_NANOS);
    }
    returning.remove(host);
    Token token = host.token.get();
    if (token != null) {
      token.running = host.carrying;
    }
  }

  private static void unpark(Token token) {
    Host host = token.host;
    if (host != null) {
      LockSupport.unpark(host);
    }
  }

  // Host threads

  private void body(Host host) {
    while (!stopped && host.callout.get() != -1) {
      Token token = host.token.get();
      if (token == null) {
        if (host.generation != generation && isSpare(host)) {
          break;
        }
        LockSupport.parkNanos(LONGEST_PARK_NANOS);
        continue;
      }
      if (host.generation != generation) {
        break; // another one gets the token
      }
      Host next = returning.poll();
      if (next != null) {
        host.token.set(null);
        synchronized (hosts) {
          spares.add(host);
        }
        give(token, next);
        continue;
      }
      boolean unused = Thread.interrupted(); // a server's doing: nobody else interrupts a processor
      try {
        serve(host, token);
      } catch (GivenUp e) {
        core.trace("processor " + token.number + " goes on with another host thread");
      } catch (RuntimeException | Error e) {
        // Whatever a scheduler's or the kernel's fault was, the processor must not go with it.
        core.trace("processor " + token.number + ": " + Gate.describe(e));
        long serial = host.callout.get();
        if ((serial & 1) != 0 && !host.callout.compareAndSet(serial, serial + 1)) {
          continue; // the watchdog was faster, and has seen to the thread
        }
        ThreadObject carried = host.carrying;
        host.carrying = null;
        if (carried != null) {
          stall(carried);
        }
      }
    }
    synchronized (hosts) {
      hosts.remove(host);
      spares.remove(host);
    }
    Token left = host.token.getAndSet(null);
    if (left != null && !stopped) {
      giveToSpare(left);
    }
  }

  /** Whether it was a spare; it is none any more, so that nobody gives it a token. */
  private boolean isSpare(Host host) {
    synchronized (hosts) {
      return spares.remove(host);
    }
  }

  /** The watchdog took the token while this host was in a call-out. */
  private static final class GivenUp extends RuntimeException {
    private static final long serialVersionUID = 1;

    GivenUp() {
      super(null, null, false, false);
    }
  }

  /** From here on the watchdog may give this host up, and its thread to another one. */
  static void calloutBegins(Host host) {
    long serial = host.callout.get();
    if (serial == -1) {
      throw new GivenUp();
    }
    host.callout.set(serial + 1);
  }

  /** The call is over: throws when the host was given up, and may touch its thread no more. */
  static void calloutEnds(Host host) {
    long serial = host.callout.get();
    if (serial == -1 || !host.callout.compareAndSet(serial, serial + 1)) {
      throw new GivenUp();
    }
  }

  /** The watchdog: this host is stuck in a call; its processor and its thread go on without it. */
  void giveUp(Thread thread, java.util.function.BooleanSupplier stillInside, String why) {
    if (!(thread instanceof Host host)) {
      return;
    }
    long serial = host.callout.get();
    if (serial == -1 || (serial & 1) == 0 || !stillInside.getAsBoolean()) {
      return;
    }
    ThreadObject carried = host.carrying;
    if (!host.callout.compareAndSet(serial, -1)) {
      return;
    }
    Token token = host.token.getAndSet(null);
    host.carrying = null;
    if (carried != null) {
      core.trace(carried.name + " is repeated: " + why);
      stall(carried);
    }
    if (token != null) {
      token.running = null;
      giveToSpare(token);
    }
  }

  /** Sets a thread aside for a moment, to try again then. It is RUNNING, by nobody. */
  private void stall(ThreadObject thread) {
    thread.wakeAt = System.nanoTime() + RETRY_NANOS;
    thread.set(Doing.WAITING);
    wakeNoLaterThan(thread.wakeAt);
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer: the host that carries the token
  private void serve(Host host, Token token) {
    wakeExpired(System.nanoTime());
    long ask = (token.asks | 1) + 2;
    token.asks = ask;
    long choice = pick(host, token);
    ThreadObject thread = taken(host, token, choice);
    if (token.asks == ask) { // a host that was given up has no token any more
      token.asks = ask + 1;
    }
    if (thread != null) {
      long sliceNanos = Scheduler.sliceNanos(choice);
      run(host, token, thread, Math.clamp(sliceNanos, LEAST_SLICE_NANOS, MOST_SLICE_NANOS));
    } else if (choice == Scheduler.NOBODY) {
      idle(host, token);
    }
  }

  /** What the scheduler chose, RUNNING now; null when that cannot run. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer: the host that carries the token
  private @Nullable ThreadObject taken(Host host, Token token, long choice) {
    if (choice == Scheduler.NOBODY) {
      token.nobodies++;
      token.nonsense = 0;
      return null;
    }
    token.idle.set(false);
    int id = Scheduler.thread(choice);
    ThreadObject thread = core.threadOrNull(id);
    if (thread == null) {
      if (core.wasThread(id)) {
        token.nonsense++;
      } else {
        scheduling.broken(NONSENSE, "it picked thread " + id + ", which does not exist");
      }
      return null;
    }
    if (Scheduler.sliceNanos(choice) == 0) {
      scheduling.broken(NONSENSE, "it gave " + thread.name + " a slice of 0 ns");
      return null;
    }
    if (!thread.take(Doing.READY, Doing.RUNNING)) {
      token.nonsense++;
      report(host, token, thread, 0, false);
      return null;
    }
    thread.queuedAt = 0;
    token.chosen++;
    token.nonsense = 0;
    return thread;
  }

  private long pick(Host host, Token token) {
    calloutBegins(host);
    long choice = scheduling.pick(token.number);
    calloutEnds(host);
    return choice;
  }

  private void report(Host host, Token token, ThreadObject thread, long nanos, boolean ready) {
    calloutBegins(host);
    scheduling.ran(token.number, thread, nanos, ready);
    calloutEnds(host);
  }

  /**
   * Nobody can run. Marks the processor idle and comes back once more before it parks: a thread
   * made ready before the mark is found by that second pick, one made ready after it unparks us.
   */
  private void idle(Host host, Token token) {
    if (token.idle.compareAndSet(false, true)) {
      return;
    }
    long park = Math.min(earliest.get() - System.nanoTime(), LONGEST_PARK_NANOS);
    if (park > 0) {
      LockSupport.parkNanos(this, park);
    }
    token.idle.set(false);
  }

  // Threads that become ready

  /** Tells the scheduler of a thread that was made READY, and sees to it that a processor looks. */
  void announce(ThreadObject thread) {
    Host host = Thread.currentThread() instanceof Host h && (h.callout.get() & 1) == 0 ? h : null;
    if (host != null) {
      calloutBegins(host);
    }
    thread.queuedAt = 0;
    int room = scheduling.ready(thread);
    thread.queuedAt = System.nanoTime();
    if (host != null) {
      calloutEnds(host);
    }
    for (Token token : tokens) {
      if (token.idle.compareAndSet(true, false)) {
        unpark(token);
        return;
      }
    }
    if (room >= 0 && room < tokens.length) {
      makeRoom(tokens[room]);
    }
  }

  private static void makeRoom(Token token) {
    token.makeRoom = true;
    ThreadObject running = token.running;
    if (running != null) {
      running.lines.raise(Lines.ATTENTION);
    }
  }

  void gone(ThreadObject thread) {
    scheduling.gone(thread);
  }

  private void wakeNoLaterThan(long nanos) {
    earliest.accumulateAndGet(nanos, Math::min);
    // Who calls this is a processor's host or the watchdog. A host parks until `earliest` itself;
    // for the
    // watchdog's sake an idle processor is woken to look.
    if (!(Thread.currentThread() instanceof Host)) {
      for (Token token : tokens) {
        if (token.idle.compareAndSet(true, false)) {
          unpark(token);
          return;
        }
      }
    }
  }

  private void wakeExpired(long now) {
    if (earliest.get() - now > 0) {
      return;
    }
    // The minimum is made anew. A thread that starts to wait meanwhile adds its own time after it
    // announced that it waits, so it is either found here or lowers the new minimum.
    earliest.set(Long.MAX_VALUE);
    long next = Long.MAX_VALUE;
    for (ThreadObject thread : core.allThreads()) {
      if (thread.doing() == Doing.WAITING) {
        long at = thread.wakeAt;
        if (at <= now) {
          thread.wake();
        } else {
          next = Math.min(next, at);
        }
      }
    }
    earliest.accumulateAndGet(next, Math::min);
  }

  // Running a thread

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer: the processor that runs the thread
  private void run(Host host, Token token, ThreadObject thread, long sliceNanos) {
    long start = System.nanoTime();
    long used = processorTime();
    thread.processor = token.number;
    thread.picks++;
    host.carrying = thread;
    token.makeRoom = false;
    token.running = thread;
    Doing next;
    do {
      next = step(host, thread, start, sliceNanos);
    } while (next == Doing.RUNNING);
    long spent = processorTime() - used;
    thread.cpuNanos += spent;
    Token carried = carried(host);
    carried.running = null;
    if (thread.suspendWanted()) {
      next = Doing.SUSPENDED;
    }
    if (next == Doing.READY) {
      host.carrying = null;
      thread.queuedAt = 0;
      thread.set(Doing.READY); // before the scheduler can pick it again
      report(host, carried, thread, spent, true);
      thread.queuedAt = System.nanoTime();
      return;
    }
    report(host, carried, thread, spent, false); // before anybody can make it ready again
    host.carrying = null;
    thread.set(next);
    if (next == Doing.WAITING) {
      wakeNoLaterThan(thread.wakeAt);
      if (thread.lines.wordAcquire() != thread.linesSeen) {
        thread.wake();
      }
    } else if (!thread.suspendWanted()) {
      thread.resume(); // somebody resumed it while it was on its way to rest
    }
  }

  /**
   * Processor time of this host thread: a host that takes the processor away is not the guest's
   * doing.
   */
  private static long processorTime() {
    return CPU_TIME ? THREADS.getCurrentThreadCpuTime() : System.nanoTime();
  }

  private static Token carried(Host host) {
    Token token = host.token.get();
    if (token == null) {
      throw new GivenUp();
    }
    return token;
  }

  /** Runs the engine once and serves its exit; answers what the thread does next. */
  private Doing step(Host host, ThreadObject thread, long start, long sliceNanos) {
    // Lowered first, looked at afterwards: who wants something sets its wish before it raises the
    // line.
    thread.lines.lower(Lines.ATTENTION);
    if (thread.suspendWanted()) {
      return Doing.SUSPENDED;
    }
    long now = System.nanoTime();
    if (stopped || carried(host).makeRoom || now - start >= sliceNanos) {
      return Doing.READY;
    }
    wakeExpired(now);
    if (!thread.hasHart()) {
      thread.linesSeen = thread.lines.wordAcquire();
      thread.wakeAt = now + RETRY_NANOS;
      return Doing.WAITING;
    }
    int exit;
    try {
      exit = thread.runEngine(thread.budget);
    } catch (RuntimeException | Error e) {
      core.trace(thread.name + " is suspended, its engine failed: " + Gate.describe(e));
      thread.wantSuspend();
      return Doing.RUNNING;
    }
    if (exit == Exit.BUDGET) {
      // An engine is slow while the host compiles it: the budget is what it did in a millisecond.
      long took = Math.max(System.nanoTime() - now, 1);
      long pace = (long) ((double) thread.budget * LOOK_NANOS / took);
      thread.budget = Math.clamp(pace, LEAST_BUDGET, MOST_BUDGET);
    }
    if (exit == Exit.BUDGET || exit == Exit.ATTENTION) {
      return Doing.RUNNING;
    }
    if (exit == Exit.WAIT) {
      thread.linesSeen = thread.lines.wordAcquire();
      thread.wakeAt = thread.hart().wakeNanos();
      return thread.hart().interruptPending() ? Doing.RUNNING : Doing.WAITING;
    }
    try {
      return Exits.serve(thread, exit, host);
    } catch (CallFailed.Revoked e) {
      core.trace(thread.name + " is suspended: " + e.getMessage());
      thread.wantSuspend();
      return Doing.RUNNING;
    } catch (CallFailed e) {
      // No value is invented for a hart that meets a missing server: it is set aside and repeats.
      core.stalled(thread, e);
      thread.linesSeen = thread.lines.wordAcquire();
      thread.wakeAt = System.nanoTime() + RETRY_NANOS;
      return Doing.WAITING;
    } catch (GivenUp e) {
      throw e;
    } catch (RuntimeException | Error e) {
      core.trace(thread.name + " is suspended, its exit could not be served: " + Gate.describe(e));
      thread.wantSuspend();
      return Doing.RUNNING;
    }
  }

  /**
   * Queues every READY thread again, after the order of a scheduler was lost. Asks no scheduler,
   * not even a new one: the watchdog does this, and may not hang in a server.
   */
  void requeue(Collection<ThreadObject> threads) {
    for (ThreadObject thread : threads) {
      if (thread.doing() == Doing.READY) {
        scheduling.queue(thread);
        thread.queuedAt = System.nanoTime();
      }
    }
    for (Token token : tokens) {
      look(token);
    }
  }

  /** Stops all processors and waits for their hosts, at most a second each. */
  void stop() {
    stopped = true;
    List<Host> all;
    synchronized (hosts) {
      all = new ArrayList<>(hosts);
    }
    for (Token token : tokens) {
      makeRoom(token);
    }
    for (Host host : all) {
      LockSupport.unpark(host);
      try {
        host.join(1_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
