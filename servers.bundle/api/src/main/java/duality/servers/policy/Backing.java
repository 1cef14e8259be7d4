package duality.servers.policy;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Frame;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import duality.servers.Root;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The books of a pager that serves one space: its regions, the frame behind each page, and the
 * frames in stock. What is left to a pager is the policy: which page gets its frame when.
 *
 * <p>Slots of the endpoint: {@code space}, the {@link Space} with the right to map; {@code root},
 * the {@link Root}. Configuration: {@code quota}, bytes it may hold, default no limit but root's;
 * {@code owner}, the endpoint path that root charges, default the endpoint's parent; {@code batch},
 * frames taken from root at once, default 64; a pager that holds many takes an eighth of them, at
 * most 4,096, because a successor looks at each batch while the guest waits; {@code around}, pages
 * that {@link #fault} gives their frames together, those of the block of so many pages in which the
 * touched one lies, default 1.
 *
 * <p>State: schema {@code pager}, version 1. {@code space}: number of the space. {@code regions}:
 * triples of first page, pages, rights. {@code backed}: triples of first page, first frame, count,
 * ascending. {@code batches}: pairs of first frame and count, each with its capability in a slot
 * {@code frames/N}. {@code mapped}, instead of {@code backed}: a page's frame is the one that the
 * space has there. {@code leaving}: frames that back no page may not be zero.
 *
 * <p>The last is what a checkpoint has, left whenever regions or batches change, which is seldom.
 * It stays true while pages get their frames, because the space knows these too (CuriOS, 2008): a
 * successor of a pager that cannot save anything any more loses nothing. Pages that somebody took
 * out of the space without {@link #release} count as given back then.
 *
 * <p><em>Concurrency:</em> none; its pager locks.
 */
public final class Backing {
  /** Name of the schema. */
  public static final String SCHEMA = "pager";

  /** Newest version of the schema. */
  public static final int VERSION = 1;

  /** Pages that are compared at each check: a tenth of a millisecond. */
  private static final long LOOK_PAGES = 1_024;

  private static final int MOST_BATCH = 1 << 20;
  private static final int MOST_AROUND = 512;
  private static final int ALL_RIGHTS = Memory.READ | Memory.WRITE | Memory.EXECUTE;

  private final Context context;
  private final Space space;
  private final FrameStock stock;
  private final TreeMap<Long, Region> regions = new TreeMap<>();

  /** See the class; 1 from the first page on that somebody gave back by itself. */
  private long around;

  /**
   * There are frames that back no page any more and may not be zero yet. Only inside of {@link
   * #putBack}: a call that is given up there leaves them to the successor, which makes them zero.
   */
  private boolean leaving;

  private boolean refusalLogged;

  /** From where on {@link #check} compares pages next. */
  private long lookAt;

  /** Numbers that the predecessor's record of backed pages had: about as many as the next one. */
  private int inherited;

  /**
   * Opens the books.
   *
   * @param saved those of a predecessor, or null
   * @throws CallFailed.BadRequest when the configuration is wrong
   * @throws State.Refused when {@code saved} is malformed, or does not fit to the slots
   */
  public Backing(Context context, @Nullable State saved) {
    this.context = context;
    this.space = context.slot("space", Space.class);
    long quota = number("quota", Long.MAX_VALUE, 0, Long.MAX_VALUE);
    long batch = number("batch", 64, 1, MOST_BATCH);
    around = number("around", 1, 1, MOST_AROUND);
    String path = context.path();
    String parent = path.substring(0, Math.max(0, path.lastIndexOf('/')));
    this.stock =
        new FrameStock(
            context,
            context.slot("root", Root.class),
            context.config("owner", parent),
            quota / Space.PAGE_BYTES,
            batch,
            this::leaveCheckpoint);
    if (saved != null) {
      restore(saved);
    }
  }

  private long number(String key, long otherwise, long least, long most) {
    String text = context.config(key, Long.toString(otherwise));
    try {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new CallFailed.BadRequest(
        context.path() + ": " + key + "=" + text + " is no number from " + least + " to " + most);
  }

  /**
   * Enters a region.
   *
   * @throws CallFailed.BadRequest when it is of another space, or overlaps one that is there
   */
  public void attach(int spaceId, long page, long pages, int rights) {
    if (spaceId != space.id()) {
      throw new CallFailed.BadRequest(
          context.path() + " serves space " + space.id() + " only, not " + spaceId);
    }
    if (!Region.possible(page, pages, rights & ~ALL_RIGHTS)) {
      throw new CallFailed.BadRequest(
          context.path()
              + ": no region has "
              + pages
              + " pages from "
              + page
              + " on with rights "
              + rights);
    }
    if (overlaps(page, pages)) {
      throw new CallFailed.BadRequest(
          context.path() + ": " + pages + " pages from " + page + " on overlap another region");
    }
    regions.put(page, new Region(page, pages, rights));
    leaveCheckpoint();
  }

  /**
   * Takes a region out. Its frames are zeroed and stay in stock; batches that are not in use any
   * more go back to root.
   *
   * @throws CallFailed.BadRequest when there is no such region
   */
  public void detach(int spaceId, long page, long pages) {
    Region region = regions.get(page);
    if (spaceId != space.id() || region == null || region.pages() != pages) {
      throw new CallFailed.BadRequest(
          context.path() + ": there is no region of " + pages + " pages from " + page + " on");
    }
    BitSet frames = new BitSet();
    region.forEachRun((first, frame, count) -> frames.set((int) frame, (int) (frame + count)));
    putBack(frames, () -> regions.remove(page));
    leaveCheckpoint();
  }

  private void putBack(BitSet frames, Runnable entry) {
    leaving = true;
    entry.run();
    stock.putBackUsed(frames);
    leaving = false;
  }

  /**
   * Takes the frames of pages of one region back, which are not mapped any more: as {@link #detach}
   * does for all of it. Pages without one are passed over.
   *
   * @throws CallFailed.BadRequest when there is no such region
   */
  public void release(int spaceId, long page, long pages) {
    Region region = region(page);
    if (spaceId != space.id()
        || region == null
        || pages < 1
        || pages > region.page() + region.pages() - page) {
      throw new CallFailed.BadRequest(
          context.path() + ": " + pages + " pages from " + page + " on are in no region");
    }
    around = 1; // or it would come back with its neighbours
    BitSet frames = new BitSet();
    BitSet gone = new BitSet();
    for (int i = 0; i < pages; i++) {
      long frame = region.frameAt(page + i);
      if (frame >= 0 && space.frameAt(page + i) < 0) {
        frames.set((int) frame);
        gone.set(i);
      }
    }
    putBack(frames, () -> gone.stream().forEach(i -> region.clear(page + i, 1)));
  }

  /**
   * Answers a page fault: gives the page a frame when it has none, and maps it, and with it those
   * of its neighbours that have none either, as far as {@code around} says.
   *
   * @return false when the access is not allowed, or no frame can be had; the latter is logged once
   * @throws CallFailed when root cannot be asked now: the access may be tried again
   */
  public boolean fault(int spaceId, long page, int access) {
    Region region = region(page);
    if (spaceId != space.id() || region == null || (region.rights() & access) != access) {
      return false;
    }
    try {
      long frame = region.frameAt(page);
      if (frame >= 0) {
        // Another hart was faster, or somebody took the page out of the space: its frame is the
        // same.
        map(region, page, frame, 1);
        return true;
      }
      long first = Math.max(page - page % around, region.page());
      long end = Math.min(page - page % around + around, region.page() + region.pages());
      return backAround(region, page, first, end);
    } catch (CallFailed.BadRequest e) {
      context.log("page 0x" + Long.toHexString(page) + " cannot be mapped: " + e.getMessage());
      return false;
    }
  }

  /**
   * Gives up to {@code most} pages their frames that have none yet, in all regions from the lowest
   * page on.
   *
   * @return how many got one; less than {@code most} when all have one, or no more frames can be
   *     had, which {@link #missingPages} tells
   */
  public long fill(long most) {
    long filled = 0;
    for (Region region : regions.values()) {
      long page = region.nextMissing(region.page());
      while (page >= 0 && filled < most) {
        long wanted = Math.min(most - filled, region.missingFrom(page));
        long got = back(region, page, wanted);
        if (got == 0) {
          return filled;
        }
        filled += got;
        page = region.nextMissing(page + got);
      }
    }
    return filled;
  }

  /** Backs the run of missing pages, of those from first up to end, in which a missing one lies. */
  private boolean backAround(Region region, long page, long first, long end) {
    long from = page;
    while (from > first && region.frameAt(from - 1) < 0) {
      from--;
    }
    long to = page + 1;
    while (to < end && region.frameAt(to) < 0) {
      to++;
    }
    // It may be that there are frames for a part of them only, in which the page does not lie.
    long got = back(region, from, to - from);
    return got > page - from || got > 0 && back(region, page, 1) == 1;
  }

  /** Backs and maps one run of missing pages; answers its length, 0 when there are no frames. */
  private long back(Region region, long page, long wanted) {
    FrameStock.Run run = stock.take(wanted);
    if (run.count() == 0) {
      refused(page);
      return 0;
    }
    // The entry comes first: a call may end anywhere here, because it is given up. A page that has
    // its frame in the books and not in the space yet gets the same one at its next fault; one that
    // has it in the space only would share it with the next page that asks, after a restart.
    if (!region.setMissing(page, run.first(), run.count())) {
      throw new IllegalStateException("pages from " + page + " on have frames already");
    }
    try {
      map(region, page, run.first(), run.count());
    } catch (CallFailed.BadRequest e) {
      // Refused, so none of them is mapped. After other failures some may be: they keep theirs.
      region.clear(page, run.count());
      stock.putBack(run);
      throw e;
    }
    return run.count();
  }

  private void map(Region region, long page, long frame, long count) {
    Frame batch = stock.batchOf(frame);
    space.map(page, batch, frame - batch.first(), count, region.rights());
  }

  private void refused(long page) {
    if (!refusalLogged) {
      refusalLogged = true;
      context.log(
          "page 0x"
              + Long.toHexString(page)
              + " of space "
              + space.id()
              + " is refused: "
              + stock.lastRefusal()
              + "; backed are "
              + FrameStock.size(stock.heldFrames() - stock.unusedFrames())
              + "; further refusals are not logged");
    }
  }

  /**
   * Whether the books agree with themselves, and, for some pages each time, with the space: a page
   * is mapped to the frame that the books have for it, or not mapped.
   *
   * @throws IllegalStateException when they do not
   */
  public void check() {
    stock.check();
    long backed = regions.values().stream().mapToLong(Region::backed).sum();
    long used = stock.heldFrames() - stock.unusedFrames();
    if (backed != used) {
      throw new IllegalStateException(
          backed + " pages have a frame, but " + used + " frames are in use");
    }
    Region region = region(lookAt);
    if (region == null) {
      Map.Entry<Long, Region> next = regions.ceilingEntry(lookAt);
      region = next == null ? null : next.getValue();
      lookAt = region == null ? 0 : region.page();
    }
    if (region != null) {
      long end = Math.min(lookAt + LOOK_PAGES, region.page() + region.pages());
      for (long page = lookAt; page < end; page++) {
        look(page, region.frameAt(page));
      }
      lookAt = end;
    }
  }

  private void look(long page, long frame) {
    long mapped = space.frameAt(page);
    if (frame >= 0 && !stock.isUsed(frame) || mapped >= 0 && mapped != frame) {
      throw new IllegalStateException(
          "page 0x"
              + Long.toHexString(page)
              + " has frame "
              + frame
              + " in the books and "
              + mapped
              + " in the space, or its frame counts as unused");
    }
  }

  /** Why frames could not be had last, with the figures. */
  public String lastRefusal() {
    return stock.lastRefusal();
  }

  /** Pages of all regions. */
  public long regionPages() {
    return regions.values().stream().mapToLong(Region::pages).sum();
  }

  /** Pages that have no frame yet. */
  public long missingPages() {
    return regionPages() - (stock.heldFrames() - stock.unusedFrames());
  }

  /** Frames that the quota allows. */
  public long quotaFrames() {
    return stock.quotaFrames();
  }

  /** Gives all frames back to root. The space's pages must not be used any more. */
  public void giveBackAll() {
    stock.giveBackAll();
    regions.clear();
  }

  private @Nullable Region region(long page) {
    Map.Entry<Long, Region> entry = regions.floorEntry(page);
    return entry != null && page - entry.getKey() < entry.getValue().pages()
        ? entry.getValue()
        : null;
  }

  private boolean overlaps(long page, long pages) {
    Map.Entry<Long, Region> below = regions.lowerEntry(page + pages);
    return below != null && below.getKey() + below.getValue().pages() > page;
  }

  /** The neutral form, see the class. */
  public State save() {
    LongArray backed = new LongArray(inherited + inherited / 8);
    for (Region region : regions.values()) {
      region.forEachRun(backed::add);
    }
    State state = outline().with("backed", backed.toArray());
    return leaving ? state.with("leaving", true) : state;
  }

  private void leaveCheckpoint() {
    context.checkpoint(outline().with("mapped", true));
  }

  private State outline() {
    LongArray areas = new LongArray();
    for (Region region : regions.values()) {
      areas.add(region.page(), region.pages(), region.rights());
    }
    return State.of(SCHEMA, VERSION)
        .with("space", space.id())
        .with("regions", areas.toArray())
        .with("batches", stock.save());
  }

  private void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    if (saved.number("space") != space.id()) {
      throw new State.Refused(
          "pager.space is " + saved.number("space") + ", the slot has " + space.id());
    }
    long[] areas = triples(saved, "regions");
    for (int i = 0; i < areas.length; i += 3) {
      if (areas[i + 2] != (areas[i + 2] & ALL_RIGHTS)
          || !Region.possible(areas[i], areas[i + 1], 0)
          || overlaps(areas[i], areas[i + 1])) {
        throw new State.Refused(
            "pager.regions: "
                + areas[i + 1]
                + " pages from "
                + areas[i]
                + " on with rights "
                + areas[i + 2]
                + " cannot be, or overlap another");
      }
      regions.put(areas[i], new Region(areas[i], areas[i + 1], (int) areas[i + 2]));
    }
    stock.restore(saved.numbers("batches"));
    boolean fromSpace = saved.has("mapped") && saved.flag("mapped");
    long[] backed = fromSpace ? mapped() : triples(saved, "backed");
    inherited = backed.length;
    BitSet held = stock.frames();
    FreeFrames free = new FreeFrames(held);
    Region region = null;
    for (int i = 0; i < backed.length; i += 3) {
      long page = backed[i];
      long frame = backed[i + 1];
      long count = backed[i + 2];
      if (region == null || page - region.page() < 0 || page - region.page() >= region.pages()) {
        region = region(page);
      }
      if (region == null
          || count < 1
          || count > region.page() + region.pages() - page
          || frame < 0
          || frame > held.length() - count
          || (i > 0 && page - backed[i - 3] < backed[i - 1])
          || !free.take((int) frame, (int) count)) {
        throw new State.Refused(
            "pager.backed: "
                + count
                + " pages from "
                + page
                + " on with frames from "
                + frame
                + " on: they are in no region, not behind those before them, or the frames are in"
                + " no batch or behind another page");
      }
      region.inherit(backed, i);
    }
    held.andNot(free.rest());
    stock.restoreUnused(held);
    if (fromSpace || saved.has("leaving") && saved.flag("leaving")) {
      stock.zeroUnused();
    }
  }

  /** What the space has in the regions, as {@code backed} says it. */
  private long[] mapped() {
    LongArray runs = new LongArray();
    for (Region region : regions.values()) {
      long end = region.page() + region.pages();
      for (long page = region.page(); page < end; ) {
        long frame = space.frameAt(page);
        long count = 1;
        while (frame >= 0 && page + count < end && space.frameAt(page + count) == frame + count) {
          count++;
        }
        if (frame >= 0) {
          runs.add(page, frame, count);
        }
        page += count;
      }
    }
    return runs.toArray();
  }

  private static long[] triples(State saved, String name) {
    long[] numbers = saved.numbers(name);
    if (numbers.length % 3 != 0) {
      throw new State.Refused("pager." + name + " has " + numbers.length + " numbers, not triples");
    }
    return numbers;
  }
}
