package duality.store.file;

import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A store on an {@link Image}: requests wait in a bounded queue for one of a few host threads,
 * which are never interrupted, because that would close the file under all of them.
 */
final class FileStore implements Store, Instance {
  private static final String SCHEMA = "store";
  private static final int VERSION = 1;

  private static final int IDENTITY_CHARACTERS = 20;

  /** How long {@link #save} waits for requests to end, below the deadline of a call. */
  private static final long REST_MILLIS = 4_000;

  /** How long {@link #close} waits: while a request runs, its memory must not go to others. */
  private static final long CLOSE_MILLIS = 30_000;

  private record Job(
      int tag, int operation, long offset, @Nullable Grant grant, long grantOffset, long length) {}

  private final Context context;
  private final Path path;
  private final boolean readOnly;
  private final Image image;
  private final @Nullable Notification events;
  private final long eventBit;
  private final int limit;
  private final int threadCount;

  private final List<Thread> threads = new ArrayList<>();
  private final Deque<Job> queue = new ArrayDeque<>();
  private final Deque<Long> finished = new ArrayDeque<>();
  private int running;
  private boolean begun;
  private boolean closed;

  private FileStore(Context context) {
    this.context = context;
    String file = context.config("file", "");
    if (file.isEmpty()) {
      throw new CallFailed.BadRequest(
          context.path() + ": 'file' is missing; the path of a raw disk image is needed");
    }
    path = Path.of(file);
    readOnly = Settings.flag(context, "readonly", false);
    limit = Settings.number(context, "queue", 1, 65_536, 128);
    threadCount = Settings.number(context, "threads", 1, 64, 2);
    eventBit = 1L << Settings.number(context, Slots.EVENT_BIT, 0, 31, 0);
    events = context.has(Slots.EVENTS) ? context.slot(Slots.EVENTS, Notification.class) : null;
    image = new Image(path, readOnly);
  }

  static FileStore open(Context context, @Nullable State saved) {
    FileStore store = new FileStore(context);
    try {
      if (saved == null) {
        store.begin();
      } else {
        store.restore(saved); // begins at the first call, when the predecessor has closed the file
      }
      store.announce(); // a device that could not reach the one before tries again
      return store;
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
  }

  private synchronized void begin() {
    if (begun) {
      return;
    }
    image.open();
    begun = true;
    for (int i = 0; i < threadCount; i++) {
      threads.add(Thread.ofPlatform().daemon().name(context.path() + ":io" + i).start(this::serve));
    }
  }

  @Override
  public long sizeBytes() {
    return image.sizeBytes();
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }

  @Override
  public String identity() {
    String name = String.valueOf(path.getFileName());
    byte[] ascii = name.getBytes(StandardCharsets.US_ASCII); // what is not becomes '?'
    return new String(
        ascii, 0, Math.min(ascii.length, IDENTITY_CHARACTERS), StandardCharsets.US_ASCII);
  }

  @Override
  public synchronized boolean submit(
      int tag, int operation, long offset, Grant grant, long grantOffset, long length) {
    begin();
    if (queue.size() + running + finished.size() >= limit) {
      return false;
    }
    if (operation == FLUSH) {
      queue.add(new Job(tag, operation, 0, null, 0, 0));
      notifyAll();
    } else if (allowed(operation, offset, grant, grantOffset, length)) {
      queue.add(new Job(tag, operation, offset, grant, grantOffset, length));
      notifyAll();
    } else {
      finish(tag, REFUSED);
    }
    return true;
  }

  private boolean allowed(int operation, long offset, Grant grant, long grantOffset, long length) {
    return (operation == READ || operation == WRITE && !readOnly)
        && offset >= 0
        && length >= 0
        && offset <= image.sizeBytes() - length
        && grantOffset >= 0
        && grantOffset <= grant.sizeBytes() - length;
  }

  @Override
  public synchronized long finished() {
    Long answer = finished.poll();
    return answer == null ? NONE : answer;
  }

  private synchronized void finish(int tag, int status) {
    finished.add((long) tag << 8 | status);
    notifyAll();
    announce();
  }

  private void announce() {
    if (events != null) {
      events.signal(eventBit);
    }
  }

  // The host threads.

  private void serve() {
    for (Job job; (job = next()) != null; ) {
      int status = perform(job);
      synchronized (this) {
        running--;
        finish(job.tag, status);
      }
    }
  }

  private synchronized @Nullable Job next() {
    while (queue.isEmpty() && !closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt this thread; the flag is clear again.
      }
    }
    Job job = queue.poll();
    if (job != null) {
      running++;
    }
    return job;
  }

  private int perform(Job job) {
    try {
      Grant grant = job.grant;
      if (grant == null) {
        image.force();
      } else if (job.operation == READ) {
        image.read(job.offset, grant, job.grantOffset, job.length);
      } else {
        image.write(job.offset, grant, job.grantOffset, job.length);
      }
      return OK;
    } catch (IOException | RuntimeException e) {
      context.log(path + ": request at byte " + job.offset + " failed: " + e);
      return FAILED;
    }
  }

  // State, and the end.

  /** Waits until no request is queued or running; whether that came to pass. */
  private boolean rest(long millis) {
    long end = System.nanoTime() + millis * 1_000_000;
    while (!queue.isEmpty() || running > 0) {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return false;
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
  }

  @Override
  public synchronized State save() {
    if (!rest(REST_MILLIS)) {
      throw new IllegalStateException(
          path + ": requests did not end within " + REST_MILLIS + " ms");
    }
    return State.of(SCHEMA, VERSION)
        .with("sizeBytes", image.sizeBytes())
        .with("finished", finished.stream().mapToLong(Long::longValue).toArray());
  }

  private synchronized void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    if (saved.number("sizeBytes") != image.sizeBytes()) {
      throw new State.Refused(
          "the store had "
              + saved.number("sizeBytes")
              + " bytes, "
              + path
              + " has "
              + image.sizeBytes());
    }
    long[] answers = saved.numbers("finished");
    if (answers.length > limit) {
      throw new State.Refused(
          "store.finished has " + answers.length + " answers, more than the queue of " + limit);
    }
    for (long answer : answers) {
      if (answer < 0 || answer >> 8 > Integer.MAX_VALUE || (answer & 0xff) > REFUSED) {
        throw new State.Refused("store.finished holds " + answer + ", which is no answer");
      }
      finished.add(answer);
    }
  }

  @Override
  public void ended() {
    synchronized (this) {
      rest(CLOSE_MILLIS);
    }
    try {
      image.force();
    } catch (IOException e) {
      context.log(path + " could not be made durable: " + e);
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      if (!rest(CLOSE_MILLIS)) {
        context.log(path + ": a request hangs in the host");
      }
      closed = true;
      notifyAll();
    }
    image.close();
  }
}
