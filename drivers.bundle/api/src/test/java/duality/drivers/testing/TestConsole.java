package duality.drivers.testing;

import duality.drivers.Console;
import duality.drivers.Slots;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A console whose both ends are in the test. Thread-safe. */
public final class TestConsole implements Server {
  private final StringBuilder written = new StringBuilder();
  private final StringBuilder input = new StringBuilder();
  private int writes;

  /** Puts it behind an endpoint of the board. */
  public Console attach(TestBoard board, String name, Notification events, int bit) {
    board.core().register("test.console." + name, this, Console.class);
    return board.child(
        name,
        Console.class,
        "test.console." + name,
        Map.of(Slots.EVENT_BIT, Integer.toString(bit)),
        Map.of(Slots.EVENTS, events));
  }

  /** What the device has written so far. */
  public synchronized String text() {
    return written.toString();
  }

  /** By how many calls it was written. */
  public synchronized int writes() {
    return writes;
  }

  /** What the device has not fetched yet. */
  public synchronized int waitingInput() {
    return input.length();
  }

  /** Input that comes without a signal, as if that had been lost. */
  public synchronized void typeUnannounced(String bytes) {
    input.append(bytes);
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    Notification events = context.slot(Slots.EVENTS, Notification.class);
    long bit = 1L << Integer.parseInt(context.config(Slots.EVENT_BIT, "0"));
    return new Opened(events, bit);
  }

  private final class Opened implements Console, Instance {
    private final Notification events;
    private final long bit;

    Opened(Notification events, long bit) {
      this.events = events;
      this.bit = bit;
    }

    @Override
    public void written(String bytes) {
      synchronized (TestConsole.this) {
        written.append(bytes);
        writes++;
      }
    }

    @Override
    public String input(int most) {
      synchronized (TestConsole.this) {
        String taken = input.substring(0, Math.min(most, input.length()));
        input.delete(0, taken.length());
        return taken;
      }
    }

    @Override
    public int type(String bytes) {
      synchronized (TestConsole.this) {
        input.append(bytes);
      }
      events.signal(bit);
      return bytes.length();
    }

    @Override
    public long position() {
      return text().length();
    }

    @Override
    public long oldest() {
      return 0;
    }

    @Override
    public String output(long position, int most, long timeoutMillis) {
      return text().substring((int) position);
    }

    @Override
    public State save() {
      return State.of("test.console", 1);
    }
  }
}
