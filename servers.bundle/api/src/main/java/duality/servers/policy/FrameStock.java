package duality.servers.policy;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Frame;
import duality.kernel.State;
import duality.servers.Root;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;

/**
 * The frames a pager holds: taken from root in batches, so that most page faults cost no second
 * call, and never more than a quota. A frame in the stock is zero until it is taken.
 *
 * <p>The capability to each batch is kept in a slot {@code frames/N} of the endpoint, N being the
 * batch's first frame: there a successor finds it.
 *
 * <p><em>Concurrency:</em> none; its pager locks.
 */
final class FrameStock {
  /** What part of what it holds a pager takes at once when it needs more. */
  private static final long GROWTH = 8;

  private static final long MOST_GROWN = 4_096;

  private final Context context;
  private final Root root;
  private final String owner;
  private final long quotaFrames;
  private final long batchFrames;

  /** Told of each batch that came, before a frame of it is used, and of each before it goes. */
  private final Runnable changed;

  /** Batches by their first frame. */
  private final TreeMap<Long, Frame> batches = new TreeMap<>();

  /** Frames that back no page: count by first frame. No run goes over the end of a batch. */
  private final TreeMap<Long, Long> unused = new TreeMap<>();

  private long heldFrames;
  private long unusedFrames;
  private String lastRefusal = "";

  FrameStock(
      Context context,
      Root root,
      String owner,
      long quotaFrames,
      long batchFrames,
      Runnable changed) {
    this.context = context;
    this.root = root;
    this.owner = owner;
    this.quotaFrames = quotaFrames;
    this.batchFrames = batchFrames;
    this.changed = changed;
  }

  long heldFrames() {
    return heldFrames;
  }

  long unusedFrames() {
    return unusedFrames;
  }

  long quotaFrames() {
    return quotaFrames;
  }

  /** Why the last {@link #take} had nothing to give, with the figures. */
  String lastRefusal() {
    return lastRefusal;
  }

  /**
   * Takes frames out of the stock, filling it from root when it is empty.
   *
   * @param wanted how many, at least 1
   * @return a run of at least 1 and at most {@code wanted} frames; of none when the quota or root
   *     refuses
   * @throws CallFailed when root cannot be asked now
   */
  Run take(long wanted) {
    if (unused.isEmpty() && !refill(wanted)) {
      return Run.NONE;
    }
    Map.Entry<Long, Long> first = unused.firstEntry();
    long count = Math.min(first.getValue(), wanted);
    unused.remove(first.getKey());
    if (count < first.getValue()) {
      unused.put(first.getKey() + count, first.getValue() - count);
    }
    unusedFrames -= count;
    return new Run(first.getKey(), count);
  }

  private boolean refill(long wanted) {
    long room = quotaFrames - heldFrames;
    if (room <= 0) {
      lastRefusal = "the quota of " + size(quotaFrames) + " is used up";
      return false;
    }
    // Root gives contiguous runs: when it has no long one, a shorter one will do.
    long usual = Math.max(batchFrames, Math.min(heldFrames / GROWTH, MOST_GROWN));
    for (long ask = Math.min(Math.max(usual, wanted), room); ask > 0; ask /= 2) {
      try {
        Frame batch = root.allocate(owner, ask);
        context.keep(slot(batch.first()), batch);
        hold(batch);
        putUnused(batch.first(), batch.count());
        changed.run();
        return true;
      } catch (CallFailed.BadRequest e) {
        lastRefusal =
            "root has no frame for "
                + owner
                + ", which holds "
                + size(heldFrames)
                + ": "
                + e.getMessage();
      }
    }
    return false;
  }

  /** The batch that has this frame. */
  Frame batchOf(long frame) {
    return batches.floorEntry(frame).getValue();
  }

  /** Puts back frames that nothing was written to. */
  void putBack(Run run) {
    putUnused(run.first(), run.count());
  }

  /**
   * Puts back frames that were in use. Batches that are not in use any more go back to root, which
   * makes them zero; of the others the frames are made zero here.
   *
   * @param frames their numbers
   */
  void putBackUsed(BitSet frames) {
    for (Frame batch : batches.values().toArray(Frame[]::new)) {
      int first = Math.toIntExact(batch.first());
      int end = Math.toIntExact(batch.first() + batch.count());
      long unusedNow = unusedIn(batch);
      if (unusedNow + frames.get(first, end).cardinality() == batch.count()) {
        unused.subMap(batch.first(), batch.first() + batch.count()).clear();
        unusedFrames -= unusedNow;
        giveBack(batch);
        continue;
      }
      for (int run = frames.nextSetBit(first); run >= 0 && run < end; ) {
        int runEnd = Math.min(frames.nextClearBit(run), end);
        batch.reclaim(run - first, runEnd - run);
        putUnused(run, runEnd - run);
        run = frames.nextSetBit(runEnd);
      }
    }
  }

  /** Gives everything back: the endpoint ends. */
  void giveBackAll() {
    unused.clear();
    unusedFrames = 0;
    for (Frame batch : batches.values().toArray(Frame[]::new)) {
      giveBack(batch);
    }
  }

  private void giveBack(Frame batch) {
    long first = batch.first();
    long count = batch.count();
    batches.remove(first);
    heldFrames -= count;
    changed.run();
    try {
      root.free(owner, batch);
    } catch (CallFailed e) {
      context.log(size(count) + " could not be given back to root: " + e.getMessage());
    }
    context.drop(slot(first));
  }

  private long unusedIn(Frame batch) {
    return unused.subMap(batch.first(), batch.first() + batch.count()).values().stream()
        .mapToLong(Long::longValue)
        .sum();
  }

  private void hold(Frame batch) {
    batches.put(batch.first(), batch);
    heldFrames += batch.count();
  }

  private void putUnused(long first, long count) {
    unusedFrames += count;
    Frame batch = batchOf(first);
    long start = first;
    long end = first + count;
    Map.Entry<Long, Long> before = unused.lowerEntry(start);
    if (before != null
        && before.getKey() >= batch.first()
        && before.getKey() + before.getValue() == start) {
      start = before.getKey();
    }
    if (end < batch.first() + batch.count()) {
      Long after = unused.remove(end);
      end += after == null ? 0 : after;
    }
    unused.put(start, end - start);
  }

  /** Whether a frame is held, and not among those that back nothing. */
  boolean isUsed(long frame) {
    Map.Entry<Long, Frame> batch = batches.floorEntry(frame);
    Map.Entry<Long, Long> run = unused.floorEntry(frame);
    return batch != null
        && frame - batch.getKey() < batch.getValue().count()
        && (run == null || frame - run.getKey() >= run.getValue());
  }

  /**
   * Whether what is counted is what is there.
   *
   * @throws IllegalStateException when it is not
   */
  void check() {
    long held = batches.values().stream().mapToLong(Frame::count).sum();
    long free = 0;
    long end = 0;
    for (Map.Entry<Long, Long> run : unused.entrySet()) {
      Map.Entry<Long, Frame> batch = batches.floorEntry(run.getKey());
      if (run.getKey() < end
          || batch == null
          || run.getKey() + run.getValue() > batch.getKey() + batch.getValue().count()) {
        throw new IllegalStateException(
            run.getValue()
                + " unused frames from "
                + run.getKey()
                + " on are in no batch, or twice");
      }
      end = run.getKey() + run.getValue();
      free += run.getValue();
    }
    if (held != heldFrames || free != unusedFrames || held > quotaFrames) {
      throw new IllegalStateException(
          held
              + " frames are held and "
              + free
              + " of them unused; the books say "
              + heldFrames
              + " and "
              + unusedFrames
              + ", the quota is "
              + quotaFrames);
    }
  }

  /** Batches as pairs of first frame and count. */
  long[] save() {
    long[] pairs = new long[2 * batches.size()];
    int i = 0;
    for (Frame batch : batches.values()) {
      pairs[i++] = batch.first();
      pairs[i++] = batch.count();
    }
    return pairs;
  }

  /** Finds a predecessor's batches in their slots; none of their frames is unused yet. */
  void restore(long[] pairs) {
    if (pairs.length % 2 != 0) {
      throw new State.Refused("pager.batches has " + pairs.length + " numbers, not pairs");
    }
    long end = 0;
    for (int i = 0; i < pairs.length; i += 2) {
      if (pairs[i] < end || pairs[i + 1] < 1 || pairs[i + 1] > Integer.MAX_VALUE - pairs[i]) {
        throw new State.Refused(
            "pager.batches: " + pairs[i + 1] + " frames from " + pairs[i] + " on behind " + end);
      }
      end = pairs[i] + pairs[i + 1];
      String slot = slot(pairs[i]);
      if (!context.has(slot)) {
        throw new State.Refused("pager.batches: slot " + slot + " is empty");
      }
      Frame batch = context.slot(slot, Frame.class);
      if (batch.first() != pairs[i] || batch.count() != pairs[i + 1]) {
        throw new State.Refused(
            "pager.batches: slot "
                + slot
                + " holds "
                + batch.count()
                + " frames from "
                + batch.first()
                + " on, not "
                + pairs[i + 1]);
      }
      hold(batch);
    }
    if (heldFrames > quotaFrames) {
      throw new State.Refused(
          "the pager holds " + size(heldFrames) + ", more than the quota of " + size(quotaFrames));
    }
  }

  /** The frames of all batches. */
  BitSet frames() {
    BitSet frames = new BitSet();
    for (Frame batch : batches.values()) {
      frames.set((int) batch.first(), (int) (batch.first() + batch.count()));
    }
    return frames;
  }

  /** After a restore: all frames that are not among {@code used} are unused. */
  void restoreUnused(BitSet used) {
    for (Frame batch : batches.values()) {
      int count = Math.toIntExact(batch.count());
      // Of this batch only: a run of used frames may go on through all that follow.
      BitSet here = used.get((int) batch.first(), (int) batch.first() + count);
      for (int run = here.nextClearBit(0); run < count; ) {
        int next = here.nextSetBit(run);
        int runEnd = next < 0 ? count : next;
        putUnused(batch.first() + run, runEnd - run);
        run = here.nextClearBit(runEnd);
      }
    }
  }

  /** Makes all unused frames zero, when it is not known that they are. */
  void zeroUnused() {
    unused.forEach(
        (first, count) -> {
          Frame batch = batchOf(first);
          batch.reclaim(first - batch.first(), count);
        });
  }

  static String size(long frames) {
    return frames + " frames (" + frames * 4 + " KiB)";
  }

  private static String slot(long first) {
    return "frames/" + first;
  }

  /** A run of frames. */
  record Run(long first, long count) {
    static final Run NONE = new Run(0, 0);
  }
}
