package duality.store.sealed;

import duality.drivers.RawStore;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Server;
import duality.kernel.State;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A store below in memory that keeps what it is given, answers at once, and lies when it is told.
 */
final class HostileStore implements Server {
  byte[] bytes;
  volatile long saysBytes;
  volatile boolean flips;
  volatile boolean losesWrites;
  volatile boolean mutters;
  volatile boolean silent;
  volatile int status = Store.OK;
  private volatile @Nullable Notification told;
  private final Deque<Long> finished = new ArrayDeque<>();

  HostileStore(byte[] bytes) {
    this.bytes = bytes;
    saysBytes = bytes.length;
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    told = context.slot(Slots.EVENTS, Notification.class);
    return new Opened(told);
  }

  /** Loses all that it has not answered. */
  void restart() {
    synchronized (finished) {
      finished.add(Store.RESTARTED);
    }
    if (told != null) {
      told.signal(1);
    }
  }

  private final class Opened implements RawStore, Instance {
    private final Notification events;

    Opened(Notification events) {
      this.events = events;
    }

    @Override
    public long sizeBytes() {
      return saysBytes;
    }

    @Override
    public boolean readOnly() {
      return false;
    }

    @Override
    public String identity() {
      return "hostile";
    }

    @Override
    public boolean submit(
        int tag, int operation, long offset, Grant grant, long grantOffset, long length) {
      MemorySegment all = MemorySegment.ofArray(bytes);
      int answer = status;
      if (operation == READ && offset + length > bytes.length) {
        answer = REFUSED;
      } else if (operation == READ) {
        grant.write(grantOffset, all, offset, length);
        if (flips) {
          grant.setByte(grantOffset + length / 2, grant.getByte(grantOffset + length / 2) ^ 4);
        }
      } else if (operation == WRITE && !losesWrites) {
        grant.read(grantOffset, all, offset, length);
      }
      synchronized (finished) {
        if (mutters) {
          finished.add(12_345L << 8);
          finished.add((long) tag << 8 | 77);
        }
        if (!silent) {
          finished.add((long) tag << 8 | answer);
        }
      }
      events.signal(1);
      return true;
    }

    @Override
    public long finished() {
      synchronized (finished) {
        Long next = finished.poll();
        return next == null ? NONE : next;
      }
    }

    @Override
    public State save() {
      return State.of("hostile", 1);
    }
  }
}
