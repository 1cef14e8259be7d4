package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Space;
import duality.kernel.ThreadReport;
import duality.kernel.TrapHandler;
import duality.kernel.processor.Engine;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A thread: a hart, its lines, and what it does now.
 *
 * <p>Its state is the truth that schedulers only order: a picked thread runs if it can be taken
 * from READY to RUNNING, so a scheduler that picks nonsense, or the same thread twice, does no
 * harm. The compare-and-set on the state also hands the hart from one host thread to the next.
 */
final class ThreadObject implements KernelThread, KernelObject {
  enum Doing {
    SUSPENDED,
    READY,
    RUNNING,
    WAITING,
    ENDED,

    /** For the moment in which its hart goes to another engine. */
    MOVING
  }

  /** A wish that the hart goes on in another engine; carried out by who has the hart. */
  private static final class Move {
    final @Nullable Engine to;
    private final AtomicBoolean taken = new AtomicBoolean();
    volatile boolean done;
    volatile @Nullable String failure;

    Move(@Nullable Engine to) {
      this.to = to;
    }

    /** Whether it is to be carried out now, by this thread and no other. */
    boolean take() {
      return taken.compareAndSet(false, true);
    }

    /** It is not to be carried out any more, unless somebody is at it. */
    boolean cancel(String why) {
      if (!take()) {
        return false;
      }
      failure = why;
      done = true;
      return true;
    }
  }

  final int id;
  final String name;
  final Lines lines = new Lines();

  // Changed at rest or in its own handler:
  volatile HartMode mode;
  volatile SpaceObject space;

  /** All spaces that it ran in; changed with {@link #registers}. */
  private final Set<SpaceObject> spaces = new HashSet<>();

  private volatile TrapHandler handler;
  private final Core core;
  private final NotificationObject notification;
  private final AtomicReference<Doing> doing = new AtomicReference<>(Doing.SUSPENDED);

  /** The newest wish; an older one is taken back by it. */
  private final AtomicReference<@Nullable Move> wanted = new AtomicReference<>();

  /** Who touches registers from outside and who moves the hart exclude each other. */
  private final Object registers = new Object();

  /** Null while no engine is there; then {@code resting} has its state. */
  private volatile @Nullable Hart hart;

  private volatile @Nullable Engine engine;
  private volatile @Nullable HartState resting;

  /** Odd while inside the engine; see {@link SpaceObject} for the order relied upon. */
  private volatile long engineSerial;

  private volatile boolean suspendWanted;
  private volatile int weight = 100;

  /** Host clock value at which to wake it from WAITING. */
  volatile long wakeAt = Long.MAX_VALUE;

  /** Instructions for one run of the engine; kept by the processor that runs it. */
  volatile long budget = 20_000;

  /** The lines as they were when it was decided that it waits. */
  volatile long linesSeen;

  /** When the scheduler had been told that it can run; 0 while it cannot. */
  volatile long queuedAt;

  // What the watchdog saw of it, used by its thread only: see SchedulerJudge.
  long seenQueuedAt;
  long ticksQueued;
  long chosenBefore;
  long nobodiesBefore;

  // Figures, written by the processor that runs it:
  volatile int processor = -1;
  volatile long cpuNanos;
  volatile long picks;
  volatile long exits;
  volatile long calls;
  volatile long faults;
  volatile long mmio;
  volatile long retired;

  ThreadObject(
      Core core,
      int id,
      String name,
      Engine engine,
      HartMode mode,
      SpaceObject space,
      TrapHandler handler) {
    this.core = core;
    this.id = id;
    this.name = name;
    this.mode = mode;
    this.space = space;
    this.handler = handler;
    this.notification = new NotificationObject(core, name + ":lines", lines, this);
    this.engine = engine;
    this.hart = engine.hart(mode, space, lines, System::nanoTime);
    space.runsIn(this);
    spaces.add(space);
  }

  /** The engine that its hart is of; null when there is none. */
  @Nullable Engine engine() {
    return engine;
  }

  /** Who serves its exits. */
  TrapHandler handler() {
    return handler;
  }

  /** Its handler's endpoint is of another version of its type now. */
  void retypeHandler(Gate gate, Class<?> type) {
    if (handler instanceof Stub stub && stub.leadsTo() == gate) {
      handler = TrapHandler.class.cast(stub.seenFrom(type.getClassLoader()));
    }
  }

  /** Its hart, for the processor that runs it. */
  Hart hart() {
    Hart now = hart;
    if (now == null) {
      throw new CallFailed.NoServer(name + " lies still: there is no engine");
    }
    return now;
  }

  /** Whether it has a hart, after a move that was wished for; for the processor that runs it. */
  boolean hasHart() {
    Move move = wanted.get();
    if (move != null) {
      carryOut(move);
    }
    return hart != null;
  }

  /**
   * Has the hart go on in another engine, or lie still without one; returns when that is so.
   *
   * @throws CallFailed.ServerFailed when the other engine does not take it: it stays where it is
   *     <p>Engines are asked on the thread of whoever finds the hart at rest, with no lock that
   *     others need but to touch this hart.
   * @throws CallFailed.TimedOut when its exit is served for too long; it moves when that has ended,
   *     unless {@link #stay} is called
   */
  void moveTo(@Nullable Engine next, long nanos) {
    if (Processors.carries(this)) {
      throw new CallFailed.BadRequest(name + " cannot change its engine inside its own handler");
    }
    Move move = new Move(next);
    Move before = wanted.getAndSet(move);
    if (before != null) {
      before.cancel("it was wished into another engine meanwhile");
    }
    long deadline = System.nanoTime() + nanos;
    while (!move.done) {
      Doing now = doing();
      switch (now) {
        case ENDED -> {
          return;
        }
        case READY, WAITING, SUSPENDED -> moveAtRest(move, now);
        case RUNNING -> {
          lines.raise(Lines.ATTENTION);
          awaitStop();
        }
        case MOVING -> Thread.onSpinWait();
      }
      if (!move.done && System.nanoTime() - deadline > 0) {
        throw new CallFailed.TimedOut(name + " did not come to rest in time");
      }
    }
    String failure = move.failure;
    if (failure != null) {
      throw new CallFailed.ServerFailed("the other engine does not take " + name + ": " + failure);
    }
  }

  /** Whether its hart is in that engine, or on its way there. */
  boolean goesTo(Engine that) {
    Move move = wanted.get();
    return engine == that || (move != null && move.to == that);
  }

  /** It goes nowhere when it comes to rest, if it has not gone already. */
  void stay() {
    Move move = wanted.get();
    if (move != null && move.cancel("it was to stay after all")) {
      wanted.compareAndSet(move, null);
    }
  }

  private void moveAtRest(Move move, Doing now) {
    if (!take(now, Doing.MOVING)) {
      return;
    }
    try {
      carryOut(move);
    } finally {
      // What woke it meanwhile has not been lost if it looks for itself.
      set(now == Doing.WAITING ? Doing.READY : now);
    }
    if (now != Doing.SUSPENDED) {
      core.processors().announce(this);
    }
  }

  private void carryOut(Move move) {
    synchronized (registers) {
      if (!move.take()) {
        return;
      }
      try {
        Hart old = hart;
        HartState state = old == null ? resting : old.save();
        Engine to = move.to;
        Hart next = to == null ? null : to.hart(mode, space, lines, System::nanoTime);
        if (next != null && state != null) {
          next.restore(state);
        }
        resting = next == null ? state : null;
        engine = to;
        hart = next;
      } catch (RuntimeException | Error e) {
        move.failure = Gate.describe(e);
      }
      wanted.compareAndSet(move, null);
      move.done = true;
    }
  }

  /** Runs the hart; only by the processor that has taken it to RUNNING. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer: the processor that runs it
  int runEngine(long budget) {
    Hart hart = hart();
    engineSerial++;
    try {
      return hart.run(budget);
    } finally {
      engineSerial++;
      exits++;
      retired = hart.instructions();
    }
  }

  /** Makes it leave the engine, if it is inside, and waits until it has. */
  void leaveEngine() {
    long seen = engineSerial;
    if ((seen & 1) == 0) {
      return;
    }
    lines.raise(Lines.ATTENTION);
    while (engineSerial == seen) {
      Thread.onSpinWait();
    }
  }

  boolean take(Doing from, Doing to) {
    return doing.compareAndSet(from, to);
  }

  void set(Doing now) {
    doing.set(now);
    if (now == Doing.SUSPENDED || now == Doing.ENDED) {
      synchronized (this) {
        notifyAll();
      }
    }
  }

  Doing doing() {
    return Objects.requireNonNull(doing.get());
  }

  boolean suspendWanted() {
    return suspendWanted;
  }

  /** Whether somebody waits until it is suspended, or has gone to another engine. */
  boolean shallRest() {
    return suspendWanted || wanted.get() != null;
  }

  /** The thread has something to do: it is made ready, if it waits. */
  void wake() {
    become(Doing.WAITING);
  }

  /** Makes it ready if it does that, after a move to another engine that is under way. */
  private void become(Doing from) {
    Doing now;
    do {
      if (take(from, Doing.READY)) {
        core.processors().announce(this);
        return;
      }
      now = doing();
      Thread.onSpinWait();
    } while (now == Doing.MOVING || now == from);
  }

  @Override
  public void resume() {
    suspendWanted = false;
    become(Doing.SUSPENDED);
  }

  @Override
  public void suspend() {
    suspendWanted = true;
    while (true) {
      switch (doing()) {
        case SUSPENDED, ENDED -> {
          return;
        }
        case READY, WAITING -> {
          if (take(Doing.READY, Doing.SUSPENDED) || take(Doing.WAITING, Doing.SUSPENDED)) {
            core.processors().gone(this);
            if (doing() == Doing.READY) {
              core.processors()
                  .announce(this); // resumed meanwhile, maybe before the scheduler forgot it
            }
            return;
          }
        }
        case RUNNING -> {
          if (Processors.carries(this)) {
            return; // its own handler asks: done when the handler returns
          }
          lines.raise(Lines.ATTENTION);
          awaitStop();
        }
        case MOVING -> Thread.onSpinWait();
      }
    }
  }

  private synchronized void awaitStop() {
    if (doing.get() == Doing.RUNNING) {
      try {
        wait(1);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CallFailed.TimedOut("interrupted while suspending " + name);
      }
    }
  }

  /** It shall rest as soon as its processor has seen this; for its own handler. */
  void wantSuspend() {
    suspendWanted = true;
  }

  /** Ends it; afterwards its hart is used by nobody. */
  void end() {
    if (Processors.carries(this)) {
      throw new CallFailed.BadRequest(name + " cannot be ended from inside its own handler");
    }
    do {
      suspend();
    } while (doing.get() != Doing.ENDED && !take(Doing.SUSPENDED, Doing.ENDED));
    core.processors().gone(this);
    synchronized (registers) {
      spaces.forEach(each -> each.runsNoMore(this));
    }
  }

  @Override
  public void weight(int share) {
    if (share < 1 || share > 10_000) {
      throw new CallFailed.BadRequest("weight " + share + " of " + name + " is not 1 to 10,000");
    }
    weight = share;
    Doing now = doing.get();
    if (now == Doing.READY || now == Doing.RUNNING) {
      core.processors().announce(this);
    }
  }

  int weight() {
    return weight;
  }

  private void checkStopped() {
    Doing now = doing();
    if (now != Doing.SUSPENDED && now != Doing.MOVING && !Processors.carries(this)) {
      throw new CallFailed.BadRequest(
          "registers of "
              + name
              + " can be touched while it is suspended or in its handler; it is "
              + state());
    }
  }

  /** Does that with its hart, which nobody uses or moves meanwhile. */
  private <T> T stopped(Function<Hart, T> what) {
    synchronized (registers) {
      checkStopped();
      return what.apply(hart());
    }
  }

  @Override
  public int id() {
    return id;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Notification lines() {
    return notification;
  }

  @Override
  public String state() {
    return doing().name();
  }

  @Override
  public long cpuNanos() {
    return cpuNanos;
  }

  @Override
  public long instructions() {
    return retired;
  }

  @Override
  public long x(int register) {
    return stopped(hart -> hart.x(register & 31));
  }

  @Override
  public void x(int register, long value) {
    stopped(
        hart -> {
          hart.x(register & 31, value);
          return value;
        });
  }

  @Override
  public long pc() {
    return stopped(Hart::pc);
  }

  @Override
  public void pc(long value) {
    stopped(
        hart -> {
          hart.pc(value);
          return value;
        });
  }

  @Override
  public void csr(int number, long value) {
    stopped(
        hart -> {
          try {
            hart.csr(number, value);
          } catch (IllegalArgumentException e) {
            throw new CallFailed.BadRequest(name + ": " + e.getMessage());
          }
          return value;
        });
  }

  @Override
  public void enter(HartMode nextMode, Space next) {
    SpaceObject where = SpaceObject.of(next);
    synchronized (registers) {
      checkStopped();
      Hart now = hart();
      // In its set first, then its space: a shoot-down looks at both, see SpaceObject.
      if (spaces.add(where)) {
        spaces.removeIf(SpaceObject::hasEnded);
        where.runsIn(this);
      }
      space = where;
      if (nextMode == mode) {
        now.memory(where);
      } else {
        Engine maker = Objects.requireNonNull(engine);
        hart = maker.hart(nextMode, where, lines, System::nanoTime);
        mode = nextMode;
      }
    }
  }

  @Override
  public HartState save() {
    synchronized (registers) {
      checkStopped();
      HartState still = resting;
      return still != null ? still : hart().save();
    }
  }

  @Override
  public void restore(HartState state) {
    synchronized (registers) {
      checkStopped();
      if (hart == null) {
        resting = state;
        return;
      }
      try {
        hart().restore(state);
      } catch (IllegalArgumentException e) {
        throw new CallFailed.BadRequest(
            "state refused by the engine of " + name + ": " + e.getMessage());
      }
    }
  }

  ThreadReport report() {
    return new ThreadReport(
        id, name, state(), processor, weight, cpuNanos, retired, picks, exits, calls, faults, mmio);
  }

  @Override
  public Class<?> kind() {
    return KernelThread.class;
  }

  @Override
  public String toString() {
    return "thread " + name;
  }
}
