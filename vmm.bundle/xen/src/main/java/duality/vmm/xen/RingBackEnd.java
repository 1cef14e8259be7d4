package duality.vmm.xen;

import duality.drivers.BackEnd;
import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What back halves have in common: one page with rings, which is looked at in rounds of a worker.
 * The page is lent for the length of a round, and counters in it are read once.
 */
abstract class RingBackEnd implements BackEnd, Instance {
  static final int PAGE_BYTES = 4096;
  private static final int NO_RING = -1;

  /** Nothing waits in the ring. */
  static final long NOTHING = -1;

  /** Looks of {@link #check} at which something may wait that should have been taken. */
  private static final int PATIENT_LOOKS = 2;

  /** The far side has something: what consoles and stores signal. */
  private static final long FAR_SIDE = 1;

  private final Context context;
  private final Space window;
  private final Notification events;
  private final Notification ports;
  private final Notification lines;
  private final long port;

  /** Guards everything below and in subclasses. */
  final ReentrantLock lock = new ReentrantLock();

  private int ring = NO_RING;
  private boolean broken;

  /** Rounds that went to their end. */
  private long rounds;

  // What the last look saw:
  private int looks;
  private long seenAt = NOTHING;
  private long seenRounds;

  RingBackEnd(Context context) {
    this.context = context;
    window = context.slot(Slots.MEMORY, Space.class);
    events = context.slot(Slots.EVENTS, Notification.class);
    ports = context.slot(PORTS, Notification.class);
    lines = context.slot(Slots.HART + 0, Notification.class);
    port = 1L << Settings.number(context, PORT, 0, Long.SIZE - 1, -1);
  }

  /** To be called at the end of a constructor. */
  final void begin() {
    context.worker("ring", events, KICK | FAR_SIDE, this::round);
  }

  final Context context() {
    return context;
  }

  /** One round: with the ring when there is one, else null. Says whether to call the guest. */
  abstract boolean work(@Nullable Grant page) throws Lies;

  /** How far what the guest has put there was taken; {@link #NOTHING} when all of it was. */
  abstract long untaken(Grant page);

  /** A ring begins; what was known of another one means nothing any more. */
  abstract void fresh(Grant page);

  /** The ring is left. */
  abstract void left();

  /** Whether something in flight uses a grant. */
  abstract boolean uses(int grant);

  /** Adds what a successor has to know beside the ring. */
  abstract State save(State state);

  /** What cannot be in a ring. */
  static final class Lies extends Exception {
    private static final long serialVersionUID = 1;

    Lies(String what) {
      super(what, null, false, false);
    }
  }

  private void round(long bits) {
    lock.lock();
    try {
      boolean call;
      if (ring == NO_RING || broken) {
        call = work(null);
      } else {
        try (Grant page = lend(ring, 0, PAGE_BYTES, Memory.READ | Memory.WRITE)) {
          call = work(page);
        } catch (CallFailed.BadRequest notThere) {
          throw new Lies("its ring is not granted any more");
        }
      }
      rounds++;
      if (call) {
        callGuest();
      }
    } catch (Lies lies) {
      broken = true;
      context.log("the guest's ring is broken: " + lies.getMessage());
      callGuest();
    } finally {
      lock.unlock();
    }
  }

  private void callGuest() {
    ports.signal(port);
    lines.signal(Lines.SEIP);
  }

  /** The worker comes once more. */
  final void again() {
    events.signal(KICK);
  }

  /**
   * Lends a part of a granted page.
   *
   * @throws CallFailed.BadRequest when it is not granted so
   */
  final Grant lend(int grant, int offset, int length, int access) {
    return window.grant((long) grant * PAGE_BYTES + offset, length, access);
  }

  @Override
  public boolean connect(int grant) {
    lock.lock();
    try {
      if (ring != NO_RING && !broken || grant < 0 || grant >= GRANTS) {
        return false;
      }
      try (Grant page = lend(grant, 0, PAGE_BYTES, Memory.READ | Memory.WRITE)) {
        left();
        fresh(page);
      } catch (CallFailed.BadRequest notGranted) {
        return false;
      }
      ring = grant;
      broken = false;
      context.checkpoint(save());
      again();
      return true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void disconnect() {
    lock.lock();
    try {
      if (ring != NO_RING) {
        ring = NO_RING;
        broken = false;
        left();
        context.checkpoint(save());
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean release(int grant) {
    lock.lock();
    try {
      return grant != ring && !uses(grant);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int state() {
    lock.lock();
    try {
      return ring == NO_RING ? CLOSED : broken ? BROKEN : CONNECTED;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public State save() {
    lock.lock();
    try {
      return save(State.of(schema(), 1).with("ring", ring).with("broken", broken));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether something lies in the ring that is not taken, though rounds were made meanwhile; what
   * was announced and not heard of is found.
   */
  @Override
  public final void check() {
    if (!lock.tryLock()) {
      return; // at work, perhaps below: that has its own limits
    }
    try {
      long at = connected() ? untaken() : NOTHING;
      boolean same = at != NOTHING && at == seenAt;
      if (same && rounds > seenRounds && looks >= PATIENT_LOOKS) {
        throw new IllegalStateException("what the guest has put into its ring is not taken");
      }
      looks = same ? looks + 1 : 1;
      seenAt = at;
      seenRounds = rounds;
    } finally {
      lock.unlock();
    }
    again();
  }

  private long untaken() {
    try (Grant page = lend(ring, 0, PAGE_BYTES, Memory.READ)) {
      return untaken(page);
    } catch (CallFailed.BadRequest notThere) {
      return NOTHING; // the next round says so
    }
  }

  abstract String schema();

  /** Goes on with the ring of a predecessor. */
  final void restoreRing(State saved) {
    saved.expect(schema(), 1);
    ring = (int) saved.number("ring", NO_RING, GRANTS - 1);
    broken = saved.flag("broken");
  }

  /** The grant of the page with the ring. */
  final int ring() {
    return ring;
  }

  /** Whether there is a ring. */
  final boolean connected() {
    return ring != NO_RING && !broken;
  }
}
