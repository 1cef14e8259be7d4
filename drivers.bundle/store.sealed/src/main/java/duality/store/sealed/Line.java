package duality.store.sealed;

import duality.drivers.RawStore;
import duality.drivers.Store;
import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Notification;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The way to the store below. The thread that works asks for one thing at a time and waits; all
 * calls are made by {@link #turn}, in a worker inside the endpoint, so that they are drained and
 * counted as any server's are.
 *
 * <p>What travels lies in memory of our own, which the store below has as a grant. It may change
 * that at any moment, so what is read is copied before it is looked at, and nothing but what is
 * encrypted is ever there.
 *
 * <p>All requests have one tag. A request with the tag of one that is in flight is that one: so the
 * first of an instance is a read that means nothing, and when it is answered, nothing of a
 * predecessor is under way any more.
 *
 * <p>Locks: the monitor of this guards what is asked; no call is made under it.
 */
final class Line implements Raw {
  /** Bytes of memory of our own. */
  static final int STAGING_BYTES = SealedDisk.MOST_BLOCKS * Layout.BLOCK;

  /** Bit: there is something to submit. */
  static final long WANTED = 2;

  private static final int TAG = 1;

  private static final int MOST_STEPS = 1_000;

  /** A turn ends, also when the store below answers for ever. */
  private static final int MOST_USELESS = 64;

  /** The thread is to rest: what it was about is begun anew by whoever goes on. */
  static final class Halted extends RuntimeException {
    private static final long serialVersionUID = 1;

    Halted() {
      super("halted", null, false, false);
    }
  }

  private static final class Asked {
    final int operation;
    final long offset;
    final int length;
    boolean submitted;
    int status = -1;
    String reason = "";

    Asked(int operation, long offset, int length) {
      this.operation = operation;
      this.offset = offset;
      this.length = length;
    }
  }

  private final RawStore store;
  private final Grant staging;
  private final Notification events;
  private final Consumer<String> alarm;
  private final long leastBytes;

  // Guarded by this:
  private @Nullable Asked asked;
  private boolean halted;

  /** Answers in this turn that nobody waited for; the worker's own. */
  private int useless;

  /**
   * A way.
   *
   * @param events signalled with {@link #WANTED} for a turn
   * @param alarm hears what the store below does that it should not
   * @param leastBytes what it had when the disk was made
   */
  Line(
      RawStore store, Grant staging, Notification events, Consumer<String> alarm, long leastBytes) {
    this.store = store;
    this.staging = staging;
    this.events = events;
    this.alarm = alarm;
    this.leastBytes = leastBytes;
  }

  // ---- for the thread ----

  /** Waits until nothing is under way that a predecessor asked for. */
  void settle() {
    try {
      perform(Store.READ, 0, Layout.BLOCK);
    } catch (IOException e) {
      // It is over, which is all that matters; a store that cannot read will say so again.
    }
  }

  @Override
  public void read(long offset, byte[] into, int length) throws IOException {
    perform(Store.READ, offset, length);
    staging.read(0, MemorySegment.ofArray(into), 0, length);
  }

  @Override
  public void write(long offset, byte[] from, int length) throws IOException {
    staging.write(0, MemorySegment.ofArray(from), 0, length);
    perform(Store.WRITE, offset, length);
  }

  @Override
  public void flush() throws IOException {
    perform(Store.FLUSH, 0, 0);
  }

  private void perform(int operation, long offset, int length) throws IOException {
    Asked mine = new Asked(operation, offset, length);
    synchronized (this) {
      if (halted) {
        throw new Halted();
      }
      asked = mine;
    }
    events.signal(WANTED);
    synchronized (this) {
      while (mine.status < 0) {
        if (halted || asked != mine) { // it may go on again, before this thread has seen a halt
          throw new Halted();
        }
        try {
          wait();
        } catch (InterruptedException e) {
          // Nobody has a reason to interrupt this thread; the flag is clear again.
        }
      }
      asked = null;
    }
    if (mine.status == Store.REFUSED) {
      throw new Tampered(
          "the store below has no byte " + offset + " any more" + because(mine.reason));
    }
    if (mine.status != Store.OK) {
      throw new IOException(
          "the store below cannot do its request at byte " + offset + because(mine.reason));
    }
  }

  private static String because(String reason) {
    return reason.isEmpty() ? "" : ": " + reason;
  }

  /** Lets the thread stop where it is, or go on. */
  synchronized void halt(boolean stop) {
    halted = stop;
    if (!stop) {
      asked = null;
    }
    notifyAll();
  }

  // ---- for the worker ----

  /** Submits what is asked for and takes what is answered. One at a time. */
  void turn() {
    useless = 0;
    for (int i = 0; i < MOST_STEPS; i++) {
      boolean submitted = submit();
      if (!take() && !submitted) {
        return;
      }
      if (useless > MOST_USELESS) {
        alarm.accept("the store below gives answers without end");
        return;
      }
    }
    events.signal(WANTED); // a turn must end
  }

  private boolean submit() {
    Asked mine;
    synchronized (this) {
      mine = asked;
      if (mine == null || mine.submitted || mine.status >= 0) {
        return false;
      }
    }
    try {
      long bytes = store.sizeBytes();
      if (bytes < leastBytes) {
        answer(mine, Store.REFUSED, "it says that it has " + bytes + " bytes, not " + leastBytes);
        return false;
      }
      boolean taken = store.submit(TAG, mine.operation, mine.offset, staging, 0, mine.length);
      synchronized (this) {
        mine.submitted = taken;
      }
      return taken;
    } catch (CallFailed.TimedOut e) {
      events.signal(WANTED); // whoever mends it may need longer
    } catch (CallFailed.ServerFailed e) {
      if (answers()) {
        events.signal(WANTED);
      } else {
        answer(mine, Store.FAILED, String.valueOf(e.getMessage()));
      }
    } catch (CallFailed e) {
      answer(mine, Store.FAILED, String.valueOf(e.getMessage()));
    }
    return false;
  }

  /** Whether the store that has just failed was mended; if not, it was given up. */
  private boolean answers() {
    try {
      return store.sizeBytes() >= 0;
    } catch (CallFailed.ServerFailed givenUp) {
      return false;
    } catch (CallFailed e) {
      return true;
    }
  }

  /** Takes an answer, if there is one. */
  private boolean take() {
    long answer;
    try {
      answer = store.finished();
    } catch (CallFailed.TimedOut e) {
      events.signal(WANTED);
      return false;
    } catch (CallFailed e) {
      lost(String.valueOf(e.getMessage()));
      return false;
    }
    if (answer == Store.NONE) {
      return false;
    }
    if (!taken(answer)) {
      // Not under the lock: who hears of it has locks of its own, which are taken before this one.
      alarm.accept("the store below answers what nobody asked: " + answer);
    }
    return true;
  }

  /** Whether an answer makes sense. */
  private synchronized boolean taken(long answer) {
    Asked mine = asked;
    if (answer == Store.RESTARTED) {
      useless++;
      if (mine != null) {
        mine.submitted = false;
      }
      return true;
    }
    if (answer >> 8 == TAG && mine != null && mine.submitted && mine.status < 0) {
      int status = (int) (answer & 0xff);
      mine.status = status == Store.OK || status == Store.REFUSED ? status : Store.FAILED;
      notifyAll();
      return true;
    }
    useless++;
    return answer >> 8 == TAG; // of a request of somebody who was halted
  }

  /** The store below has failed with what it had taken. */
  private void lost(String reason) {
    Asked mine;
    synchronized (this) {
      mine = asked;
    }
    if (answers()) {
      events.signal(WANTED);
    } else if (mine != null && mine.status < 0) {
      answer(mine, Store.FAILED, reason);
    }
  }

  private synchronized void answer(Asked mine, int status, String reason) {
    mine.reason = reason;
    mine.status = status;
    notifyAll();
  }
}
