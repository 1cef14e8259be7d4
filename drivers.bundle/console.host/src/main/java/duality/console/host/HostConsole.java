package duality.console.host;

import duality.drivers.Console;
import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.drivers.WorkTallies;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A console in memory: the last output in a ring, and input that waits for the guest. */
final class HostConsole implements Console, Instance {
  private static final String SCHEMA = "console";
  private static final int VERSION = 1;

  private static final int INPUT_LIMIT = 65_536;
  private static final long LONGEST_WAIT_MILLIS = 1_000;

  private final @Nullable Notification events;
  private final long inputBit;

  private final WorkTallies.Tally tally;
  private final ByteRing output;
  private final ByteRing input = new ByteRing(INPUT_LIMIT);

  /** How often readers were asked to return; guarded by this. */
  private long hurries;

  private HostConsole(Context context) {
    tally = HostConsoleServer.WORK.of(context.path());
    output = new ByteRing(Settings.number(context, "remember", 1, 1 << 26, 65_536));
    events = context.has(Slots.EVENTS) ? context.slot(Slots.EVENTS, Notification.class) : null;
    inputBit = 1L << Settings.number(context, Slots.EVENT_BIT, 0, 31, 0);
  }

  static HostConsole open(Context context, @Nullable State saved) {
    HostConsole console = new HostConsole(context);
    if (saved != null) {
      console.restore(saved);
    }
    console.announce(); // a device that could not reach the one before tries again
    return console;
  }

  @Override
  public synchronized void written(String bytes) {
    output.append(bytes);
    tally.descriptors(1);
    tally.written(bytes.length());
    notifyAll();
  }

  @Override
  public synchronized String input(int most) {
    String taken = input.text(input.oldest(), Math.max(0, most));
    input.dropUpTo(input.oldest() + taken.length());
    tally.descriptors(1);
    tally.read(taken.length());
    return taken;
  }

  @Override
  public synchronized int type(String bytes) {
    int taken = Math.min(bytes.length(), INPUT_LIMIT - input.size());
    input.append(bytes.substring(0, taken));
    if (taken > 0) {
      announce();
    }
    return taken;
  }

  private void announce() {
    if (events != null) {
      tally.notified();
      events.signal(inputBit);
    }
  }

  @Override
  public synchronized long position() {
    return output.end();
  }

  @Override
  public synchronized long oldest() {
    return output.oldest();
  }

  @Override
  public synchronized String output(long position, int most, long timeoutMillis) {
    long deadline =
        System.nanoTime()
            + TimeUnit.MILLISECONDS.toNanos(Math.clamp(timeoutMillis, 0, LONGEST_WAIT_MILLIS));
    long before = hurries;
    while (position >= output.end()) {
      long nanos = deadline - System.nanoTime();
      if (nanos <= 0 || hurries != before) {
        return "";
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, nanos);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return "";
      }
    }
    return output.text(position, Math.max(0, most));
  }

  /** A swap need not wait for readers: they come again, to the next instance. */
  @Override
  public synchronized void hurry() {
    hurries++;
    notifyAll();
  }

  @Override
  public synchronized State save() {
    return State.of(SCHEMA, VERSION)
        .with("position", output.end())
        .with("output", output.content())
        .with("input", input.content());
  }

  private void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    long position = saved.number("position", 0, Long.MAX_VALUE);
    byte[] remembered = saved.bytes("output");
    if (remembered.length > position) {
      throw new State.Refused(
          "console.output holds "
              + remembered.length
              + " bytes, more than the "
              + position
              + " ever written");
    }
    byte[] waiting = saved.bytes("input");
    if (waiting.length > INPUT_LIMIT) {
      throw new State.Refused(
          "console.input holds " + waiting.length + " bytes, more than " + INPUT_LIMIT);
    }
    output.restore(position, remembered);
    input.restore(waiting.length, waiting);
  }
}
