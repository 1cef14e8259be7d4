package duality.vmm.xen;

import duality.drivers.Slots;
import duality.drivers.Store;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The back half of a disk: requests and answers in one ring of 32 places [BDF+03 §3.2]. At 0 how
 * many requests the guest has put there, at 4 how many answers are there, at 8 the answer that it
 * wants to be called for, each 32 bits that only grow; places from 64 on, 112 bytes each.
 *
 * <p>A request: operation (8 bits: 0 read, 1 write, 2 flush), number of segments (8 bits, at most
 * 11), at 8 the guest's word for it, at 16 the first sector, from 24 on segments: grant (32 bits),
 * first and last sector in the page (8 bits each). An answer: at 1 its status, at 8 that word.
 *
 * <p>Answers are given in the order of the requests, so a request stays in its place until it has
 * its answer: a successor finds all that is not answered in the ring, and asks the store for it
 * with the same tags, so that nothing is done twice. What memory the store has lies in slots of the
 * endpoint, by tag.
 */
final class BlockBackEnd extends RingBackEnd {
  static final int REQUESTS = 0;
  static final int ANSWERS = 4;
  static final int WANTED = 8;
  static final int PLACES = 32;
  static final int FIRST = 64;
  static final int PLACE_BYTES = 112;
  static final int SEGMENTS = 11;
  static final int SECTOR_BYTES = 512;
  private static final int SECTORS_IN_PAGE = PAGE_BYTES / SECTOR_BYTES;

  static final int DONE = 0;
  static final int FAILED = 1;
  static final int UNKNOWN = 2;

  private static final int PART_SHIFT = 4;
  private static final int SERIES_SHIFT = 9;
  private static final int SERIES = 1 << 20;
  private static final String SLOT = "part-";

  private final Store store;
  private final long sectors;
  private final boolean readOnly;

  /** A segment of a request at the store, or on the way to it. */
  private static final class Part {
    final Request request;
    final int tag;
    final long offset;
    final int grant;
    final Grant memory;
    final int length;

    Part(Request request, int tag, long offset, int grant, Grant memory, int length) {
      this.request = request;
      this.tag = tag;
      this.offset = offset;
      this.grant = grant;
      this.memory = memory;
      this.length = length;
    }
  }

  private static final class Request {
    final int operation;
    final long word;
    int status = DONE;
    int open;

    Request(int operation, long word) {
      this.operation = operation;
      this.word = word;
    }
  }

  private int taken;
  private int answered;
  private int series = ThreadLocalRandom.current().nextInt(SERIES);

  /** In the order of the ring. */
  private final Deque<Request> requests = new ArrayDeque<>();

  private final Map<Integer, Part> atStore = new HashMap<>();
  private final Deque<Part> waiting = new ArrayDeque<>();

  /** Memory that a predecessor's requests hold at the store, by tag. */
  private final Map<Integer, Grant> inherited = new HashMap<>();

  /** The ring is a predecessor's: what it holds is to be found in its page. */
  private boolean resuming;

  BlockBackEnd(Context context, @Nullable State saved) {
    super(context);
    store = context.slot(Slots.BACKEND, Store.class);
    sectors = store.sizeBytes() / SECTOR_BYTES;
    readOnly = store.readOnly();
    if (saved != null) {
      restoreRing(saved);
      if (saved.number("sectors") != sectors) {
        throw new State.Refused(
            "the guest's disk has " + saved.number("sectors") + " sectors, this store " + sectors);
      }
      series = (int) saved.number("series", 0, SERIES - 1);
      resuming = connected();
      inherit(series);
      inherit(series - 1 & SERIES - 1); // what was on its way when the ring before was left
    }
    begin();
  }

  private void inherit(int its) {
    for (int place = 0; place < PLACES; place++) {
      for (int part = 0; part < SEGMENTS; part++) {
        int tag = tag(its, place, part);
        if (context().has(SLOT + tag)) {
          inherited.put(tag, context().slot(SLOT + tag, Grant.class));
        }
      }
    }
  }

  @Override
  boolean work(@Nullable Grant page) throws Lies {
    boolean resumed = page != null && resuming;
    if (page != null && resuming) {
      resuming = false;
      // Saved on purpose or found after a crash, with a state of long ago: what has an answer is in
      // the page. What a guest writes there is its own.
      answered = page.getInt(ANSWERS);
      taken = answered;
    }
    int before = answered;
    try {
      finish();
      if (page != null) {
        begin(page);
      }
      submit();
    } catch (CallFailed.ServerFailed failed) {
      if (!storeAnswers()) {
        failAll();
      }
      again();
    }
    if (page == null) {
      requests.removeIf(each -> each.open == 0);
      return false;
    }
    answer(page);
    // Whether the answer that the guest waits for is among these; a predecessor may not have said.
    int wanted = page.getInt(WANTED);
    return resumed || Integer.compareUnsigned(answered - wanted, answered - before) < 0;
  }

  private boolean storeAnswers() {
    try {
      return store.readOnly() == readOnly;
    } catch (CallFailed.ServerFailed givenUp) {
      return false;
    }
  }

  private void failAll() {
    List<Part> all = new ArrayList<>(atStore.values());
    all.addAll(waiting);
    atStore.clear();
    waiting.clear();
    all.forEach(part -> end(part, FAILED));
  }

  private void finish() {
    for (long answer; (answer = store.finished()) != Store.NONE; ) {
      if (answer == Store.RESTARTED) {
        waiting.addAll(atStore.values());
        atStore.clear();
        forgetLost();
        continue;
      }
      int tag = (int) (answer >> 8);
      Part part = atStore.remove(tag);
      if (part != null) {
        end(part, (answer & 0xff) == Store.OK ? DONE : FAILED);
      } else {
        // A predecessor's, answered before the ring was looked at: it is asked for once more.
        forget(tag);
      }
    }
  }

  private void end(Part part, int status) {
    forget(part.tag);
    part.memory.close();
    Request request = part.request;
    request.open--;
    request.status = Math.max(request.status, status);
  }

  /** What a predecessor had lent the store for requests that are in the ring no more. */
  private void forgetLost() {
    List<Integer> lost = new ArrayList<>(inherited.keySet());
    waiting.forEach(part -> lost.remove((Integer) part.tag));
    lost.forEach(this::forget);
  }

  private void forget(int tag) {
    context().drop(SLOT + tag);
    Grant its = inherited.remove(tag);
    if (its != null) {
      its.close();
    }
  }

  /** Takes what the guest has put into the ring. */
  private void begin(Grant page) throws Lies {
    int put = page.getInt(REQUESTS);
    int more = put - taken;
    if (more < 0 || put - answered > PLACES) {
      throw new Lies(more + " requests, with " + (taken - answered) + " in " + PLACES + " places");
    }
    byte[] place = new byte[PLACE_BYTES];
    MemorySegment copy = MemorySegment.ofArray(place);
    java.nio.ByteBuffer fields =
        java.nio.ByteBuffer.wrap(place).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    for (; taken != put; taken++) {
      // A copy, because the guest may change it while it is looked at.
      page.read(FIRST + (long) PLACE_BYTES * (taken & PLACES - 1), copy, 0, PLACE_BYTES);
      Request request = new Request(fields.get(0) & 0xff, fields.getLong(8));
      requests.add(request);
      int segments = fields.get(1) & 0xff;
      if (request.operation > Store.FLUSH) {
        request.status = UNKNOWN;
      } else if (segments > SEGMENTS || request.operation == Store.WRITE && readOnly) {
        request.status = FAILED;
      } else if (request.operation == Store.FLUSH) {
        flush(request);
      } else {
        parts(request, fields, segments);
      }
    }
  }

  private int tag(int part) {
    return tag(series, taken & PLACES - 1, part);
  }

  private static int tag(int series, int place, int part) {
    return series << SERIES_SHIFT | place << PART_SHIFT | part;
  }

  private void flush(Request request) {
    // Its memory is not looked at; the ring's page is there in any case.
    Grant memory = memory(tag(0), ring(), 0, 1, Memory.READ);
    if (memory == null) {
      request.status = FAILED;
      return;
    }
    request.open++;
    waiting.add(new Part(request, tag(0), 0, ring(), memory, 0));
  }

  private void parts(Request request, java.nio.ByteBuffer fields, int segments) {
    long sector = fields.getLong(16);
    List<Part> parts = new ArrayList<>();
    int access = request.operation == Store.READ ? Memory.WRITE : Memory.READ;
    for (int i = 0; i < segments; i++) {
      int grant = fields.getInt(24 + 8 * i);
      int first = fields.get(28 + 8 * i) & 0xff;
      int last = fields.get(29 + 8 * i) & 0xff;
      int count = last - first + 1;
      boolean inside = sector >= 0 && sector <= sectors - count;
      Grant memory =
          last < SECTORS_IN_PAGE && count > 0 && inside && grant >= 0 && grant < GRANTS
              ? memory(tag(i), grant, first * SECTOR_BYTES, count * SECTOR_BYTES, access)
              : null;
      if (memory == null) {
        parts.forEach(this::giveUp);
        request.status = FAILED;
        return;
      }
      parts.add(
          new Part(request, tag(i), sector * SECTOR_BYTES, grant, memory, count * SECTOR_BYTES));
      sector += count;
    }
    request.open = parts.size();
    waiting.addAll(parts);
  }

  /** Of a request that is refused as a whole; what a predecessor had lent for it the store has. */
  private void giveUp(Part part) {
    if (!inherited.containsKey(part.tag)) {
      forget(part.tag);
      part.memory.close();
    }
  }

  /** Lends it, so that a successor can give it back, also after a crash. */
  private @Nullable Grant memory(int tag, int grant, int offset, int length, int access) {
    Grant its = inherited.get(tag);
    if (its != null && its.sizeBytes() == length) {
      return its;
    }
    try {
      Grant fresh = lend(grant, offset, length, access);
      context().keep(SLOT + tag, fresh);
      return fresh;
    } catch (CallFailed.BadRequest notGranted) {
      return null;
    }
  }

  private void submit() {
    while (!waiting.isEmpty()) {
      Part part = waiting.element();
      if (atStore.containsKey(part.tag)
          || !store.submit(
              part.tag, part.request.operation, part.offset, part.memory, 0, part.length)) {
        return;
      }
      waiting.remove();
      atStore.put(part.tag, part);
    }
  }

  private void answer(Grant page) {
    while (!requests.isEmpty() && requests.element().open == 0) {
      Request request = requests.remove();
      long place = FIRST + (long) PLACE_BYTES * (answered & PLACES - 1);
      page.setLong(place + 8, request.word);
      page.setByte(place + 1, request.status);
      answered++;
      page.setInt(ANSWERS, answered);
    }
  }

  @Override
  long untaken(Grant page) {
    return page.getInt(REQUESTS) == taken ? NOTHING : taken & 0xffff_ffffL;
  }

  @Override
  void fresh(Grant page) {
    taken = 0;
    answered = 0;
    page.setInt(REQUESTS, 0);
    page.setInt(ANSWERS, 0);
    page.setInt(WANTED, 1);
  }

  /** What is at the store ends there, under tags that mean nothing any more. */
  @Override
  void left() {
    series = series + 1 & SERIES - 1;
    waiting.removeIf(
        part -> {
          forget(part.tag);
          part.memory.close();
          part.request.open--;
          return true;
        });
    requests.clear();
    taken = 0;
    answered = 0;
    resuming = false;
  }

  @Override
  boolean uses(int grant) {
    return waiting.stream().anyMatch(part -> part.grant == grant)
        || atStore.values().stream().anyMatch(part -> part.grant == grant);
  }

  @Override
  State save(State state) {
    return state.with("sectors", sectors).with("series", series);
  }

  @Override
  String schema() {
    return "xen.blk";
  }

  @Override
  public long sizeBytes() {
    return sectors * SECTOR_BYTES;
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }
}
