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
import duality.vmm.VirtualMachine;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One machine: its life from power-on to power-off, and the exits of its hart.
 *
 * <p>Two kinds of threads come here. Processors bring exits of the hart ({@link #trap}, {@link
 * #load}, {@link #store}); they take no lock, because whoever holds {@link #life} may wait for the
 * hart to come out of them. Everybody else (shell, the worker that hears of the guest's end)
 * changes the machine's condition under that lock.
 *
 * <p><em>A hart of another monitor.</em> When this instance is opened, the one before it may serve
 * on yet, so the thread is not touched. It is taken over when this one is bound: by the first exit
 * of the hart or by the first round of the worker, whichever comes first. The worker lets the
 * thread come to rest before, and an exit has it anyway; so only one of them has it.
 */
public final class Machine implements VirtualMachine, Instance {
  private static final String SCHEMA = "machine";
  private static final int VERSION = 1;

  private static final String HART = "hart0";

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

  /** What the machine is doing. */
  private enum Condition {
    CREATED,
    RUNNING,
    PAUSED,
    STOPPED
  }

  private final Context context;
  private final MachineSettings settings;
  private final GuestMemory memory;
  private final KernelThread thread;
  private final VirtualHart hart;
  private final Notification finish;
  private final Devices devices;
  private final Bus bus;
  private final Sbi sbi;
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

  /** Whether the thread is this instance's own: what its monitor makes of a hart. */
  private volatile boolean settled;

  /** What a predecessor of another kind, or of this one, kept of the hart. */
  private volatile @Nullable HartState left;

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
   * @param mode in which the monitor runs its thread
   * @param monitor makes the hart
   */
  public Machine(Context context, @Nullable State saved, HartMode mode, Parts.Monitor monitor) {
    this.context = context;
    settings = MachineSettings.of(context.config());
    if (settings.startsInMachineMode() && mode != HartMode.FULL) {
      throw new CallFailed.BadRequest(
          "this monitor has no M-mode: a guest with firmware of its own needs vmm.machine");
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
            Map.of("quota", Long.toString(settings.memoryBytes() + Space.PAGE_BYTES)),
            endowment);
    memory = new GuestMemory(context, space, pager, settings.memoryBytes());
    thread =
        context.thread(HART, mode, space, context.self(VirtualMachine.class), settings.engine());
    finish = context.notification("finish");
    devices = new Devices(context, settings, space, thread, finish);
    bus = devices.bus();
    hart = monitor.hart(new Parts(context, thread, memory, bus, new Calls()));
    sbi =
        new Sbi(new HartCalls(thread, hart, memory, devices.console(), devices.uart(), this::end));
    if (saved != null) {
      restore(saved);
    } else if (memory.present()) {
      adopt();
    }
    if (!memory.present() || mode == HartMode.FULL && left == null) {
      // There is no guest yet, or all of the hart is in its thread and is to stay there.
      settled = true;
    }
    unheard = finish.word();
    context.worker("finish", finish, ALL_NOTICES, this::finished);
  }

  /** What the hart asks of its machine. */
  private final class Calls implements Parts.MachineCalls {
    @Override
    public int firmware() {
      return sbi.call();
    }

    @Override
    public void halt(String why) {
      Machine.this.halt(why);
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
        thread.suspend();
        stoodNanos = System.nanoTime();
        condition = Condition.PAUSED;
      }
    } finally {
      life.unlock();
    }
  }

  @Override
  public void resume() {
    life.lock();
    try {
      if (condition == Condition.PAUSED) {
        settle();
        long now = System.nanoTime();
        zeroNanos += now - stoodNanos;
        devices.time(now - zeroNanos);
        hart.restore(HartTree.withTimeOffset(hart.save(), zeroNanos));
        condition = Condition.RUNNING;
        if (!ending) {
          thread.resume();
        }
      }
    } finally {
      life.unlock();
    }
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
    String why = failure;
    String state =
        now == Condition.STOPPED && !why.isEmpty()
            ? "failed: " + why
            : now.name().toLowerCase(java.util.Locale.ROOT);
    return new MachineReport(
        context.path().substring(context.path().lastIndexOf('/') + 1),
        settings.image(),
        state,
        memory.bytes(),
        memory.residentBytes(),
        1,
        thread.cpuNanos(),
        thread.instructions(),
        now == Condition.CREATED ? 0 : guestNanos(),
        bus.describe(context.path()),
        hart.overhead());
  }

  // ---- exits of the hart ----

  @Override
  public int trap(int number, int cause, long value) {
    if (!settled) {
      settle();
      return ending ? SUSPEND : RESUME; // what it left for it meets again, in our way
    }
    return hart.trap(cause, value);
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

  /** Clears memory, loads the guest and lets the hart go. */
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
      hart.restore(HartTree.reset(Board.RESET, zeroNanos));
    } else {
      hart.restore(HartTree.boot(guest.entry(), guest.tree(), zeroNanos));
    }
    settled = true;
    thread.weight(settings.weight());
    condition = Condition.RUNNING;
    thread.resume();
  }

  /** Takes the thread over from a predecessor. It is at rest, or in {@link #trap}. */
  private void settle() {
    if (settled) {
      return;
    }
    HartState there = thread.save();
    HartState whole = whole(there);
    if (whole == null) {
      halt("its hart was lost with a monitor that left no state");
    } else {
      hart.adopt(whole, there.mode());
    }
    left = null;
    settled = true;
  }

  /** All of a hart whose thread is like that; null when a part of it is lost. */
  private @Nullable HartState whole(HartState there) {
    HartState kept = left;
    return there.mode() == HartMode.FULL
        ? there
        : kept == null ? null : HartTree.together(kept, there);
  }

  /** The worker's part of it: lets a thread that runs come to rest before. */
  private void settleAtRest() {
    if (settled) {
      return;
    }
    boolean runs = condition == Condition.RUNNING;
    if (runs) {
      thread.suspend();
    }
    settle();
    if (runs && !ending) {
      thread.resume();
    }
  }

  private void switchOff(String why) {
    if (condition == Condition.CREATED || condition == Condition.STOPPED) {
      return;
    }
    thread.suspend();
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
      }
    } finally {
      life.unlock();
    }
  }

  private void startAgain() {
    thread.suspend();
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
   * Whether the hart does what the machine says, at several looks in a row: what may change in
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
    String does = thread.state();
    if (does.equals("ENDED")) {
      return "the hart has ended";
    }
    if (condition == Condition.RUNNING) {
      return ending
          ? "the guest is to end, and goes on"
          : does.equals("SUSPENDED") ? "the machine is on, and its hart is suspended" : "";
    }
    return does.equals("READY") || does.equals("RUNNING") || does.equals("WAITING")
        ? "the machine is not running, and its hart is " + does
        : "";
  }

  // ---- state ----

  /**
   * A hart that runs is not in the state, but for what its monitor keeps of it: it belongs to the
   * endpoint and goes on while its monitor is replaced. Who wants all of a machine pauses it first.
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
    HartState kept = !runs ? null : settled ? hart.kept() : left;
    if (!runs) {
      settle();
    }
    return State.of(SCHEMA, VERSION)
        .with("condition", now.name())
        .with("failure", failure)
        .with("reason", reason)
        .with("ending", ending)
        .with("notices", finish.word())
        .with("guestNanos", guestNanos)
        .with("harts", runs ? List.of() : List.of(HartTree.save(hart.save(), guestNanos)))
        .with(KEPT, kept == null ? List.of() : List.of(HartTree.save(kept, guestNanos)))
        .with("config", config);
  }

  private void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    Condition was;
    try {
      was = Condition.valueOf(saved.text("condition"));
    } catch (IllegalArgumentException unknown) {
      throw new State.Refused("machine.condition is '" + saved.text("condition") + "'");
    }
    String memoryThere = saved.state("config").values().getOrDefault("memory", "").toString();
    if (!memoryThere.equals(context.config("memory", ""))) {
      throw new State.Refused(
          "machine.config.memory is '"
              + memoryThere
              + "', but this machine has '"
              + context.config("memory", "")
              + "'");
    }
    long now = System.nanoTime();
    List<State> harts = saved.states("harts");
    boolean sameEndpoint = memory.present();
    if (harts.size() > 1 || harts.isEmpty() && !(was == Condition.RUNNING && sameEndpoint)) {
      throw new State.Refused(
          "machine.harts has "
              + harts.size()
              + " harts where one is needed; a machine that is to"
              + " go on elsewhere has to be paused before it is saved");
    }
    failure = saved.text("failure");
    reason = saved.text("reason");
    ending = saved.flag("ending");
    zeroNanos = now - saved.number("guestNanos", 0, Long.MAX_VALUE);
    stoodNanos = now;
    condition = was;
    long notices = saved.number("notices");
    // States of monitors that keep nothing had no such list once.
    List<State> kept = saved.values().containsKey(KEPT) ? saved.states(KEPT) : List.of();
    if (kept.size() > 1) {
      throw new State.Refused("machine.kept has " + kept.size() + " harts where one can be");
    }
    if (!kept.isEmpty()) {
      left = HartTree.restore(kept.getFirst(), now);
    }
    if (!harts.isEmpty()) {
      HartState state = HartTree.restore(harts.getFirst(), now);
      left = state;
      if (!sameEndpoint && was != Condition.CREATED) {
        // Another endpoint, perhaps another host. Its memory is brought by somebody else.
        memory.clear();
        hart.restore(state);
        settled = true;
        thread.weight(settings.weight());
        finish.signal(notices);
      }
    }
  }

  /** Goes on with a machine whose monitor failed without leaving a state. */
  private void adopt() {
    boolean runs = !thread.state().equals("SUSPENDED");
    condition = runs ? Condition.RUNNING : Condition.PAUSED;
    stoodNanos = System.nanoTime();
    zeroNanos = stoodNanos;
  }
}
