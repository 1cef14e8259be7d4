package duality.clock;

import duality.drivers.InterruptLine;
import duality.drivers.MmioDevice;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * The Goldfish real-time clock, as QEMU's {@code virt} has it at 0x101000: nanoseconds since 1970
 * in two words, and one alarm. Setting the time moves the guest's clock against the host's, not the
 * host's.
 */
final class GoldfishRtc implements MmioDevice, Instance {
  private static final String SCHEMA = "rtc";
  private static final int VERSION = 1;

  private static final int TIME_LOW = 0x00;
  private static final int TIME_HIGH = 0x04;
  private static final int ALARM_LOW = 0x08;
  private static final int ALARM_HIGH = 0x0c;
  private static final int IRQ_ENABLED = 0x10;
  private static final int CLEAR_ALARM = 0x14;
  private static final int ALARM_STATUS = 0x18;
  private static final int CLEAR_INTERRUPT = 0x1c;

  /** Longest time slept at once, so that a host clock that was set is noticed: a minute. */
  private static final long LONGEST_SLEEP_NANOS = 60_000_000_000L;

  private static final long RING = 1;

  private final InstantSource wallClock;
  private final InterruptLine line;
  private final Alarm timer;
  private final Notification ring;

  private long offsetNanos;
  private int latchedHigh;
  private long alarmNanos;
  private boolean armed;
  private boolean pending;
  private boolean enabled;

  /** At the last look an alarm was due that had not rung. */
  private boolean overdue;

  private GoldfishRtc(Context context, Notification ring, InstantSource wallClock) {
    this.ring = ring;
    this.wallClock = wallClock;
    line = new InterruptLine(context);
    timer = new Alarm(context.path() + ":alarm", ring, RING);
  }

  static GoldfishRtc open(Context context, @Nullable State saved, InstantSource wallClock) {
    Notification ring = context.notification("alarm");
    GoldfishRtc rtc = new GoldfishRtc(context, ring, wallClock);
    if (saved != null) {
      rtc.restore(saved);
    }
    context.worker("alarm", ring, RING, bits -> rtc.look());
    return rtc;
  }

  @Override
  public synchronized long load(long offset, int width) {
    if (width != 4 || offset < 0 || offset > CLEAR_INTERRUPT) {
      return 0;
    }
    return switch ((int) offset) {
      case TIME_LOW -> {
        long now = now();
        latchedHigh = (int) (now >>> 32);
        yield now & 0xffff_ffffL;
      }
      case TIME_HIGH -> latchedHigh & 0xffff_ffffL;
      case ALARM_LOW -> alarmNanos & 0xffff_ffffL;
      case ALARM_HIGH -> alarmNanos >>> 32;
      case IRQ_ENABLED -> enabled ? 1 : 0;
      case ALARM_STATUS -> armed ? 1 : 0;
      default -> 0;
    };
  }

  @Override
  public synchronized void store(long offset, int width, long value) {
    if (width != 4 || offset < 0 || offset > CLEAR_INTERRUPT) {
      return;
    }
    switch ((int) offset) {
      case TIME_LOW -> setTime(withLow(now(), value));
      case TIME_HIGH -> setTime(withHigh(now(), value));
      case ALARM_LOW -> {
        alarmNanos = withLow(alarmNanos, value);
        armed = true; // the low word arms it; the high word is written first
      }
      case ALARM_HIGH -> alarmNanos = withHigh(alarmNanos, value);
      case IRQ_ENABLED -> enabled = (value & 1) != 0;
      case CLEAR_ALARM -> armed = false;
      case CLEAR_INTERRUPT -> pending = false;
      default -> {
        // Read-only, or not there.
      }
    }
    look();
  }

  @Override
  public synchronized void reset() {
    offsetNanos = 0;
    latchedHigh = 0;
    alarmNanos = 0;
    armed = false;
    pending = false;
    enabled = false;
    look();
  }

  private void setTime(long nanos) {
    offsetNanos += nanos - now();
  }

  private long now() {
    Instant now = wallClock.instant();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano() + offsetNanos;
  }

  /** Looks whether the alarm is due, and brings interrupt and timer up to date. */
  private synchronized void look() {
    long left = alarmNanos - now();
    if (armed && left <= 0) {
      armed = false;
      pending = true;
    }
    line.set(pending && enabled);
    if (armed) {
      timer.ringAfter(Math.min(left, LONGEST_SLEEP_NANOS));
    } else {
      timer.off();
    }
  }

  /** Whether an alarm that is due has rung; it may be late once, see {@link Clint#check}. */
  @Override
  public synchronized void check() {
    line.set(pending && enabled); // if the controller did not hear it
    boolean due = armed && alarmNanos - now() <= 0;
    if (due && overdue) {
      throw new IllegalStateException("the alarm is due and does not ring");
    }
    overdue = due;
    if (due) {
      ring.signal(RING);
    }
  }

  private static long withLow(long nanos, long low) {
    return nanos & ~0xffff_ffffL | low & 0xffff_ffffL;
  }

  private static long withHigh(long nanos, long high) {
    return nanos & 0xffff_ffffL | high << 32;
  }

  @Override
  public synchronized State save() {
    return State.of(SCHEMA, VERSION)
        .with("offsetNanos", offsetNanos)
        .with("latchedHigh", latchedHigh)
        .with("alarmNanos", alarmNanos)
        .with("armed", armed)
        .with("pending", pending)
        .with("enabled", enabled);
  }

  private void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    offsetNanos = saved.number("offsetNanos");
    latchedHigh = (int) saved.number("latchedHigh", Integer.MIN_VALUE, Integer.MAX_VALUE);
    alarmNanos = saved.number("alarmNanos");
    armed = saved.flag("armed");
    pending = saved.flag("pending");
    enabled = saved.flag("enabled");
  }

  @Override
  public void close() {
    timer.close();
  }
}
