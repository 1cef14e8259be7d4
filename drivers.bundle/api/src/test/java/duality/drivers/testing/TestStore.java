package duality.drivers.testing;

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
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A store in memory whose requests end when the test says so, in the order that the test says. */
public final class TestStore implements Server {
  private record Job(
      int tag, int operation, long offset, Grant grant, long grantOffset, long length) {}

  private final byte[] content;
  private final boolean readOnly;
  private final int limit;
  private final List<Job> pending = new ArrayList<>();
  private final Deque<Long> finished = new ArrayDeque<>();
  private boolean holding;
  private int flushes;
  private int done;
  private @Nullable Notification events;

  /** A store of this content that holds at most {@code limit} requests at a time. */
  public TestStore(byte[] content, boolean readOnly, int limit) {
    this.content = content;
    this.readOnly = readOnly;
    this.limit = limit;
  }

  /** Puts it behind an endpoint of the board. */
  public Store attach(TestBoard board, String name, Notification notify) {
    events = notify;
    board.core().register("test.store." + name, this, Store.class);
    return board.child(
        name, Store.class, "test.store." + name, Map.of(), Map.of(Slots.EVENTS, notify));
  }

  /** Keeps requests until {@link #finish}, or ends them at once again. */
  public synchronized void hold(boolean keep) {
    holding = keep;
  }

  /** How many requests are kept. */
  public synchronized int held() {
    return pending.size();
  }

  /** How many flushes were done. */
  public synchronized int flushes() {
    return flushes;
  }

  /** How many requests were done. */
  public synchronized int done() {
    return done;
  }

  /** Loses a kept request: nobody will ever hear of it, unless it comes once more. */
  public synchronized void lose(int index) {
    pending.remove(index);
  }

  /** Says that many times that something has finished which nobody asked for. */
  public synchronized void mutter(int times) {
    for (int i = 0; i < times; i++) {
      finished.add((long) Integer.MAX_VALUE << 8);
    }
    if (events != null) {
      events.signal(1);
    }
  }

  /** Ends a kept request and tells nobody. */
  public synchronized void finishSilently(int index) {
    Notification usual = events;
    events = null;
    finish(index, Store.OK);
    events = usual;
  }

  /** Ends a kept request with this status; carried out first when it is {@link Store#OK}. */
  public synchronized void finish(int index, int status) {
    finish(pending.remove(index), status);
  }

  /** Forgets all that it has, and says so. */
  public synchronized void loseAll() {
    pending.clear();
    finished.clear();
    finished.add(Store.RESTARTED);
    if (events != null) {
      events.signal(1);
    }
  }

  private void finish(Job job, int status) {
    done++;
    if (status == Store.OK) {
      MemorySegment all = MemorySegment.ofArray(content);
      switch (job.operation) {
        case Store.READ -> job.grant.write(job.grantOffset, all, job.offset, job.length);
        case Store.WRITE -> job.grant.read(job.grantOffset, all, job.offset, job.length);
        default -> flushes++;
      }
    }
    finished.add((long) job.tag << 8 | status);
    if (events != null) {
      events.signal(1);
    }
  }

  @Override
  public synchronized Instance open(Context context, @Nullable State saved) {
    if (events == null && context.has(Slots.EVENTS)) {
      events = context.slot(Slots.EVENTS, Notification.class);
    }
    return new Opened();
  }

  private final class Opened implements Store, Instance {
    @Override
    public long sizeBytes() {
      return content.length;
    }

    @Override
    public boolean readOnly() {
      return readOnly;
    }

    @Override
    public String identity() {
      return "test";
    }

    @Override
    public boolean submit(
        int tag, int operation, long offset, Grant grant, long grantOffset, long length) {
      synchronized (TestStore.this) {
        if (pending.stream().anyMatch(each -> each.tag() == tag)
            || finished.stream().anyMatch(answer -> answer >> 8 == tag)) {
          return true;
        }
        if (pending.size() + finished.size() >= limit) {
          return false;
        }
        Job job = new Job(tag, operation, offset, grant, grantOffset, length);
        if (holding) {
          pending.add(job);
        } else {
          finish(job, OK);
        }
        return true;
      }
    }

    @Override
    public long finished() {
      synchronized (TestStore.this) {
        Long answer = finished.poll();
        return answer == null ? NONE : answer;
      }
    }

    @Override
    public State save() {
      return State.of("test.store", 1);
    }
  }
}
