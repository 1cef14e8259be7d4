package duality.drivers.virtio;

import duality.drivers.InterruptLine;
import duality.drivers.MmioDevice;
import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Space;
import duality.kernel.State;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The virtio transport over MMIO (VIRTIO 1.2 §4.2): registers, negotiation, the status machine,
 * queue set-up and interrupts for one {@link VirtioDevice}. It is of version 2; with the setting
 * {@link #LEGACY} it is of version 1 (§4.2.4), for drivers that know no other.
 *
 * <p>Registers are updated on the hart's thread; queues are worked on by a worker of the endpoint.
 * A guest that breaks a rule finds its device in DEVICE_NEEDS_RESET (§2.1.2).
 *
 * <p><em>Concurrency:</em> two locks, taken in this order. The work lock is held while queues are
 * worked on, and when they appear or disappear: a hart that resets the device waits for the end of
 * one turn of the worker. The register lock (this object) is held for moments only, also while the
 * interrupt line is set, so that its level is always the one of the last change.
 *
 * <p><em>After a swap:</em> registers, queues and the device's own state are those of the
 * predecessor.
 */
public final class VirtioMmio implements MmioDevice, Instance {
  /** Setting: {@code true} for the interface of before VIRTIO 1.0. */
  private static final String LEGACY = "legacy";

  private static final int VERSION = 1;

  /** Looks of {@link #check} at which chains may wait that the device should have taken. */
  private static final int PATIENT_LOOKS = 2;

  private static final long MAGIC = 0x7472_6976; // "virt"

  /** "QEMU": teaching systems, MIT's xv6 among them, look for it and stop when it is another. */
  private static final long VENDOR = 0x554d_4551;

  private static final long CONFIG = 0x100;

  private static final int ACKNOWLEDGE = 1;
  private static final int DRIVER = 2;
  private static final int DRIVER_OK = 4;
  private static final int FEATURES_OK = 8;
  private static final int NEEDS_RESET = 64;
  private static final int FAILED = 128;

  /** In a state: it is not of a legacy device. */
  private static final int NO_PAGES = -1;

  private static final int USED_BUFFER = 1;
  private static final int CONFIG_CHANGE = 2;

  private static final long FEATURE_INDIRECT = 1L << 28;
  private static final long FEATURE_EVENT_INDEX = 1L << 29;
  private static final long FEATURE_VERSION_1 = 1L << 32;

  /**
   * Events from bit 32 on are kicks, one bit per queue; the last two bits stand for all the others.
   */
  private static final int FIRST_KICK = 32;

  private static final int LAST_KICK = 62;
  private static final long WAKE = 1L << 63;

  /** Between two tries when somebody below does not answer: 20 ms. */
  private static final long RETRY_NANOS = 20_000_000;

  private final Context context;
  private final VirtioDevice device;
  private final boolean legacy;
  private final Space memory;
  private final InterruptLine line;
  private final Notification events;
  private final List<Virtqueue> queues = new ArrayList<>();
  private final Object work = new Object();

  private int status;
  private int interruptStatus;
  private long driverFeatures;
  private int deviceFeaturesSelect;
  private int driverFeaturesSelect;
  private int queueSelect;
  private int configGeneration;

  /** Of a legacy driver's page numbers, in bits. */
  private int pageShift;

  /** It goes on from a state, and its worker has not had a turn yet. */
  private boolean restarted;

  /** The worker is at work. */
  private volatile boolean inRound;

  /** Rounds that went to their end. */
  private volatile long rounds;

  private final Look[] looks;

  private VirtioMmio(Context context, VirtioDevice device) {
    this.context = context;
    this.device = device;
    legacy = Settings.flag(context, LEGACY, false);
    memory = context.slot(Slots.MEMORY, Space.class);
    line = new InterruptLine(context);
    events =
        context.has(Slots.EVENTS)
            ? context.slot(Slots.EVENTS, Notification.class)
            : context.notification(Slots.EVENTS);
    for (int i = 0; i < device.queues(); i++) {
      Virtqueue queue = new Virtqueue(device.queueSize());
      queue.onNewBase(this::checkpoint);
      queues.add(queue);
    }
    looks = new Look[device.queues()];
    Arrays.setAll(looks, i -> new Look());
  }

  /** What {@link #check} saw of a queue in which chains waited. */
  private static final class Look {
    private int nextAvailable;
    private long rounds;
    private int count;
  }

  /**
   * Puts a device behind this transport and starts its worker.
   *
   * @param context the endpoint's, with slots {@link Slots#MEMORY}, {@link Slots#INTERRUPTS} and
   *     {@link Slots#EVENTS}
   * @param saved the predecessor's state, or null
   * @throws State.Refused when the state makes no sense
   */
  public static VirtioMmio open(Context context, VirtioDevice device, @Nullable State saved) {
    VirtioMmio transport = new VirtioMmio(context, device);
    device.attach(transport);
    if (saved != null) {
      transport.restore(saved);
      transport.resume();
      transport.restarted = true;
    }
    context.worker("queues", transport.events, -1L, transport::work);
    return transport;
  }

  // For the device.

  /** The guest's memory. */
  public Space memory() {
    return memory;
  }

  /** The event notification: to wait for backends when a device comes to rest. */
  public Notification events() {
    return events;
  }

  /** Queue number {@code queue}. */
  public Virtqueue queue(int queue) {
    return queues.get(queue);
  }

  /** Opens a queue's rings, see {@link Virtqueue#open}. */
  public Rings rings(int queue) throws Malformed {
    return queues
        .get(queue)
        .open(memory, negotiated(FEATURE_INDIRECT), negotiated(FEATURE_EVENT_INDEX));
  }

  /** Whether the driver has finished setting up and the device is not broken. */
  public synchronized boolean running() {
    return (status & (DRIVER_OK | NEEDS_RESET | FAILED)) == DRIVER_OK;
  }

  /** Whether both sides agreed on a feature, given as a bit mask. */
  public synchronized boolean negotiated(long feature) {
    return agreed(status) && (driverFeatures & feature) != 0;
  }

  /** Whether the driver speaks VIRTIO 1.0 or later; one that does not has a few structures else. */
  public boolean modern() {
    return negotiated(FEATURE_VERSION_1);
  }

  /** A legacy driver knows no FEATURES_OK (§3.1.2). */
  private boolean agreed(int reached) {
    return legacy || (reached & FEATURES_OK) != 0;
  }

  /** Whether {@code bits} hold a kick of this queue. */
  public static boolean kicked(long bits, int queue) {
    return (bits >>> Math.min(FIRST_KICK + queue, LAST_KICK) & 1) != 0 || (bits & WAKE) != 0;
  }

  /** Has the worker look at everything once more. */
  public void again() {
    events.signal(WAKE);
  }

  /** What a successor needs of the device is another now: see {@link VirtioDevice#checkpoint}. */
  public void changed() {
    checkpoint();
  }

  /** Tells the driver that a queue has used buffers. */
  public synchronized void interrupt() {
    interruptStatus |= USED_BUFFER;
    drive();
  }

  /** Tells the driver that the configuration space has changed. */
  public synchronized void configChanged() {
    configGeneration++;
    if ((status & DRIVER_OK) != 0) {
      interruptStatus |= CONFIG_CHANGE;
      drive();
    }
  }

  /** The guest broke a rule: this device does nothing more until it is reset. */
  public void needsReset(Exception why) {
    synchronized (this) {
      if ((status & NEEDS_RESET) != 0) {
        return;
      }
      status |= NEEDS_RESET;
      if ((status & DRIVER_OK) != 0) {
        interruptStatus |= CONFIG_CHANGE;
        drive();
      }
    }
    checkpoint();
    context.log("needs a reset: " + why.getMessage());
  }

  private void work(long bits) {
    synchronized (this) {
      if (restarted && running()) {
        // The predecessor may have stopped between giving a chain back and saying so.
        interruptStatus |= USED_BUFFER;
      }
      restarted = false;
      drive(); // a successor's line knows nothing yet
    }
    synchronized (work) {
      inRound = true;
      try {
        device.work(bits);
        rounds++;
      } catch (CallFailed.BadRequest | CallFailed.Revoked refused) {
        needsReset(refused);
      } catch (CallFailed nobody) {
        // A pager or backend is broken or away: what is in the rings is still there, later.
        LockSupport.parkNanos(RETRY_NANOS);
        events.signal(bits | WAKE);
      } finally {
        inRound = false;
      }
    }
  }

  // For the harts.

  @Override
  public synchronized long load(long offset, int width) {
    if (offset >= CONFIG) {
      return config(offset - CONFIG, width);
    }
    if (width != 4 || offset < 0) {
      return 0;
    }
    return switch ((int) offset) {
      case 0x000 -> MAGIC;
      case 0x004 -> legacy ? 1 : 2;
      case 0x008 -> device.type();
      case 0x00c -> VENDOR;
      case 0x010 -> half(offered(), deviceFeaturesSelect);
      case 0x034 -> selected() ? queues.get(queueSelect).mostSize() : 0;
      case 0x040 -> legacy && selected() ? queues.get(queueSelect).pageNumber(pageShift) : 0;
      case 0x044 -> !legacy && selected() && queues.get(queueSelect).ready() ? 1 : 0;
      case 0x060 -> interruptStatus;
      case 0x070 -> status;
      case 0x0b0, 0x0b4, 0x0b8, 0x0bc -> 0xffff_ffffL; // no shared memory (§4.2.2)
      case 0x0fc -> legacy ? 0 : configGeneration & 0xffff_ffffL;
      default -> 0;
    };
  }

  @Override
  public void store(long offset, int width, long value) {
    if (width != 4 || offset < 0 || offset >= CONFIG) {
      return; // no device here has a configuration that can be written
    }
    int word = (int) value;
    switch ((int) offset) {
      case 0x040, 0x044 -> {
        if (legacy == (offset == 0x040)) {
          synchronized (work) {
            queueReady(word);
          }
        }
      }
      case 0x050 -> {
        kick(word);
        return;
      }
      case 0x064 -> {
        register((int) offset, word);
        return;
      }
      case 0x070 -> {
        if (word == 0) {
          reset();
        } else {
          status(word);
        }
      }
      default -> register((int) offset, word);
    }
    checkpoint();
  }

  @Override
  public void reset() {
    synchronized (work) {
      synchronized (this) {
        status = 0;
        interruptStatus = 0;
        driverFeatures = 0;
        deviceFeaturesSelect = 0;
        driverFeaturesSelect = 0;
        queueSelect = 0;
        pageShift = 0;
        queues.forEach(Virtqueue::reset);
        drive();
      }
      device.reset();
    }
    checkpoint();
  }

  private synchronized void register(int offset, int word) {
    switch (offset) {
      case 0x014 -> deviceFeaturesSelect = word;
      case 0x024 -> driverFeaturesSelect = word;
      case 0x030 -> queueSelect = word;
      case 0x064 -> {
        interruptStatus &= ~word;
        drive();
      }
      case 0x020 -> {
        if ((status & FEATURES_OK) == 0 && (driverFeaturesSelect & ~1) == 0) {
          driverFeatures = withHalf(driverFeatures, driverFeaturesSelect, word);
          // A legacy driver is not told that it asks for too much: it does not get it.
          driverFeatures &= legacy ? offered() : -1;
        }
      }
      case 0x028 -> pageShift = legacy && word != 0 ? Integer.numberOfTrailingZeros(word) : 0;
      default -> {
        if (selected() && !queues.get(queueSelect).ready()) {
          queueRegister(queues.get(queueSelect), offset, word);
        }
      }
    }
  }

  private void queueRegister(Virtqueue queue, int offset, int word) {
    if (legacy) {
      switch (offset) {
        case 0x038 -> queue.size(word);
        case 0x03c -> queue.alignment(word);
        default -> {
          // Read-only, or not there.
        }
      }
      return;
    }
    switch (offset) {
      case 0x038 -> queue.size(word);
      case 0x080 -> queue.descriptorArea(withHalf(queue.descriptorArea(), 0, word));
      case 0x084 -> queue.descriptorArea(withHalf(queue.descriptorArea(), 1, word));
      case 0x090 -> queue.driverArea(withHalf(queue.driverArea(), 0, word));
      case 0x094 -> queue.driverArea(withHalf(queue.driverArea(), 1, word));
      case 0x0a0 -> queue.deviceArea(withHalf(queue.deviceArea(), 0, word));
      case 0x0a4 -> queue.deviceArea(withHalf(queue.deviceArea(), 1, word));
      default -> {
        // Read-only, or not there.
      }
    }
  }

  /**
   * Under the work lock: the worker must not be inside a queue that comes or goes. A legacy driver
   * gives a page's number, or 0.
   */
  private void queueReady(int word) {
    Malformed wrong = null;
    synchronized (this) {
      if (!selected()) {
        return;
      }
      Virtqueue queue = queues.get(queueSelect);
      if ((legacy ? word : word & 1) == 0) {
        queue.stop();
      } else if (!queue.ready()) {
        try {
          if (legacy) {
            queue.areasFrom((word & 0xffff_ffffL) << pageShift);
          }
          queue.makeReady();
        } catch (Malformed malformed) {
          wrong = malformed;
        }
      }
    }
    if (wrong != null) {
      needsReset(wrong);
    }
  }

  private void kick(int queue) {
    if (queue >= 0 && queue < queues.size()) {
      events.signal(1L << Math.min(FIRST_KICK + queue, LAST_KICK));
    }
  }

  /** The driver sets bits one after the other (§3.1.1); only a reset clears them. */
  private synchronized void status(int word) {
    int wanted = word & (ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | FAILED) | status;
    if ((wanted & ~status & FEATURES_OK) != 0 && !acceptable(driverFeatures)) {
      wanted &= ~FEATURES_OK;
    }
    if (!agreed(wanted)) {
      wanted &= ~DRIVER_OK;
    }
    boolean starts = (wanted & ~status & DRIVER_OK) != 0;
    status = wanted;
    if (starts) {
      again();
    }
  }

  /**
   * Whether the driver asks for nothing that was not offered. One that does not know VERSION_1, as
   * teaching systems' do not, is served as one that does: QEMU's transport of version 2 does so,
   * too, and a little-endian guest notices no difference.
   */
  private boolean acceptable(long features) {
    return (features & ~offered()) == 0;
  }

  private long offered() {
    long known = device.features() | FEATURE_INDIRECT | FEATURE_EVENT_INDEX;
    return legacy ? known : known | FEATURE_VERSION_1;
  }

  private boolean selected() {
    return queueSelect >= 0 && queueSelect < queues.size();
  }

  private void drive() {
    line.set(interruptStatus != 0);
  }

  private long config(long offset, int width) {
    byte[] config = device.config();
    long value = 0;
    for (int i = 0; i < width && i < 8; i++) {
      // The address may lie anywhere; beyond the configuration there are zeros.
      if (offset + i < config.length) {
        value |= (config[(int) offset + i] & 0xffL) << 8 * i;
      }
    }
    return value;
  }

  private static long half(long whole, int which) {
    return (which & ~1) == 0 ? whole >>> 32 * which & 0xffff_ffffL : 0;
  }

  private static long withHalf(long whole, int which, int word) {
    int shift = 32 * which;
    return whole & ~(0xffff_ffffL << shift) | (word & 0xffff_ffffL) << shift;
  }

  // State.

  @Override
  public State save() {
    synchronized (work) {
      State own = device.save(); // first: what comes to rest changes queues and interrupts
      synchronized (this) {
        return state(queues.stream().map(Virtqueue::save).toList())
            .with("interruptStatus", interruptStatus)
            .with("device", own);
      }
    }
  }

  private State state(List<State> queueStates) {
    return State.of(device.schema(), VERSION)
        .with("status", status)
        .with("driverFeatures", driverFeatures)
        .with("deviceFeaturesSelect", deviceFeaturesSelect)
        .with("driverFeaturesSelect", driverFeaturesSelect)
        .with("queueSelect", queueSelect)
        .with("configGeneration", configGeneration)
        .with("pageShift", legacy ? pageShift : NO_PAGES)
        .with("queues", queueStates);
  }

  /**
   * Leaves with the endpoint what a successor cannot find in the rings. Registers change seldom,
   * and so does the base of a queue.
   */
  private synchronized void checkpoint() {
    State own = device.checkpoint();
    if (own != null) {
      context.checkpoint(
          state(queues.stream().map(Virtqueue::checkpoint).toList()).with("device", own));
    }
  }

  private synchronized void restore(State saved) {
    saved.expect(device.schema(), VERSION);
    int any = ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | NEEDS_RESET | FAILED;
    status = (int) saved.number("status", 0, 0xff);
    // What is not known may have been set: one interrupt too many does no harm.
    interruptStatus =
        saved.has("interruptStatus")
            ? (int) saved.number("interruptStatus", 0, USED_BUFFER | CONFIG_CHANGE)
            : (status & DRIVER_OK) != 0 ? USED_BUFFER : 0;
    driverFeatures = saved.number("driverFeatures");
    deviceFeaturesSelect = word(saved, "deviceFeaturesSelect");
    driverFeaturesSelect = word(saved, "driverFeaturesSelect");
    queueSelect = word(saved, "queueSelect");
    configGeneration = word(saved, "configGeneration");
    int pages = saved.has("pageShift") ? (int) saved.number("pageShift", NO_PAGES, 31) : NO_PAGES;
    if (legacy == (pages == NO_PAGES)) {
      throw new State.Refused(device.schema() + " is of another version of virtio-mmio");
    }
    pageShift = Math.max(0, pages);
    boolean featuresAgreed = agreed(status);
    if ((status & ~any) != 0 || (status & DRIVER_OK) != 0 && !featuresAgreed) {
      throw new State.Refused(device.schema() + ".status is " + status + ", which cannot be");
    }
    if (featuresAgreed && !acceptable(driverFeatures)) {
      throw new State.Refused(
          "the guest uses features 0x"
              + Long.toHexString(driverFeatures)
              + " of "
              + device.schema()
              + "; this server has 0x"
              + Long.toHexString(offered()));
    }
    List<State> states = saved.states("queues");
    if (states.size() != queues.size()) {
      throw new State.Refused(
          device.schema() + " has " + queues.size() + " queues here, not " + states.size());
    }
    for (int i = 0; i < states.size(); i++) {
      queues.get(i).restore(states.get(i));
    }
    device.restore(saved.state("device"));
  }

  /**
   * Goes on with the chains that the driver waits for. Where rings and state do not fit, the device
   * does nothing more: to refuse the state would let a guest that writes into its rings keep its
   * driver from being replaced.
   */
  private void resume() {
    try {
      for (int i = 0; i < queues.size(); i++) {
        if (queues.get(i).ready()) {
          queues.get(i).resume(memory, device.resume(i, queues.get(i).outstanding(memory)));
        }
      }
    } catch (Malformed malformed) {
      needsReset(malformed);
    }
  }

  /**
   * Whether chains lie in a queue that the device would take and does not, though its worker was
   * woken and made a round meanwhile; and what the device itself finds.
   */
  @Override
  public void check() {
    if (inRound) {
      return; // at work, perhaps below: that has its own limits
    }
    synchronized (work) {
      if (!running()) {
        return;
      }
      device.check();
      for (int i = 0; i < queues.size(); i++) {
        if (queues.get(i).ready() && device.takes(i)) {
          look(i, queues.get(i));
        } else {
          looks[i].count = 0;
        }
      }
    }
  }

  @Override
  public void ended() {
    device.ended();
  }

  private void look(int number, Virtqueue queue) {
    Look look = looks[number];
    try {
      if (!queue.hasMore(memory)) {
        look.count = 0;
        return;
      }
    } catch (Malformed malformed) {
      needsReset(malformed);
      return;
    }
    boolean same = look.count > 0 && look.nextAvailable == queue.nextAvailable();
    if (same && rounds > look.rounds && look.count >= PATIENT_LOOKS) {
      throw new IllegalStateException("queue " + number + " has chains that are not taken");
    }
    look.count = same ? look.count + 1 : 1;
    look.nextAvailable = queue.nextAvailable();
    look.rounds = rounds;
    again(); // if only a kick was lost, this is all that it needs
  }

  private static int word(State saved, String name) {
    return (int) saved.number(name, Integer.MIN_VALUE, Integer.MAX_VALUE);
  }
}
