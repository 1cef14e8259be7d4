package duality.store.file;

import duality.drivers.RawStore;
import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.drivers.WorkTallies;
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
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A store on an {@link Image}: requests wait in a bounded queue for one of a few host threads,
 * which are never interrupted, because that would close the file under all of them.
 *
 * <p>A swap waits for no request. Those in the queue go along in the state; their memory stays in
 * slots of the endpoint. Those that the host is in the middle of are brought to their end by the
 * threads of the instance that leaves, which then closes the file and tells its successor how they
 * ended (see {@link Handover}). The successor takes requests at once and begins when it has got the
 * file.
 *
 * <p>An instance that follows one which failed, or that got a state which is not the last one, says
 * so by {@link Store#RESTARTED}, and its client submits again.
 */
final class FileStore implements RawStore, Instance {
  private static final String SCHEMA = "store";
  private static final int VERSION = 2;

  private static final int IDENTITY_CHARACTERS = 20;

  /** Prefix of the slots in which a successor finds the memory of requests. */
  private static final String QUEUED = "queued";

  /** How long {@link #save} waits for the file of a predecessor, below the deadline of a call. */
  private static final long REST_MILLIS = 4_000;

  /** How long {@link #close} waits: while a request runs, its memory must not go to others. */
  private static final long CLOSE_MILLIS = 30_000;

  private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long FILE_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long AGAIN_NANOS = 200_000;

  /** How long the end of an instance may take before it is looked for what is stuck. */
  private static final long END_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private enum Phase {
    /** The predecessor still has the file. */
    TAKING,
    SERVING,
    /** The state was asked for: no request is begun before it is known who serves on. */
    SAVED,
    CLOSED
  }

  private final Context context;
  private final Path path;
  private final boolean readOnly;
  private final Image image;
  private final @Nullable Notification events;
  private final long eventBit;
  private final int limit;
  private final int threadCount;
  private final Handover handover;
  private final WorkTallies.Tally tally;
  private final IoThread[] threads;
  private final IoThread taking = new IoThread();

  /** Whether the successor was told that this instance has gone. */
  private final AtomicBoolean left = new AtomicBoolean();

  // Guarded by this:
  private final Deque<Job> queue = new ArrayDeque<>();
  private final Deque<Long> finished = new ArrayDeque<>();

  /** What the threads are in the middle of. */
  private final @Nullable Job[] running;

  /** Answers that became known since the state was saved. */
  private final List<Long> late = new ArrayList<>();

  /** The same for the successor. */
  private long lateResults;

  /** Tags of the predecessor's requests that it brings to their end, by its thread, or -1. */
  private long[] inherited = {};

  private Phase phase;
  private long number;
  private boolean engaged;
  private boolean restarted;
  private boolean endpointEnded;

  /** What ended one of the threads, or what it is stuck in; set under this or by a look. */
  private volatile @Nullable Throwable broken;

  /** Tags that were taken and not answered yet, to compare with where they should be. */
  private final Set<Integer> owed = new HashSet<>();

  /** A tag that was nowhere at the last look, or -1. */
  private int missing = -1;

  /** The request that was first in the queue at the last look, while no thread was at work. */
  private @Nullable Job waitedFor;

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
    threadCount = Settings.number(context, "threads", 1, Handover.THREADS, 2);
    eventBit = 1L << Settings.number(context, Slots.EVENT_BIT, 0, 31, 0);
    events = context.has(Slots.EVENTS) ? context.slot(Slots.EVENTS, Notification.class) : null;
    image = new Image(path, readOnly);
    running = new Job[threadCount];
    threads = new IoThread[threadCount];
    Arrays.setAll(threads, i -> new IoThread());
    handover = new Handover(context);
    tally = FileStoreServer.WORK.of(context.path());
    phase = handover.hasPredecessor() ? Phase.TAKING : Phase.SERVING;
  }

  static FileStore open(Context context, @Nullable State saved) {
    FileStore store = new FileStore(context);
    if (saved != null) {
      store.restore(saved);
    }
    store.begin();
    return store;
  }

  private synchronized void begin() {
    if (phase == Phase.TAKING) {
      context.host("takes over", this::takeOver);
    } else {
      image.open();
      handover.served();
      startThreads();
    }
  }

  private void startThreads() {
    for (int i = 0; i < threadCount; i++) {
      int which = i;
      context.host("io" + i, () -> serve(which));
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
    refuseBroken();
    serveOn();
    boolean taken = take(tag, operation, offset, grant, grantOffset, length);
    if (taken) {
      owed.add(tag);
    }
    return taken;
  }

  private boolean take(
      int tag, int operation, long offset, Grant grant, long grantOffset, long length) {
    if (!restarted && isInFlight(tag)) {
      return true; // repeated, because this store or one before it failed in the middle
    }
    if (restarted || queue.size() + runningCount() + finished.size() >= limit) {
      return false; // who does not know yet that all is lost will submit this once more
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

  private boolean isInFlight(int tag) {
    return queue.stream().anyMatch(job -> job.tag() == tag)
        || Arrays.stream(running).anyMatch(job -> job != null && job.tag() == tag)
        || Arrays.stream(inherited).anyMatch(each -> each == tag)
        || finished.stream().anyMatch(answer -> answer >> 8 == tag);
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
    refuseBroken();
    serveOn();
    if (phase == Phase.TAKING) {
      return NONE;
    }
    if (restarted) {
      restarted = false;
      owed.clear();
      return RESTARTED;
    }
    Long answer = finished.poll();
    if (answer == null) {
      return NONE;
    }
    owed.remove((int) (answer >> 8));
    return answer;
  }

  /** A call has come: this instance is the one that serves, also after its state was asked for. */
  private void serveOn() {
    engaged = true;
    if (phase == Phase.SAVED) {
      phase = Phase.SERVING;
      finished.addAll(late);
      late.clear();
      notifyAll();
    }
  }

  private int runningCount() {
    int count = 0;
    for (Job job : running) {
      count += job == null ? 0 : 1;
    }
    return count;
  }

  private void finish(int tag, int status) {
    finished.add(answer(tag, status));
    notifyAll();
    announce();
  }

  private static long answer(int tag, int status) {
    return (long) tag << 8 | status;
  }

  private void announce() {
    if (events != null) {
      tally.notified();
      events.signal(eventBit);
    }
  }

  // The host threads.

  private void serve(int thread) {
    try {
      for (Job job; (job = next(thread)) != null; ) {
        threads[thread].begins();
        ended(thread, job.tag(), perform(job));
        threads[thread].rests();
      }
    } catch (RuntimeException | Error e) {
      // Nobody is above this thread to hear of it: the next who calls does.
      boolean last;
      synchronized (this) {
        broken = e;
        number = 0;
        running[thread] = null;
        last = phase == Phase.CLOSED && runningCount() == 0 && !endpointEnded;
      }
      context.log(path + ": a thread has ended: " + e);
      if (last) {
        leave();
      }
    }
  }

  private void refuseBroken() {
    Throwable why = broken;
    if (why != null) {
      throw new IllegalStateException("a thread of this store has ended: " + why, why);
    }
  }

  /**
   * Whether a thread is stuck, and, at two looks, whether requests wait though no thread is at
   * work, or one that was taken is nowhere.
   */
  @Override
  public void check() {
    for (IoThread each : threads) {
      if (each.isStuck()) {
        broken = new IllegalStateException(each + " is stuck in a request");
      }
    }
    if (taking.isStuck()) {
      broken = new IllegalStateException(taking + " is stuck");
    }
    refuseBroken(); // who is stuck may hold the lock that is wanted next
    checkRequests();
  }

  private synchronized void checkRequests() {
    Set<Integer> known = known();
    int nowhere = owed.stream().filter(tag -> !known.contains(tag)).findAny().orElse(-1);
    if (nowhere >= 0 && nowhere == missing) {
      throw new IllegalStateException("request " + nowhere + " was taken and is nowhere");
    }
    missing = nowhere;
    Job first = phase == Phase.SERVING && runningCount() == 0 ? queue.peek() : null;
    if (first != null && first == waitedFor) {
      throw new IllegalStateException("request " + first.tag() + " waits and no thread takes it");
    }
    waitedFor = first;
    notifyAll();
  }

  /** Tags of all that will be answered. */
  private Set<Integer> known() {
    Set<Integer> known = new HashSet<>();
    queue.forEach(job -> known.add(job.tag()));
    for (Job job : running) {
      known.add(job == null ? -1 : job.tag());
    }
    for (long tag : inherited) {
      known.add((int) tag);
    }
    finished.forEach(answer -> known.add((int) (answer >> 8)));
    late.forEach(answer -> known.add((int) (answer >> 8)));
    return known;
  }

  private synchronized @Nullable Job next(int thread) {
    while (phase == Phase.SAVED || phase == Phase.SERVING && queue.isEmpty()) {
      try {
        wait();
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt this thread; the flag is clear again.
      }
    }
    Job job = phase == Phase.SERVING ? queue.poll() : null;
    running[thread] = job;
    return job;
  }

  private void ended(int thread, int tag, int status) {
    boolean last;
    synchronized (this) {
      running[thread] = null;
      if (phase == Phase.SERVING) {
        finish(tag, status);
      } else {
        late.add(answer(tag, status));
        lateResults |= status == OK ? Handover.done(thread) : Handover.failed(thread);
        notifyAll();
      }
      last = phase == Phase.CLOSED && runningCount() == 0 && !endpointEnded;
    }
    if (last) {
      leave();
    }
  }

  private int perform(Job job) {
    try {
      Grant grant = job.grant();
      tally.descriptors(1);
      if (grant == null) {
        image.force();
      } else if (job.operation() == READ) {
        image.read(job.offset(), grant, job.grantOffset(), job.length());
        tally.read(job.length());
      } else {
        image.write(job.offset(), grant, job.grantOffset(), job.length());
        tally.written(job.length());
      }
      return OK;
    } catch (IOException | RuntimeException e) {
      context.log(path + ": request at byte " + job.offset() + " failed: " + e);
      return FAILED;
    }
  }

  // From one instance to the next.

  /** Waits until the predecessor has closed the file, and goes on where it left off. */
  private void takeOver() {
    taking.begins();
    try {
      long heard = 0;
      long begun = System.nanoTime();
      while (!Handover.hasGone(heard) && System.nanoTime() - begun < SILENCE_NANOS) {
        heard |= handover.heard();
        taking.begins(); // it gets on, and is not stuck
        if (isClosed()) {
          handover.again(heard); // said to another one
          return;
        }
      }
      openImage(System.nanoTime() + FILE_NANOS);
      takeOver(heard);
    } catch (CallFailed ended) {
      context.log("does not take over: " + ended.getMessage());
    } catch (RuntimeException | Error e) {
      synchronized (this) {
        broken = e;
      }
      context.log(path + ": the thread that takes over has ended: " + e);
    }
    taking.rests();
  }

  private void openImage(long deadline) {
    while (!isClosed()) {
      taking.begins();
      try {
        image.open();
        return;
      } catch (CallFailed.BadRequest busy) {
        if (System.nanoTime() - deadline > 0) {
          context.log(String.valueOf(busy.getMessage()));
          return; // every request will say so too
        }
        LockSupport.parkNanos(AGAIN_NANOS);
      }
    }
  }

  private synchronized void takeOver(long heard) {
    if (phase == Phase.CLOSED || left.get()) {
      image.close();
      return;
    }
    if (number != 0 && Handover.valid(heard, number)) {
      for (int i = 0; i < inherited.length; i++) {
        if (inherited[i] >= 0) {
          boolean done = (heard & Handover.done(i)) != 0;
          finished.add(answer((int) inherited[i], done ? OK : FAILED));
        }
      }
    } else {
      restarted = true;
      queue.clear();
      finished.clear();
      owed.clear();
    }
    inherited = new long[0];
    phase = Phase.SERVING;
    startThreads();
    announce();
    notifyAll();
  }

  private synchronized boolean isClosed() {
    return phase == Phase.CLOSED || left.get();
  }

  /** Nothing runs any more: the successor gets the file, and hears how it ended. */
  private void leave() {
    long saved;
    long results;
    synchronized (this) {
      saved = number;
      results = lateResults;
    }
    if (left.compareAndSet(false, true)) {
      if (saved != 0) {
        handover.gone(saved, results);
      } else {
        handover.spoiled();
      }
      image.close();
    }
  }

  /**
   * Sees to it that the successor gets the file, also when a thread hangs, perhaps with the lock. A
   * thread that is cut off so can write no more, and the client submits its request again.
   */
  private void endInTime() {
    long begun = System.nanoTime();
    while (!left.get()) {
      LockSupport.parkNanos(LOOK_NANOS);
      long since = System.nanoTime() - begun;
      boolean works = taking.mayEnd();
      for (IoThread each : threads) {
        works |= each.mayEnd();
      }
      if (since > END_NANOS && (!works || broken != null)) {
        cutOff();
      }
    }
  }

  private void cutOff() {
    if (left.compareAndSet(false, true)) {
      context.log(path + " is taken from a thread that is stuck");
      image.close();
      handover.spoiled();
    }
  }

  @Override
  public synchronized State save() {
    refuseBroken();
    if (!await(REST_MILLIS, () -> phase != Phase.TAKING)) {
      throw new IllegalStateException(
          path + ": the predecessor did not give the file up within " + REST_MILLIS + " ms");
    }
    serveOn();
    handover.clear();
    lateResults = 0;
    number = Handover.number();
    phase = Phase.SAVED;
    long[] tags = new long[threadCount];
    for (int i = 0; i < threadCount; i++) {
      Job job = running[i];
      tags[i] = job == null ? -1 : job.tag();
    }
    announce(); // if this instance is to serve on, somebody comes and says so
    return State.of(SCHEMA, VERSION)
        .with("sizeBytes", image.sizeBytes())
        .with("number", number)
        .with("restarted", restarted)
        .with("finished", finished.stream().mapToLong(Long::longValue).toArray())
        .with("running", tags)
        .with("queued", queued());
  }

  private List<State> queued() {
    List<State> states = new ArrayList<>();
    for (Job job : queue) {
      Grant grant = job.grant();
      if (grant != null) {
        context.keep(QUEUED + states.size(), grant);
      }
      states.add(job.save());
    }
    for (int i = states.size(); context.has(QUEUED + i); i++) {
      context.drop(QUEUED + i);
    }
    return states;
  }

  private synchronized void restore(State saved) {
    int version = saved.expect(SCHEMA, VERSION);
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
    if (version > 1) {
      number = saved.number("number", 1, Integer.MAX_VALUE);
      restarted = saved.flag("restarted");
      inherited = saved.numbers("running");
      if (inherited.length > Handover.THREADS
          || Arrays.stream(inherited).anyMatch(tag -> tag < -1 || tag > Integer.MAX_VALUE)) {
        throw new State.Refused("store.running is " + Arrays.toString(inherited));
      }
      saved.states("queued").forEach(this::restoreJob);
    }
  }

  private void restoreJob(State job) {
    String slot = QUEUED + queue.size();
    boolean memory = Job.hasMemory(job);
    Grant grant = memory && context.has(slot) ? context.slot(slot, Grant.class) : null;
    if (memory && grant == null) {
      number = 0; // the memory is not there any more: this state is an old one
    }
    queue.add(Job.restore(job, grant));
  }

  private interface Condition {
    boolean holds();
  }

  /** Waits, on this monitor, until something holds; whether that came to pass. */
  private boolean await(long millis, Condition condition) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (!condition.holds()) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return true;
  }

  @Override
  public void ended() {
    synchronized (this) {
      serveOn();
      endpointEnded = true;
      await(CLOSE_MILLIS, () -> phase == Phase.CLOSED || queue.isEmpty() && runningCount() == 0);
    }
    try {
      image.force();
    } catch (IOException e) {
      context.log(path + " could not be made durable: " + e);
    }
  }

  @Override
  public void close() {
    context.host("ends", this::endInTime);
    synchronized (this) {
      boolean taking = phase == Phase.TAKING;
      if (phase != Phase.SAVED) {
        number = 0;
      }
      phase = Phase.CLOSED;
      notifyAll();
      if (endpointEnded) {
        if (!await(CLOSE_MILLIS, () -> runningCount() == 0)) {
          context.log(path + ": a request hangs in the host");
        }
      } else if (taking) {
        if (engaged) {
          handover.spoiled(); // requests that it took are lost
        }
        left.set(true); // it never had the file
        return;
      } else if (runningCount() > 0) {
        return; // the last thread does the rest
      }
    }
    leave();
  }
}
