package duality.store.sealed;

import duality.drivers.RawStore;
import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.Pager;
import duality.kernel.Rights;
import duality.kernel.Router;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A store on a {@link SealedDisk}: requests wait in a bounded queue for one host thread, which
 * encrypts and decrypts, and waits for the store below by {@link Line}.
 *
 * <p>A swap waits for no request. The thread is halted where it is, which it survives at any point;
 * what it was about is the first in the queue, and the successor begins it anew. The seal's file is
 * the truth about the disk; the state says which one it has to be.
 *
 * <p>Locks: the monitor of this guards the queue; {@link Line}'s is taken inside it, no call is
 * made under either but signals.
 */
final class SealedStore implements Store, Instance {
  private static final String SCHEMA = "store.sealed";
  private static final int VERSION = 1;
  private static final int IDENTITY_CHARACTERS = 20;

  /** Slot: memory of our own. Who finds it there has a predecessor. */
  private static final String STAGING = "staging";

  /** Prefix of the slots in which a successor finds the memory of requests. */
  private static final String QUEUED = "queued";

  private static final String ROOT = "root";

  /** Bit: the store below has finished something, or is a new one. */
  private static final long ANSWERED = 1;

  private static final long REST_MILLIS = 1_500;
  private static final long END_MILLIS = 10_000;
  private static final int MOST_ALARMS = 200;

  /** So much of a disk that has no seal yet has to be zeros. */
  private static final int LOOKED_AT = SealedDisk.MOST_BYTES;

  private enum Phase {
    SERVING,
    /** The state was asked for: no request is begun before it is known who serves on. */
    SAVED,
    CLOSED
  }

  private final Context context;
  private final Path sealPath;
  private final String name;
  private final boolean readOnly;
  private final int limit;
  private final @Nullable Notification events;
  private final long eventBit;
  private final Notification turns;
  private final RawStore raw;
  private final Layout layout;
  private final long sizeBytes;
  private final Line line;

  // The thread's own; read by others only while it is at rest.
  private @Nullable SealFile seal;
  private @Nullable SealedDisk disk;

  // Guarded by this:
  private final Deque<Job> queue = new ArrayDeque<>();
  private final Deque<Long> finished = new ArrayDeque<>();
  private Phase phase = Phase.SERVING;
  private boolean started;

  /** Whether the thread is in the middle of the first in the queue. */
  private boolean busy;

  private boolean restarted;
  private int alarms;
  private @Nullable Throwable broken;

  private SealedStore(Context context) throws IOException {
    this.context = context;
    String file = context.config("file", "");
    sealPath = Path.of(context.config("seal", file + ".seal"));
    name = String.valueOf(Path.of(file).getFileName());
    readOnly = Settings.flag(context, "readonly", false);
    limit = Settings.number(context, "queue", 1, 65_536, 128);
    eventBit = 1L << Settings.number(context, Slots.EVENT_BIT, 0, 31, 0);
    events = context.has(Slots.EVENTS) ? context.slot(Slots.EVENTS, Notification.class) : null;
    turns = context.notification("turns");
    boolean sealed = Files.exists(sealPath);
    if (!sealed && readOnly) {
      throw new CallFailed.BadRequest(
          sealPath + " does not exist: a disk that was never written cannot be opened read-only");
    }
    if (sealed) {
      seal = SealFile.open(sealPath, readOnly);
    }
    raw = raw(file);
    layout = Layout.ofRaw(seal == null ? raw.sizeBytes() : seal.rawBytes());
    sizeBytes = Settings.number(context, "size", 0, layout.sizeBytes(), layout.sizeBytes());
    restarted = context.has(STAGING);
    line = new Line(raw, staging(), turns, this::alarm, layout.rawBytes());
  }

  static SealedStore open(Context context, @Nullable State saved) {
    if (context.config("file", "").isEmpty()) {
      throw new CallFailed.BadRequest(
          context.path() + ": 'file' is missing; the path of a disk image is needed");
    }
    SealedStore store;
    try {
      store = new SealedStore(context);
    } catch (IOException | IllegalArgumentException e) {
      throw new CallFailed.BadRequest(context.path() + ": " + e.getMessage());
    }
    boolean opened = false;
    try {
      if (saved != null) {
        store.restore(saved);
      }
      opened = true;
    } finally {
      if (!opened) {
        store.close();
      }
    }
    context.worker("turns", store.turns, ANSWERED | Line.WANTED, store::turn);
    return store;
  }

  /** The store below, a child of this one. */
  private RawStore raw(String file) {
    Map<String, String> config = new HashMap<>();
    config.put("file", file);
    config.put("readonly", Boolean.toString(readOnly));
    if (context.config().containsKey("raw")) {
      config.put("server", context.config("raw", ""));
    }
    Notification writable = context.derive(turns, Notification.class, Rights.WRITE, 0);
    return context.child("raw", RawStore.class, config, Map.of(Slots.EVENTS, writable));
  }

  /** Memory of our own, in which the store below finds and leaves blocks. */
  private Grant staging() {
    Space space = context.space(STAGING);
    Map<String, Object> endowment = new HashMap<>();
    endowment.put("space", context.derive(space, Space.class, Rights.MAP, 0));
    if (context.has(ROOT)) {
      endowment.put(ROOT, context.slot(ROOT, Router.class));
    }
    Map<String, String> config = new HashMap<>();
    config.put("quota", Long.toString(Line.STAGING_BYTES));
    if (context.config().containsKey("pager")) {
      config.put("server", context.config("pager", ""));
    }
    Pager pager = context.child("pager", Pager.class, config, endowment);
    int access = Memory.READ | Memory.WRITE;
    if (!context.has(STAGING)) {
      space.region(0, Line.STAGING_BYTES / Space.PAGE_BYTES, access, pager);
      context.keep(STAGING, space.grant(0, Line.STAGING_BYTES, access));
    }
    return context.slot(STAGING, Grant.class);
  }

  private void alarm(String what) {
    int count;
    synchronized (this) {
      count = ++alarms;
    }
    if (count <= MOST_ALARMS) {
      context.log(
          "TAMPERED " + name + ": " + what + (count == MOST_ALARMS ? "; more are not said" : ""));
    }
  }

  // ---- calls ----

  @Override
  public long sizeBytes() {
    return sizeBytes;
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }

  @Override
  public String identity() {
    String ascii = name.replaceAll("[^ -~]", "?");
    return ascii.substring(0, Math.min(ascii.length(), IDENTITY_CHARACTERS));
  }

  @Override
  public synchronized boolean submit(
      int tag, int operation, long offset, Grant grant, long grantOffset, long length) {
    refuseBroken();
    serveOn();
    if (!restarted && isInFlight(tag)) {
      return true; // repeated, because this store or one before it failed in the middle
    }
    if (restarted || queue.size() + finished.size() >= limit) {
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
        || finished.stream().anyMatch(answer -> answer >> 8 == tag);
  }

  private boolean allowed(int operation, long offset, Grant grant, long grantOffset, long length) {
    return (operation == READ || operation == WRITE && !readOnly)
        && offset >= 0
        && length >= 0
        && offset <= sizeBytes - length
        && grantOffset >= 0
        && grantOffset <= grant.sizeBytes() - length;
  }

  @Override
  public synchronized long finished() {
    refuseBroken();
    serveOn();
    if (restarted) {
      restarted = false;
      return RESTARTED;
    }
    Long answer = finished.poll();
    return answer == null ? NONE : answer;
  }

  private void refuseBroken() {
    Throwable why = broken;
    if (why != null) {
      throw new IllegalStateException("the thread of this store has ended: " + why, why);
    }
  }

  /** A call has come: this instance is the one that serves, also after its state was asked for. */
  private void serveOn() {
    if (phase == Phase.SAVED) {
      phase = Phase.SERVING;
      line.halt(false);
      notifyAll();
      turns.signal(Line.WANTED);
    }
  }

  private synchronized void finish(int tag, int status) {
    finished.add((long) tag << 8 | status);
    announce();
  }

  private void announce() {
    if (events != null) {
      events.signal(eventBit);
    }
  }

  private void turn(long bits) {
    synchronized (this) {
      if (!started && phase == Phase.SERVING) {
        started = true;
        context.host("seals", this::work);
      }
    }
    line.turn();
  }

  @Override
  public synchronized void check() {
    refuseBroken();
    notifyAll();
    turns.signal(Line.WANTED);
  }

  // ---- the thread ----

  private void work() {
    try {
      boolean settled = false;
      for (Job job; (job = next()) != null; ) {
        try {
          if (!settled) {
            line.settle();
            settled = true;
          }
          int status = perform(job);
          synchronized (this) {
            busy = false;
            queue.remove(job);
            finish(job.tag(), status);
            notifyAll();
          }
        } catch (Line.Halted e) {
          settled = false;
          synchronized (this) {
            busy = false;
            notifyAll();
          }
        }
      }
    } catch (RuntimeException | Error e) {
      // Nobody is above this thread to hear of it: the next who calls does.
      synchronized (this) {
        broken = e;
        busy = false;
        notifyAll();
      }
      context.log(name + ": the thread has ended: " + e);
    }
    SealFile open = seal;
    if (open != null) {
      open.close();
    }
  }

  /** The first in the queue; nothing at the end. */
  private synchronized @Nullable Job next() {
    while (phase == Phase.SAVED || phase == Phase.SERVING && queue.isEmpty()) {
      try {
        wait();
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt this thread; the flag is clear again.
      }
    }
    busy = phase == Phase.SERVING;
    return busy ? queue.peek() : null;
  }

  private int perform(Job job) {
    try {
      SealedDisk there = disk();
      Grant grant = job.grant();
      if (job.operation() == FLUSH) {
        there.flush();
        return OK;
      }
      if (grant == null) {
        return FAILED;
      }
      byte[] bytes = new byte[(int) Math.min(job.length(), SealedDisk.MOST_BYTES)];
      for (long done = 0; done < job.length(); done += bytes.length) {
        int part = (int) Math.min(bytes.length, job.length() - done);
        MemorySegment memory = MemorySegment.ofArray(bytes);
        if (job.operation() == READ) {
          there.read(job.offset() + done, bytes, part);
          grant.write(job.grantOffset() + done, memory, 0, part);
        } else {
          grant.read(job.grantOffset() + done, memory, 0, part);
          there.write(job.offset() + done, bytes, part);
        }
      }
      return OK;
    } catch (Tampered e) {
      alarm(e.getMessage() + " (request at byte " + job.offset() + ")");
    } catch (IOException | CallFailed e) {
      context.log(name + ": request at byte " + job.offset() + " failed: " + e.getMessage());
    }
    return FAILED;
  }

  /** The disk; a new one is made of a store that holds nothing. */
  private SealedDisk disk() throws IOException {
    SealedDisk there = disk;
    if (there != null) {
      return there;
    }
    SealFile known = seal;
    if (known == null) {
      byte[] begin = new byte[(int) Math.min(LOOKED_AT, layout.rawBytes())];
      line.read(0, begin, begin.length);
      if (!Arrays.equals(begin, new byte[begin.length])) {
        throw new IOException(
            "the disk is not empty, and there is no seal "
                + sealPath
                + "; a sealed disk begins as a file of zeros (truncate -s SIZE FILE)");
      }
      known = SealFile.create(sealPath, layout.rawBytes(), new SecureRandom());
      seal = known;
    }
    BlockCipher cipher = new BlockCipher(known.key(), known.disk(), new SecureRandom());
    there = new SealedDisk(layout, cipher, known, line, readOnly);
    disk = there;
    return there;
  }

  // ---- from one instance to the next ----

  @Override
  public State save() {
    synchronized (this) {
      refuseBroken();
      phase = Phase.SAVED;
      line.halt(true);
      notifyAll();
      announce(); // if this instance is to serve on, somebody comes and says so
      if (!await(REST_MILLIS, () -> !busy)) {
        throw new IllegalStateException(name + ": the host does not let the thread rest");
      }
      SealFile there = seal;
      return State.of(SCHEMA, VERSION)
          .with("sizeBytes", sizeBytes)
          .with("root", there == null ? new byte[Tree.HASH_BYTES] : there.root())
          .with("changes", there == null ? 0 : there.records())
          .with("restarted", restarted)
          .with("finished", finished.stream().mapToLong(Long::longValue).toArray())
          .with("queued", queued());
    }
  }

  private List<State> queued() {
    List<State> states = new ArrayList<>();
    for (Job job : queue) {
      Grant grant = job.grant();
      if (grant != null) {
        context.keep(QUEUED + states.size(), grant);
      } else {
        context.drop(QUEUED + states.size());
      }
      states.add(job.save());
    }
    for (int i = states.size(); context.has(QUEUED + i); i++) {
      context.drop(QUEUED + i);
    }
    return states;
  }

  private synchronized void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    SealFile there = seal;
    if (saved.number("sizeBytes") != sizeBytes
        || !Arrays.equals(
            saved.bytes("root"), there == null ? new byte[Tree.HASH_BYTES] : there.root())
        || saved.number("changes") != (there == null ? 0 : there.records())) {
      throw new State.Refused(sealPath + " is not the seal that this state was saved with");
    }
    restarted = saved.flag("restarted");
    long[] answers = saved.numbers("finished");
    List<State> jobs = saved.states("queued");
    if (answers.length + jobs.size() > limit) {
      throw new State.Refused(
          "store.sealed has " + (answers.length + jobs.size()) + " requests, more than " + limit);
    }
    for (long answer : answers) {
      if (answer < 0 || answer >> 8 > Integer.MAX_VALUE || (answer & 0xff) > REFUSED) {
        throw new State.Refused("store.sealed.finished holds " + answer + ", which is no answer");
      }
      finished.add(answer);
    }
    for (State each : jobs) {
      String slot = QUEUED + queue.size();
      Grant grant = context.has(slot) ? context.slot(slot, Grant.class) : null;
      Job job = Job.restore(each, grant);
      if (job.operation() != FLUSH
          && (grant == null
              || !allowed(job.operation(), job.offset(), grant, job.grantOffset(), job.length()))) {
        throw new State.Refused(
            "request " + job.tag() + " is none of this store, or its memory is gone");
      }
      queue.add(job);
    }
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

  /** Brings what was taken to its end, and gives the memory back. Workers are gone by now. */
  @Override
  public void ended() {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(END_MILLIS);
    boolean done = false;
    synchronized (this) {
      serveOn();
    }
    while (!done && System.nanoTime() - end < 0) {
      line.turn();
      synchronized (this) {
        done = await(1, () -> queue.isEmpty() && !busy || broken != null || !started);
      }
    }
    if (!done) {
      context.log(name + ": the store below does not answer; its memory is not given back");
      return;
    }
    context.slot(STAGING, Grant.class).close();
    context.drop(STAGING);
    context.space(STAGING).removeRegion(0);
  }

  @Override
  public void close() {
    synchronized (this) {
      phase = Phase.CLOSED;
      line.halt(true);
      notifyAll();
      if (started) {
        return; // the thread closes the seal
      }
    }
    SealFile open = seal;
    if (open != null) {
      open.close();
    }
  }
}
