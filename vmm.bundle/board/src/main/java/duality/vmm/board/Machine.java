package duality.vmm.board;

import duality.drivers.Finish;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Pager;
import duality.kernel.Rights;
import duality.kernel.Router;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.vmm.MachineReport;
import duality.vmm.Step;
import duality.vmm.Stop;
import duality.vmm.StopPoint;
import duality.vmm.VirtualMachine;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One machine: its life from power-on to power-off, and the exits of its harts.
 *
 * <p>Two kinds of threads come here. Processors bring exits of the harts ({@link #trap}, {@link
 * #load}, {@link #store}), of several at once; they take no lock, because whoever holds {@link
 * #life} may wait for the harts to come out of them. Everybody else (shell, the worker that hears
 * of the guest's end) changes the machine's condition under that lock.
 */
public final class Machine implements VirtualMachine, Instance {
  private static final String SCHEMA = "machine";

  /** Version 1 knew one hart, which was always started. */
  private static final int VERSION = 2;

  /** Slot: who has the frames; passed on to the pager. */
  private static final String ROOT = "root";

  /**
   * A bit beside those of {@link Finish}: the monitor itself gives up; {@link #reason} says why.
   */
  private static final long HALT = 1L << 8;

  private static final long ALL_NOTICES = -1;

  /** Looks in a row at which something may be strange: two seconds of heartbeats. */
  private static final int PATIENT_LOOKS = 3;

  /** In the state: what of a running hart is not in its thread. */
  private static final String KEPT = "kept";

  /** In the state: where a debugger wants it to stop. */
  private static final String DEBUGGER = "debugger";

  /** What the machine is doing. */
  private enum Condition {
    CREATED,
    RUNNING,
    PAUSED,
    STOPPED
  }

  private final Context context;
  private final GuestKind kind;
  private final MachineSettings settings;
  private final GuestMemory memory;
  private final Harts harts;
  private final List<Sbi> sbi;
  private final Debugger debugger;
  private final Notification finish;
  private final Peripherals devices;
  private final Bus bus;
  private final ReentrantLock life = new ReentrantLock();

  private volatile Condition condition = Condition.CREATED;

  /** Why the guest failed, empty when it did not. */
  private volatile String failure = "";

  /** Why the monitor gave up; set before {@link #HALT} is signalled. */
  private volatile String reason = "";

  /** The guest asked for its end; nobody lets the hart go on before that is done. */
  private volatile boolean ending;

  /** Host clock value at which guest time was zero. */
  private volatile long zeroNanos;

  /** Host clock value at which guest time stopped; only meaningful when it stands still. */
  private volatile long stoodNanos;

  /** Notices that a predecessor did not take; see {@link #finished}. */
  private long unheard;

  private boolean listening;

  /** What the last {@link #check} found, and at how many in a row; guarded by life. */
  private String strange = "";

  private int looks;

  /**
   * Opens a machine.
   *
   * @param saved what a predecessor left
   * @param mode in which the monitor runs its threads; several harts have to be full ones
   * @param monitor makes the harts
   */
  public Machine(Context context, @Nullable State saved, HartMode mode, Parts.Monitor monitor) {
    this.context = context;
    settings = MachineSettings.of(context.config());
    if (settings.startsInMachineMode() && mode != HartMode.FULL) {
      throw new CallFailed.BadRequest(
          "this monitor has no M-mode: a guest with firmware of its own needs vmm.machine");
    }
    if (settings.cpus() > 1 && mode != HartMode.FULL) {
      throw new CallFailed.BadRequest(
          "this monitor runs machines of one hart: one of "
              + settings.cpus()
              + " needs vmm.machine");
    }
    Space space = context.space("memory");
    Map<String, Object> endowment = new HashMap<>();
    endowment.put("space", context.derive(space, Space.class, Rights.MAP | Rights.READ, 0));
    if (context.has(ROOT)) {
      endowment.put(ROOT, context.slot(ROOT, Router.class));
    }
    Pager pager =
        context.child(
            "pager",
            Pager.class,
            GuestMemory.pagerConfig(context, settings.memoryBytes()),
            endowment);
    memory = new GuestMemory(context, space, pager, settings.memoryBytes());
    List<KernelThread> threads = new ArrayList<>();
    for (int i = 0; i < settings.cpus(); i++) {
      VirtualMachine handler = context.self(VirtualMachine.class);
      threads.add(context.thread("hart" + i, mode, space, handler, settings.engine()));
    }
    finish = context.notification("finish");
    kind = new GuestKind(monitor.kind());
    devices = Peripherals.of(kind, context, settings, space, threads, finish);
    bus = devices.bus();
    List<Vcpu> all = new ArrayList<>();
    for (KernelThread thread : threads) {
      int number = all.size();
      Parts parts = new Parts(context, thread, memory, devices, new Calls(number));
      all.add(new Vcpu(number, thread, monitor.hart(parts)));
    }
    harts = new Harts(all);
    sbi = all.stream().map(this::firmwareOf).toList();
    debugger = new Debugger(memory, all, () -> finish.signal(Debugger.NOTICE));
    all.forEach(each -> each.whenRestored(() -> debugger.arm(each.number)));
    if (saved != null) {
      restore(saved);
    } else if (memory.present()) {
      adopt();
    }
    for (Vcpu hart : all) {
      if (!memory.present() || mode == HartMode.FULL && !hart.hasLeft()) {
        // There is no guest yet, or all of the hart is in its thread and is to stay there.
        hart.own();
      }
    }
    unheard = finish.word();
    context.worker("finish", finish, ALL_NOTICES, this::finished);
  }

  private Sbi firmwareOf(Vcpu hart) {
    return new Sbi(new HartCalls(harts, hart, memory, devices, () -> zeroNanos, this::end));
  }

  /** What a hart asks of its machine. */
  private final class Calls implements Parts.MachineCalls {
    private final int hart;

    Calls(int hart) {
      this.hart = hart;
    }

    @Override
    public int firmware() {
      return sbi.get(hart).call();
    }

    @Override
    public void halt(String why) {
      Machine.this.halt(why);
    }

    @Override
    public void end(long bits) {
      Machine.this.end(bits);
    }
  }

  // ---- what people ask for ----

  @Override
  public void start() {
    life.lock();
    try {
      if (condition == Condition.CREATED || condition == Condition.STOPPED) {
        if (condition == Condition.STOPPED) {
          devices.reset();
        }
        switchOn();
      }
    } finally {
      life.unlock();
    }
  }

  @Override
  public void pause() {
    life.lock();
    try {
      if (condition == Condition.RUNNING) {
        halted();
      }
    } finally {
      life.unlock();
    }
  }

  private void halted() {
    harts.suspend();
    stoodNanos = System.nanoTime();
    condition = Condition.PAUSED;
  }

  @Override
  public void resume() {
    life.lock();
    try {
      if (condition == Condition.PAUSED) {
        guestTimeGoesOn();
        debugger.goesOn();
        condition = Condition.RUNNING;
        if (!ending) {
          harts.resume();
        }
      }
    } finally {
      life.unlock();
    }
  }

  private void guestTimeGoesOn() {
    settle();
    long now = System.nanoTime();
    zeroNanos += now - stoodNanos;
    devices.time(now - zeroNanos);
    harts.timeOffset(zeroNanos);
    debugger.arm();
  }

  @Override
  public void stop() {
    life.lock();
    try {
      switchOff("");
    } finally {
      life.unlock();
    }
  }

  @Override
  public MachineReport report() {
    Condition now = condition;
    return new MachineReport(
        context.path().substring(context.path().lastIndexOf('/') + 1),
        settings.image(),
        state(now),
        memory.bytes(),
        memory.residentBytes(),
        harts.count(),
        harts.cpuNanos(),
        harts.instructions(),
        now == Condition.CREATED ? 0 : guestNanos(),
        harts.describe(),
        devices.describe(context.path()),
        harts.get(0).hart.overhead());
  }

  private String state(Condition now) {
    String why = failure;
    return now == Condition.STOPPED && !why.isEmpty()
        ? "failed: " + why
        : now.name().toLowerCase(java.util.Locale.ROOT);
  }

  // ---- what debuggers ask for ----

  /** Does something with harts at rest, which go on afterwards if they did before. */
  private <T> T atRest(Supplier<T> look) {
    life.lock();
    try {
      boolean runs = condition == Condition.RUNNING;
      if (runs) {
        harts.suspend();
      }
      try {
        settle();
        return look.get();
      } finally {
        if (runs && !ending && !debugger.stopping()) {
          harts.resume();
        }
      }
    } finally {
      life.unlock();
    }
  }

  private <T> T paused(Supplier<T> change) {
    life.lock();
    try {
      if (condition != Condition.PAUSED) {
        throw new CallFailed.BadRequest("the machine is " + state(condition) + ", not paused");
      }
      settle();
      return change.get();
    } finally {
      life.unlock();
    }
  }

  @Override
  public HartState registers(int number) {
    return atRest(() -> debugger.registers(number));
  }

  @Override
  public void setRegisters(int number, HartState state) {
    paused(
        () -> {
          debugger.setRegisters(number, state);
          return true;
        });
  }

  @Override
  public byte[] read(int number, long address, int length) {
    return atRest(() -> debugger.read(number, address, length));
  }

  @Override
  public void write(int number, long address, byte[] bytes) {
    atRest(
        () -> {
          debugger.write(number, address, bytes);
          return true;
        });
  }

  @Override
  public void stopAt(List<StopPoint> points) {
    atRest(
        () -> {
          debugger.stopAt(points);
          return true;
        });
  }

  @Override
  public Stop stopped() {
    return debugger.stopped(state(condition));
  }

  @Override
  public List<Step> step(int number, int count, boolean interrupts, long millis) {
    return paused(
        () -> {
          guestTimeGoesOn();
          try {
            return debugger.step(number, count, interrupts, millis);
          } finally {
            harts.suspend(); // it may have started others
            stoodNanos = System.nanoTime();
          }
        });
  }

  // ---- exits of the harts ----

  @Override
  public int trap(int number, int cause, long value) {
    Vcpu one = harts.of(number);
    if (!one.settled()) {
      settle(one);
      return ending ? SUSPEND : RESUME; // what it left for it meets again, in our way
    }
    if (cause < INTERRUPT) {
      return debugger.trap(number, cause, value);
    }
    return debugger.answered(one, one.hart.trap(cause, value));
  }

  @Override
  public long load(int number, long address, int width) {
    // A device that does not answer is the kernel's business: the hart is set aside and tries
    // again.
    return bus.load(address, width);
  }

  @Override
  public void store(int number, long address, int width, long value) {
    bus.store(address, width, value);
  }

  private void halt(String why) {
    reason = why;
    end(HALT);
  }

  private void end(long bits) {
    ending = true;
    finish.signal(bits);
  }

  // ---- life ----

  /** Clears memory, loads the guest and lets the harts go. */
  private void switchOn() {
    memory.clear();
    GuestLoader.Loaded guest = GuestLoader.load(memory, settings, devices.virtioSlots());
    finish.clear(ALL_NOTICES);
    ending = false;
    failure = "";
    zeroNanos = System.nanoTime();
    if (settings.startsInMachineMode()) {
      memory.writeReset(ResetVector.code(guest));
      devices.time(0);
      harts.reset(Board.RESET, zeroNanos);
    } else {
      harts.boot(guest.entry(), guest.tree(), zeroNanos);
    }
    debugger.goesOn();
    debugger.arm();
    harts.weight(settings.weight());
    condition = Condition.RUNNING;
    harts.resume();
  }

  /** Takes harts over from a predecessor. They are at rest. */
  private void settle() {
    harts.all().forEach(this::settle);
  }

  /** Takes one over, which is at rest, or in {@link #trap}. */
  private void settle(Vcpu one) {
    boolean own = one.settled();
    if (one.settle()) {
      if (!own) {
        debugger.arm(one.number);
      }
    } else {
      halt("its hart was lost with a monitor that left no state");
    }
  }

  /** The worker's part of it: lets threads that run come to rest before. */
  private void settleAtRest() {
    boolean runs = condition == Condition.RUNNING;
    if (!harts.settled()) {
      if (runs) {
        harts.suspend();
      }
      settle();
    } else if (listening) {
      return;
    }
    if (runs && !ending && !debugger.stopping()) {
      // Also one that was being started when the instance before this one was given up.
      harts.resume();
    }
  }

  private void switchOff(String why) {
    if (condition == Condition.CREATED || condition == Condition.STOPPED) {
      return;
    }
    harts.suspend();
    if (condition == Condition.RUNNING) {
      stoodNanos = System.nanoTime();
    }
    failure = why;
    condition = Condition.STOPPED;
    devices.guestEnded();
    context.log(why.isEmpty() ? "stopped" : "failed: " + why);
  }

  /**
   * The worker: the guest, or this monitor, wants the machine to end. The kernel runs it once at
   * the start with all bits, which says nothing; what counts then is what was really set.
   */
  private void finished(long bits) {
    life.lock();
    try {
      long notices = bits;
      settleAtRest();
      if (!listening) {
        listening = true;
        notices = unheard | finish.take(ALL_NOTICES, 0);
      }
      if (condition != Condition.RUNNING && condition != Condition.PAUSED) {
        return;
      }
      if ((notices & HALT) != 0) {
        switchOff(reason.isEmpty() ? "halted" : reason);
      } else if ((notices & Finish.FAILED) != 0) {
        switchOff("the guest reported failure " + (notices >>> 16 & 0xFFFF));
      } else if ((notices & Finish.POWER_OFF) != 0) {
        switchOff("");
      } else if ((notices & Finish.RESET) != 0) {
        startAgain();
      } else if (debugger.stopping() && condition == Condition.RUNNING) {
        halted();
      }
    } finally {
      life.unlock();
    }
  }

  private void startAgain() {
    harts.suspend();
    try {
      devices.reset();
      switchOn();
      context.log("reset");
    } catch (CallFailed failed) {
      switchOff("reset: " + failed.getMessage());
    }
  }

  private long guestNanos() {
    return (condition == Condition.RUNNING ? System.nanoTime() : stoodNanos) - zeroNanos;
  }

  // ---- its check ----

  /**
   * Whether the harts do what the machine says, at several looks in a row: what may change in
   * between, such as an end that the worker has not come to yet, is then no accident any more.
   */
  @Override
  public void check() {
    if (!life.tryLock()) {
      return; // somebody changes it just now
    }
    try {
      String now = strange();
      looks = now.equals(strange) ? looks + 1 : 0;
      strange = now;
      if (!now.isEmpty() && looks >= PATIENT_LOOKS) {
        throw new IllegalStateException(now);
      }
    } finally {
      life.unlock();
    }
  }

  private String strange() {
    boolean running = condition == Condition.RUNNING;
    if (running && (ending || debugger.stopping())) {
      return "the guest is to " + (ending ? "end" : "stand") + ", and goes on";
    }
    return harts.strange(running);
  }

  // ---- state ----

  /**
   * Harts that run are not in the state, but for what their monitor keeps of them: they belong to
   * the endpoint and go on while their monitor is replaced. Who wants all of a machine pauses it
   * first.
   */
  @Override
  public State save() {
    State config = State.of("config", 1);
    for (Map.Entry<String, String> entry : new TreeMap<>(context.config()).entrySet()) {
      config = config.with(entry.getKey(), entry.getValue());
    }
    Condition now = condition;
    long guestNanos = now == Condition.CREATED ? 0 : guestNanos();
    boolean runs = now == Condition.RUNNING;
    List<State> kept = new ArrayList<>();
    List<State> whole = new ArrayList<>();
    if (!runs) {
      settle();
      harts.save().forEach(each -> whole.add(HartTree.save(each, guestNanos)));
    } else {
      for (Vcpu each : harts.all()) {
        HartState ofIt = each.kept();
        if (ofIt != null) {
          kept.add(HartTree.save(ofIt, guestNanos));
        }
      }
    }
    return kind.save(State.of(SCHEMA, VERSION), harts.get(0).hart)
        .with("condition", now.name())
        .with("failure", failure)
        .with("reason", reason)
        .with("ending", ending)
        .with("notices", finish.word())
        .with("guestNanos", guestNanos)
        .with("harts", whole)
        .with("started", harts.started())
        .with(DEBUGGER, debugger.save())
        .with(KEPT, kept)
        .with("config", config);
  }

  private void restore(State saved) {
    int version = saved.expect(SCHEMA, VERSION);
    Condition was;
    try {
      was = Condition.valueOf(saved.text("condition"));
    } catch (IllegalArgumentException unknown) {
      throw new State.Refused("machine.condition is '" + saved.text("condition") + "'");
    }
    same(saved.state("config"), "memory", "");
    same(saved.state("config"), MachineSettings.CPUS, "1");
    long now = System.nanoTime();
    List<State> all = saved.states("harts");
    boolean sameEndpoint = memory.present();
    kind.restore(saved, harts.get(0).hart, was != Condition.CREATED, sameEndpoint);
    boolean none = all.isEmpty() && was == Condition.RUNNING && sameEndpoint;
    if (!none && all.size() != harts.count()) {
      throw new State.Refused(
          "machine.harts has "
              + all.size()
              + " harts where "
              + harts.count()
              + " are needed; to go on elsewhere it has to be paused before it is saved");
    }
    long most = (1L << harts.count()) - 1;
    // Where one hart is, it is always started.
    long started = version == 1 ? 1 : saved.number("started", 0, most);
    failure = saved.text("failure");
    reason = saved.text("reason");
    ending = saved.flag("ending");
    zeroNanos = now - saved.number("guestNanos", 0, Long.MAX_VALUE);
    stoodNanos = now;
    condition = was;
    long notices = saved.number("notices");
    if (saved.has(DEBUGGER)) { // older states have none
      debugger.restore(saved.state(DEBUGGER));
    }
    // States of monitors that keep nothing had no such list once.
    List<State> kept = saved.has(KEPT) ? saved.states(KEPT) : List.of();
    if (!kept.isEmpty() && kept.size() != harts.count()) {
      throw new State.Refused(
          "machine.kept has " + kept.size() + " harts where none or " + harts.count() + " can be");
    }
    harts.started(started);
    for (int i = 0; i < kept.size(); i++) {
      harts.get(i).left(HartTree.restore(kept.get(i), now));
    }
    List<HartState> whole = all.stream().map(each -> HartTree.restore(each, now)).toList();
    for (int i = 0; i < whole.size(); i++) {
      harts.get(i).left(whole.get(i));
    }
    if (!whole.isEmpty() && !sameEndpoint && was != Condition.CREATED) {
      // Another endpoint, perhaps another host. Its memory is brought by somebody else.
      memory.clear();
      for (int i = 0; i < whole.size(); i++) {
        harts.get(i).restore(whole.get(i));
      }
      harts.weight(settings.weight());
      finish.signal(notices);
    }
  }

  /** Refuses the state of a machine that was made otherwise. */
  private void same(State config, String key, String otherwise) {
    String there = config.values().getOrDefault(key, otherwise).toString();
    String here = context.config(key, otherwise);
    if (!there.equals(here)) {
      throw new State.Refused(
          "machine.config." + key + " is '" + there + "', but this machine has '" + here + "'");
    }
  }

  /** Goes on with a machine whose monitor failed without leaving a state. */
  private void adopt() {
    condition = harts.startedAsFound() ? Condition.RUNNING : Condition.PAUSED;
    stoodNanos = System.nanoTime();
    zeroNanos = stoodNanos;
  }
}
