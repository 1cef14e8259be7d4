package duality.vmm.board;

import duality.kernel.CallFailed;
import duality.kernel.KernelThread;
import duality.kernel.State;
import duality.kernel.TrapHandler;
import duality.kernel.processor.Exit;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Memory;
import duality.vmm.Stop;
import duality.vmm.StopPoint;
import duality.vmm.VirtualMachine;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * What a debugger does to the harts of a machine: looks at them, sets what they are, and says where
 * they stop. The engine keeps the places, as triggers in the registers of the thread ({@link
 * HartState#csrs}), so a guest runs at its own speed but for the pages in which one is.
 *
 * <p><em>Concurrency:</em> {@link #trap} comes from processors; everything else from who holds the
 * machine's lock, with the harts at rest.
 */
final class Debugger {
  /** One of the machine's notices: a hart has met a stop. */
  static final long NOTICE = 1L << 9;

  private static final int MOST_POINTS = 64;
  private static final int MOST_POINT_BYTES = 4096;

  // Bits of dcsr and tdata1, see HartState.
  private static final long STEP = 1L << 2;
  private static final long STEP_WITH_INTERRUPTS = 1L << 11;
  private static final long CONTROL_6 = 6L << 60 | 1L << 59 | 1L << 12 | 1 << 6 | 1 << 4 | 1 << 3;
  private static final long POWER_OF_TWO = 1L << 7;
  private static final long EXECUTE = 1 << 2;
  private static final long STORE = 1 << 1;
  private static final long LOAD = 1;

  private final GuestMemory memory;
  private final List<Vcpu> harts;
  private final Runnable notice;
  private volatile List<StopPoint> points = List.of();
  private volatile Stop last = new Stop("", 0, 0, "", 0);

  /**
   * A hart has met a stop, and the machine is to be paused or is. Of several that meet one at once
   * the first counts; the others are still there when they go on.
   */
  private final AtomicBoolean stopping = new AtomicBoolean();

  /** The steps that are being done. */
  private volatile @Nullable Trace trace;

  /**
   * For a machine.
   *
   * @param notice tells the machine's worker that a hart has met a stop
   */
  Debugger(GuestMemory memory, List<Vcpu> harts, Runnable notice) {
    this.memory = memory;
    this.harts = List.copyOf(harts);
    this.notice = notice;
  }

  // ---- looking ----

  HartState registers(int hart) {
    return withTriggers(subject(hart).hart.save(), Map.of());
  }

  void setRegisters(int hart, HartState state) {
    Vcpu one = subject(hart);
    HartState there = one.hart.save();
    Map<String, Long> csrs = new HashMap<>(there.csrs());
    csrs.putAll(state.csrs());
    try {
      one.hart.restore(
          new HartState(
              there.mode(),
              there.firmware(),
              state.pc(),
              state.privilege(),
              there.waiting() && state.pc() == there.pc(),
              state.x(),
              state.f(),
              csrs,
              there.timeOffsetNanos()));
    } catch (IllegalArgumentException senseless) {
      throw new CallFailed.BadRequest(String.valueOf(senseless.getMessage()));
    } finally {
      arm(hart);
    }
  }

  byte[] read(int hart, long address, int length) {
    if (length < 0 || length > VirtualMachine.MOST_BYTES) {
      throw new CallFailed.BadRequest(length + " bytes cannot be read at once");
    }
    return walk(hart).read(address, length);
  }

  void write(int hart, long address, byte[] bytes) {
    if (bytes.length > VirtualMachine.MOST_BYTES) {
      throw new CallFailed.BadRequest(bytes.length + " bytes cannot be written at once");
    }
    walk(hart).write(address, bytes);
  }

  private PageWalk walk(int hart) {
    return hart == VirtualMachine.PHYSICAL
        ? new PageWalk(memory)
        : new PageWalk(memory, registers(hart));
  }

  private Vcpu subject(int hart) {
    if (hart < 0 || hart >= harts.size()) {
      throw new CallFailed.BadRequest(
          "there is no hart " + hart + "; there are 0 to " + (harts.size() - 1));
    }
    return harts.get(hart);
  }

  // ---- stopping ----

  void stopAt(List<StopPoint> wanted) {
    if (wanted.size() > MOST_POINTS) {
      throw new CallFailed.BadRequest(
          wanted.size() + " places to stop at are more than " + MOST_POINTS);
    }
    for (StopPoint each : wanted) {
      boolean execute = each.access() == Memory.EXECUTE;
      boolean data = each.access() != 0 && (each.access() & ~(Memory.READ | Memory.WRITE)) == 0;
      if (!execute && !data
          || each.bytes() < 1
          || each.bytes() > (execute ? 1 : MOST_POINT_BYTES)
          || block(each) == 0) {
        throw new CallFailed.BadRequest("no place to stop at: " + each);
      }
    }
    points = List.copyOf(wanted);
    arm();
  }

  /** Puts the triggers into the threads, which may have others, or none, after a change. */
  void arm() {
    harts.forEach(each -> arm(each.thread, points, 0));
  }

  /** The same for one hart, which is at rest; the others may run. */
  void arm(int hart) {
    arm(subject(hart).thread, points, 0);
  }

  private static void arm(KernelThread thread, List<StopPoint> points, long dcsr) {
    Map<String, Long> triggers = new HashMap<>();
    if (dcsr != 0) {
      triggers.put("dcsr", dcsr);
    }
    for (int i = 0; i < points.size(); i++) {
      StopPoint point = points.get(i);
      triggers.put("tdata1." + i, CONTROL_6 | control(point));
      triggers.put("tdata2." + i, address(point));
    }
    HartState there = thread.save();
    HartState wanted = withTriggers(there, triggers);
    if (!wanted.csrs().equals(there.csrs()) || dcsr != 0) {
      thread.restore(wanted);
    }
  }

  /** The same hart with these triggers in the place of all that it had. */
  private static HartState withTriggers(HartState hart, Map<String, Long> triggers) {
    Map<String, Long> csrs = new HashMap<>(hart.csrs());
    csrs.keySet().removeIf(name -> name.startsWith("tdata") || name.equals("dcsr"));
    csrs.putAll(triggers);
    return new HartState(
        hart.mode(),
        hart.firmware(),
        hart.pc(),
        hart.privilege(),
        hart.waiting(),
        hart.x(),
        hart.f(),
        csrs,
        hart.timeOffsetNanos());
  }

  private static long control(StopPoint point) {
    return point.access() == Memory.EXECUTE
        ? EXECUTE
        : ((point.access() & Memory.READ) != 0 ? LOAD : 0)
            | ((point.access() & Memory.WRITE) != 0 ? STORE : 0)
            | (block(point) > 1 ? POWER_OF_TWO : 0);
  }

  /**
   * The smallest block, its bytes a power of two and itself aligned, that has all of it; 0 when
   * none has, because it crosses the middle or the end of all addresses.
   */
  private static long block(StopPoint point) {
    long block = 1;
    while (block != 0 && (point.address() & -block) + block - point.address() < point.bytes()) {
      block *= 2;
    }
    return block;
  }

  /** Of a block of two bytes or more, the bits below its size say what that is. */
  private static long address(StopPoint point) {
    long block = block(point);
    return point.address() & -block | (block >> 1) - (block > 1 ? 1 : 0);
  }

  /** Whether a hart has met a stop since the machine went on last. */
  boolean stopping() {
    return stopping.get();
  }

  /** The machine goes on. */
  void goesOn() {
    stopping.set(false);
  }

  Stop stopped(String state) {
    Stop it = last;
    return new Stop(state, it.number(), it.hart(), stopping() ? it.why() : "", it.address());
  }

  /** A hart has left the engine for a reason of ours; what its thread does next. */
  int trap(int thread, int cause, long value) {
    Trace running = trace;
    if (cause == Exit.STEPPED) {
      return running != null && running.step() ? TrapHandler.RESUME : TrapHandler.SUSPEND;
    }
    int number = 0;
    for (Vcpu each : harts) {
      number = each.thread.id() == thread ? each.number : number;
    }
    if (stopping.compareAndSet(false, true)) {
      String why = cause == Exit.BREAKPOINT ? "breakpoint" : "watchpoint";
      last = new Stop("", last.number() + 1, number, why, value);
      notice.run();
    }
    if (running != null) {
      running.stopped();
    }
    return TrapHandler.SUSPEND;
  }

  // ---- stepping ----

  /**
   * How a trap of a hart was answered. One that is to stay at rest, because it has stopped or the
   * guest has ended, does no more steps.
   */
  int answered(Vcpu one, int next) {
    Trace running = trace;
    if (next == TrapHandler.SUSPEND && running != null && running.of(one.hart)) {
      running.stopped();
    }
    return next;
  }

  /** Has a hart do steps; it is at rest again when this returns. */
  List<duality.vmm.Step> step(int hart, int count, boolean interrupts, long millis) {
    Vcpu one = subject(hart);
    if (!one.isStarted()) {
      throw new CallFailed.BadRequest("hart " + hart + " is not started");
    }
    if (count < 1 || count > Trace.MOST || millis < 0 || millis > Trace.MOST_MILLIS) {
      throw new CallFailed.BadRequest(
          count + " steps in " + millis + " ms; 1 to " + Trace.MOST + " in at most 2,000");
    }
    // Where it stands it may stand because of a breakpoint; what it accesses it has yet to access.
    List<StopPoint> watched =
        points.stream().filter(each -> each.access() != Memory.EXECUTE).toList();
    goesOn();
    arm(one.thread, watched, STEP | (interrupts ? STEP_WITH_INTERRUPTS : 0));
    Trace steps = new Trace(memory, one.hart, count);
    trace = steps;
    try {
      one.thread.resume();
      steps.await(millis);
    } finally {
      one.thread.suspend();
      trace = null;
      arm(one.thread, points, 0);
    }
    return steps.taken();
  }

  // ---- state ----

  State save() {
    List<State> all = new ArrayList<>();
    for (StopPoint each : points) {
      all.add(
          State.of("point", 1)
              .with("access", each.access())
              .with("address", each.address())
              .with("bytes", each.bytes()));
    }
    return State.of("debugger", 1)
        .with("points", all)
        .with("stopping", stopping.get())
        .with("number", last.number())
        .with("hart", last.hart())
        .with("why", last.why())
        .with("address", last.address());
  }

  /** Takes what a predecessor left; the threads have the triggers already, or get them later. */
  void restore(State saved) {
    saved.expect("debugger", 1);
    List<StopPoint> all = new ArrayList<>();
    for (State each : saved.states("points")) {
      all.add(
          new StopPoint(
              (int) each.number("access", 1, Memory.EXECUTE),
              each.number("address"),
              (int) each.number("bytes", 1, MOST_POINT_BYTES)));
    }
    points = List.copyOf(all);
    stopping.set(saved.flag("stopping"));
    last =
        new Stop(
            "",
            saved.number("number", 0, Long.MAX_VALUE),
            (int) saved.number("hart", 0, harts.size() - 1),
            saved.text("why"),
            saved.number("address"));
  }
}
