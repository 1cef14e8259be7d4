package duality.vmm.xen;

import duality.drivers.BackEnd;
import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import duality.vmm.board.GuestMemory;
import duality.vmm.board.Parts;
import java.util.Arrays;
import java.util.List;

/**
 * Event channels: 64 ports of the guest, each bound to one source. The words of what is pending and
 * what is masked are in the page that the guest shares with the monitor, and only written from here
 * while the hart is stopped.
 */
final class EventPorts {
  static final int PORTS = 64;

  /** Offsets in the shared page. */
  static final int PENDING = 0;

  static final int MASK = 8;

  private static final int NOBODY = -1;
  private static final int TIMER = 1 << 16;

  private final GuestMemory memory;
  private final List<Parts.SplitDriver> drivers;

  /** Signalled by back halves, a bit for each. */
  private final Notification calls;

  /** What a port is bound to: {@link #NOBODY}, {@link #TIMER} or the number of a driver. */
  private final int[] sources = new int[PORTS];

  /** Guest-physical address of the shared page. */
  private long shared;

  EventPorts(GuestMemory memory, List<Parts.SplitDriver> drivers, Notification calls) {
    this.memory = memory;
    this.drivers = drivers;
    this.calls = calls;
    reset(0);
  }

  /** Nothing is bound; the page is that. */
  void reset(long page) {
    Arrays.fill(sources, NOBODY);
    shared = page << Memory.PAGE_SHIFT;
  }

  long sharedPage() {
    return shared >>> Memory.PAGE_SHIFT;
  }

  /** Binds a free port to the timer; answers its number, or a {@link Refusal} negated. */
  int bindTimer() {
    return bind(TIMER);
  }

  /** Binds a free port to a split driver; answers its number, or a {@link Refusal} negated. */
  int bindDriver(long number) {
    return Long.compareUnsigned(number, drivers.size()) >= 0
        ? -Refusal.NOTHING_THERE
        : bind((int) number);
  }

  private int bind(int source) {
    int free = 0;
    for (int port = PORTS - 1; port > 0; port--) {
      if (sources[port] == source) {
        return -Refusal.BUSY;
      }
      free = sources[port] == NOBODY ? port : free;
    }
    if (free == 0) {
      return -Refusal.NO_ROOM;
    }
    sources[free] = source;
    return free;
  }

  int close(long port) {
    if (Long.compareUnsigned(port, PORTS) >= 0 || sources[(int) port] == NOBODY) {
      return -Refusal.NOTHING_THERE;
    }
    sources[(int) port] = NOBODY;
    return 0;
  }

  /** Calls the other side of a port. */
  int send(long port) {
    if (Long.compareUnsigned(port, PORTS) >= 0
        || sources[(int) port] == NOBODY
        || sources[(int) port] == TIMER) {
      return -Refusal.NOTHING_THERE;
    }
    drivers.get(sources[(int) port]).kicks().signal(BackEnd.KICK);
    return 0;
  }

  /** What back halves have called for, as ports. */
  long taken() {
    long bits = calls.take(-1, 0);
    long ports = 0;
    for (int port = 1; port < PORTS; port++) {
      int source = sources[port];
      if (source >= 0 && source < Long.SIZE && (bits >>> source & 1) != 0) {
        ports |= 1L << port;
      }
    }
    return ports;
  }

  long timerPort() {
    for (int port = 1; port < PORTS; port++) {
      if (sources[port] == TIMER) {
        return 1L << port;
      }
    }
    return 0;
  }

  /** Makes ports pending; says whether the guest is to be called. */
  boolean raise(long ports) {
    try (Grant page = memory.grant(shared, 16, Memory.READ | Memory.WRITE)) {
      long pending = page.getLong(PENDING) | ports;
      page.setLong(PENDING, pending);
      return (ports & ~page.getLong(MASK)) != 0;
    } catch (CallFailed.BadRequest noMemory) {
      return false;
    }
  }

  State save() {
    return State.of("ports", 1)
        .with("sources", Arrays.stream(sources).asLongStream().toArray())
        .with("shared", sharedPage());
  }

  void restore(State saved) {
    saved.expect("ports", 1);
    long[] all = saved.numbers("sources");
    if (all.length != PORTS) {
      throw new State.Refused("ports.sources has " + all.length + " ports, not " + PORTS);
    }
    shared = saved.number("shared") << Memory.PAGE_SHIFT;
    for (int port = 0; port < PORTS; port++) {
      if (all[port] != NOBODY
          && all[port] != TIMER
          && (all[port] < 0 || all[port] >= drivers.size())) {
        throw new State.Refused("ports.sources has a source " + all[port]);
      }
      sources[port] = (int) all[port];
    }
  }
}
