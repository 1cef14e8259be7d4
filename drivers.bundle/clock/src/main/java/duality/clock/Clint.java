package duality.clock;

import duality.drivers.MmioDevice;
import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.kernel.processor.Hart;
import duality.kernel.processor.Lines;
import java.util.Arrays;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * SiFive's core-local interruptor, as QEMU's {@code virt} has it at 0x2000000: {@code msip} of hart
 * N at 4N, {@code mtimecmp} at 0x4000 + 8N, {@code mtime} at 0xbff8 (RISC-V Priv. §3.2.1).
 *
 * <p>{@code mtime} counts at {@link Hart#TIMEBASE_HZ} from the moment on the host's monotonic clock
 * that the configuration names, so that it agrees with the harts' {@code time}. Writing it moves
 * only this counter: a monitor that stood still stores the value from before.
 */
final class Clint implements MmioDevice, Instance {
  private static final String SCHEMA = "clint";
  private static final int VERSION = 1;

  private static final int MOST_HARTS = 128;
  private static final long COMPARE = 0x4000;
  private static final long TIME = 0xbff8;

  private static final long NANOS_PER_TICK = 1_000_000_000L / Hart.TIMEBASE_HZ;

  /** Longest sleep in ticks, about three years: products with nanoseconds stay in range. */
  private static final long LONGEST_SLEEP_TICKS = 1L << 50;

  private static final long RING = 1;

  /** No comparison: it never matches. */
  private static final long NEVER = -1;

  private final Notification[] harts;
  private final Notification ring;
  private final LongSupplier nanoClock;
  private final Alarm timer;

  private final long[] compare;
  private final boolean[] software;
  private final boolean[] timerAsserted;

  /** Comparisons that were due at the last look without their line being up. */
  private final long[] overdue;

  private long originNanos;

  /** What the guest added by setting the time, in ticks; wraps around. */
  private long shiftTicks;

  private Clint(Context context, Notification ring, LongSupplier nanoClock) {
    harts = new Notification[Settings.number(context, Slots.HARTS, 1, MOST_HARTS, 1)];
    for (int i = 0; i < harts.length; i++) {
      harts[i] = context.slot(Slots.HART + i, Notification.class);
    }
    this.ring = ring;
    this.nanoClock = nanoClock;
    timer = new Alarm(context.path() + ":timer", ring, RING);
    compare = new long[harts.length];
    Arrays.fill(compare, -1);
    overdue = new long[harts.length];
    Arrays.fill(overdue, NEVER);
    software = new boolean[harts.length];
    timerAsserted = new boolean[harts.length];
    originNanos = origin(context);
  }

  static Clint open(Context context, @Nullable State saved, LongSupplier nanoClock) {
    Notification ring = context.notification("timer");
    Clint clint = new Clint(context, ring, nanoClock);
    if (saved != null) {
      clint.restore(saved);
    }
    context.worker("timer", ring, RING, bits -> clint.look());
    return clint;
  }

  private long origin(Context context) {
    String text = context.config("origin", "");
    try {
      return text.isEmpty() ? nanoClock.getAsLong() : Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new CallFailed.BadRequest(
          context.path()
              + ": 'origin' is '"
              + text
              + "'; nanoseconds of the host's clock are needed");
    }
  }

  @Override
  public synchronized long load(long offset, int width) {
    if (width != 4 && width != 8 || (offset & width - 1) != 0 || offset < 0) {
      return 0;
    }
    long value;
    if (offset < COMPARE) {
      long hart = offset / 4;
      return width == 4 && hart < harts.length && software[(int) hart] ? 1 : 0;
    } else if (offset >= TIME && offset < TIME + 8) {
      value = time();
    } else if (offset - COMPARE < 8L * harts.length) {
      value = compare[(int) (offset - COMPARE) / 8];
    } else {
      return 0;
    }
    return width == 8 ? value : value >>> (offset & 4) * 8 & 0xffff_ffffL;
  }

  @Override
  public synchronized void store(long offset, int width, long value) {
    if (width != 4 && width != 8 || (offset & width - 1) != 0 || offset < 0) {
      return;
    }
    if (offset < COMPARE) {
      long hart = offset / 4;
      if (width == 4 && hart < harts.length) {
        software[(int) hart] = (value & 1) != 0;
        level((int) hart, Lines.MSIP, software[(int) hart]);
      }
    } else if (offset >= TIME && offset < TIME + 8) {
      long now = time();
      shiftTicks += merge(now, offset, width, value) - now;
      look();
    } else if (offset - COMPARE < 8L * harts.length) {
      int hart = (int) (offset - COMPARE) / 8;
      compare[hart] = merge(compare[hart], offset, width, value);
      look();
    }
  }

  @Override
  public synchronized void reset() {
    Arrays.fill(compare, -1);
    for (int i = 0; i < harts.length; i++) {
      software[i] = false;
      level(i, Lines.MSIP, false);
    }
    look();
  }

  private static long merge(long whole, long offset, int width, long value) {
    if (width == 8) {
      return value;
    }
    long shift = (offset & 4) * 8;
    return whole & ~(0xffff_ffffL << shift) | (value & 0xffff_ffffL) << shift;
  }

  private long time() {
    return Math.floorDiv(nanoClock.getAsLong() - originNanos, NANOS_PER_TICK) + shiftTicks;
  }

  private void level(int hart, long line, boolean high) {
    if (high) {
      harts[hart].signal(line);
    } else {
      harts[hart].clear(line);
    }
  }

  /** Brings the timer lines up to date, and the alarm to the next comparison that will match. */
  private synchronized void look() {
    long now = time();
    long next = -1; // unsigned: the furthest there is
    for (int i = 0; i < harts.length; i++) {
      boolean due = Long.compareUnsigned(now, compare[i]) >= 0;
      if (due != timerAsserted[i]) {
        timerAsserted[i] = due;
        level(i, Lines.MTIP, due);
      }
      if (!due && Long.compareUnsigned(compare[i], next) < 0) {
        next = compare[i];
      }
    }
    if (next == -1) {
      timer.off();
      return;
    }
    long left = next - now;
    long ticks = left < 0 || left > LONGEST_SLEEP_TICKS ? LONGEST_SLEEP_TICKS : left;
    timer.ringAfter(ticks * NANOS_PER_TICK);
  }

  /**
   * Whether a timer that is due has raised its line. At the first look it may be the alarm's thread
   * that is late; then the worker is woken, and the line has to be up at the next one.
   */
  @Override
  public synchronized void check() {
    for (int i = 0; i < harts.length; i++) {
      boolean due = Long.compareUnsigned(time(), compare[i]) >= 0;
      boolean missed = due && !timerAsserted[i];
      if (missed && overdue[i] == compare[i]) {
        throw new IllegalStateException("the timer of hart " + i + " is due and its line is low");
      }
      overdue[i] = missed ? compare[i] : NEVER;
      level(i, Lines.MTIP, timerAsserted[i]); // should the hart not have heard it
      if (missed) {
        ring.signal(RING);
      }
    }
  }

  @Override
  public synchronized State save() {
    long[] pending = new long[harts.length];
    for (int i = 0; i < harts.length; i++) {
      pending[i] = software[i] ? 1 : 0;
    }
    return State.of(SCHEMA, VERSION)
        .with("originNanos", originNanos)
        .with("shiftTicks", shiftTicks)
        .with("msip", pending)
        .with("mtimecmp", compare);
  }

  private synchronized void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    originNanos = saved.number("originNanos");
    shiftTicks = saved.number("shiftTicks");
    long[] pending = saved.numbers("msip");
    long[] compares = saved.numbers("mtimecmp");
    if (pending.length != harts.length || compares.length != harts.length) {
      throw new State.Refused(
          "clint state of "
              + pending.length
              + " and "
              + compares.length
              + " harts, for a machine of "
              + harts.length);
    }
    for (int i = 0; i < harts.length; i++) {
      if (pending[i] < 0 || pending[i] > 1) {
        throw new State.Refused("clint.msip of hart " + i + " is " + pending[i] + ", not 0 or 1");
      }
      software[i] = pending[i] == 1;
      compare[i] = compares[i];
      level(i, Lines.MSIP, software[i]);
      timerAsserted[i] = Long.compareUnsigned(time(), compare[i]) >= 0;
      level(i, Lines.MTIP, timerAsserted[i]);
    }
  }

  @Override
  public void close() {
    timer.close();
  }
}
