package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Frame;
import duality.kernel.Grant;
import duality.kernel.Pager;
import duality.kernel.Rights;
import duality.kernel.Space;
import duality.kernel.SpaceReport;
import duality.kernel.processor.Memory;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * An address space.
 *
 * <p><em>Shoot-down.</em> Who takes a translation away clears the entry, then advances the epoch
 * (volatile), then looks at the serial of each thread of the space. A thread that enters the engine
 * makes its serial odd (volatile) and then reads the epoch; before that it was noted here and said
 * that it runs here. In the total order of volatile accesses either the thread sees the new epoch
 * and drops what it had cached, or the serial is seen odd, and then the thread is made to leave the
 * engine and waited for. So after {@link #unmap} nobody uses the frame through an old translation.
 */
final class SpaceObject implements Space, Memory, KernelObject {
  private static final long PIN_WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);

  final EndpointObject owner;
  private final Core core;
  private final int id;
  private final String name;
  private final LongAdder faults = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private final Set<GrantObject> grants = ConcurrentHashMap.newKeySet();
  private final Set<ThreadObject> threads = ConcurrentHashMap.newKeySet();

  /** Sorted; replaced as a whole under the monitor. */
  private volatile Region[] regions = new Region[0];

  /** Regions that are being removed, whose grants may still be given back; guarded by this. */
  private final List<Region> dying = new ArrayList<>();

  /** Who has pages from here by {@link #share}; changed under the monitor. */
  private final Set<SpaceObject> heirs = ConcurrentHashMap.newKeySet();

  /** Frames that may be mapped here, so that most reclaims need no look; guarded by this. */
  private final BitSet mayMap = new BitSet();

  private volatile int epoch;
  private volatile long mapped;
  private volatile boolean ended;

  SpaceObject(Core core, EndpointObject owner, int id, String name) {
    this.core = core;
    this.owner = owner;
    this.id = id;
    this.name = name;
  }

  static SpaceObject of(Space space) {
    return of(space, Rights.CONTROL);
  }

  private static SpaceObject of(Space space, int rights) {
    Object object = space instanceof Stub stub ? stub.$object(rights) : space;
    if (object instanceof SpaceObject made) {
      return made;
    }
    throw new CallFailed.BadRequest("this is not a space of the kernel: " + space);
  }

  private @Nullable Region find(long page) {
    for (Region region : regions) {
      if (region.contains(page)) {
        return region;
      }
    }
    return null;
  }

  private Region need(long page, long pages) {
    Region region = find(page);
    if (region == null || pages < 1 || page - region.first > region.pages - pages) {
      throw new CallFailed.BadRequest(
          name
              + ": pages "
              + Long.toHexString(page)
              + " + "
              + pages
              + " are not inside one region");
    }
    return region;
  }

  @Override
  public long translate(long page, int access) {
    Region region = find(page);
    if (region == null) {
      return OUTSIDE;
    }
    long entry = region.entry(page);
    return (entry & access) == 0 ? MISSING : core.pool().address(Region.frameOf(entry));
  }

  /** Who fills its regions. */
  List<Pager> pagers() {
    List<Pager> all = new ArrayList<>();
    for (Region region : regions) {
      if (region.pager != null) {
        all.add(region.pager);
      }
    }
    return all;
  }

  @Override
  public int epoch() {
    return epoch;
  }

  @Override
  public void region(long page, long pages, int rights, Pager pager) {
    addRegion(page, pages, rights, pager);
    try {
      pager.attach(id, page, pages, rights);
    } catch (RuntimeException e) {
      dropRegion(page);
      throw e;
    }
  }

  @Override
  public void region(long page, long pages, int rights) {
    addRegion(page, pages, rights, null);
  }

  private void addRegion(long page, long pages, int rights, @Nullable Pager pager) {
    if (pages < 1 || page < 0 || page > (1L << 52) - pages || (rights & ~7) != 0) {
      throw new CallFailed.BadRequest(
          name + ": no region of " + pages + " pages at page " + Long.toHexString(page));
    }
    synchronized (this) {
      if (ended) {
        throw new CallFailed.Revoked(name + " is no more");
      }
      List<Region> more = new ArrayList<>(List.of(regions));
      for (Region each : more) {
        if (page < each.first + each.pages && each.first < page + pages) {
          throw new CallFailed.BadRequest(
              name
                  + ": the region at page "
                  + Long.toHexString(page)
                  + " overlaps the one at "
                  + Long.toHexString(each.first));
        }
      }
      more.add(new Region(page, pages, rights, pager));
      more.sort((a, b) -> Long.compare(a.first, b.first));
      regions = more.toArray(Region[]::new);
    }
  }

  private @Nullable Region dropRegion(long page) {
    Region found = null;
    synchronized (this) {
      List<Region> fewer = new ArrayList<>();
      for (Region each : regions) {
        if (each.first == page) {
          found = each;
        } else {
          fewer.add(each);
        }
      }
      if (found != null) {
        // Out of sight first: while a driver's grant is waited for, nobody maps or pins in it
        // again.
        regions = fewer.toArray(Region[]::new);
        dying.add(found);
        try {
          clear(found, found.first, found.pages);
        } finally {
          dying.remove(found);
        }
      }
    }
    return found;
  }

  @Override
  public void removeRegion(long page) {
    Region region = dropRegion(page);
    if (region == null) {
      throw new CallFailed.BadRequest(
          name + ": no region starts at page " + Long.toHexString(page));
    }
    if (region.pager != null) {
      region.pager.detach(id, region.first, region.pages);
    }
  }

  @Override
  public synchronized void protect(long page, long pages, int rights) {
    Region region = need(page, pages);
    if ((rights & ~region.rights) != 0) {
      throw new CallFailed.BadRequest(name + ": rights beyond those of the region");
    }
    boolean taken = false;
    BitSet lost = new BitSet();
    for (long p = page; p < page + pages; p++) {
      region.rightsAt(p, rights);
      long entry = region.entry(p);
      long fewer = entry & (~7L | rights);
      if (entry != fewer) {
        // Rights are only taken here. Those that the page may have again come with its next fault,
        // so
        // that a pager which gave fewer on purpose is asked.
        region.entry(p, fewer);
        note(lost, entry);
        taken = true;
      }
    }
    if (taken) {
      shootDown();
      takeFromHeirs(lost);
    }
  }

  @Override
  public synchronized void map(long page, Frame frame, long index, long count, int rights) {
    Region region = need(page, count);
    if (rights == 0 || (rights & ~region.rights) != 0) {
      throw new CallFailed.BadRequest(
          name + ": mapping rights " + rights + " where the region has " + region.rights);
    }
    long number = FrameObject.of(frame).number(index, count);
    mayMap.set((int) number, (int) (number + count));
    BitSet lost = new BitSet(0);
    boolean taken = false;
    for (long i = 0; i < count; i++) {
      taken |= put(region, page + i, number + i, rights, lost);
    }
    core.maps.add(count);
    if (taken) {
      shootDown();
      takeFromHeirs(lost);
    }
  }

  /** Maps one page; says whether a translation or a right was taken away. With the monitor. */
  private boolean put(Region region, long page, long frame, int rights, BitSet lost) {
    long entry = region.entry(page);
    int allowed = rights & region.rightsAt(page);
    boolean other = entry != 0 && Region.frameOf(entry) != frame;
    if (other) {
      awaitUnpinned(region, page);
    }
    region.entry(page, Region.entryOf(frame, allowed));
    mapped += entry == 0 ? 1 : 0;
    boolean taken = other || (entry & 7 & ~allowed) != 0;
    if (taken) {
      note(lost, entry);
    }
    return taken;
  }

  @Override
  public int share(long page, Space from, long fromPage, long count, int rights) {
    SpaceObject source = of(from, Rights.MAP);
    int first = source.have(fromPage, rights);
    if (first == 0) {
      return 0;
    }
    // From who gives to who gets, always: so nobody waits in a circle.
    synchronized (source) {
      source.inherit(this);
      synchronized (this) {
        return copyEntries(need(page, count), page, source, fromPage, count, rights);
      }
    }
  }

  /** With both monitors. */
  private int copyEntries(
      Region region, long page, SpaceObject source, long fromPage, long count, int rights) {
    if (rights == 0 || (rights & ~region.rights) != 0) {
      throw new CallFailed.BadRequest(
          name + ": mapping rights " + rights + " where the region has " + region.rights);
    }
    BitSet lost = new BitSet(0);
    boolean taken = false;
    int answer = 0;
    long done = 0;
    for (long i = 0; i < count; i++) {
      Region there = source.find(fromPage + i);
      long entry = there == null ? 0 : there.entry(fromPage + i);
      int allowed = (int) entry & rights;
      if (allowed != 0) {
        long frame = Region.frameOf(entry);
        mayMap.set((int) frame);
        taken |= put(region, page + i, frame, allowed, lost);
        answer = i == 0 ? allowed & region.rightsAt(page) : answer;
        done++;
      }
    }
    core.maps.add(done);
    if (taken) {
      shootDown();
      takeFromHeirs(lost);
    }
    return answer;
  }

  /** Those of the rights that the page has, after its pager was asked for what is missing. */
  private int have(long page, int rights) {
    Region region = find(page);
    if (region == null) {
      return 0;
    }
    for (int right = 1; right <= EXECUTE; right <<= 1) {
      if ((rights & right) != 0 && (region.entry(page) & right) == 0) {
        fault(page, right);
      }
    }
    return (int) region.entry(page) & rights;
  }

  /** Notes that another space gets pages of this one. With the monitor. */
  private void inherit(SpaceObject heir) {
    if (heirs.contains(heir)) {
      return;
    }
    if (heir == this || heir.leadsTo(this)) {
      throw new CallFailed.BadRequest(
          heir.name + " cannot get pages of " + name + ", which has pages of it");
    }
    if (heir.ended) {
      throw new CallFailed.Revoked(heir.name + " is no more");
    }
    heirs.removeIf(SpaceObject::hasEnded);
    heirs.add(heir);
  }

  private boolean leadsTo(SpaceObject other) {
    return heirs.stream().anyMatch(heir -> heir == other || heir.leadsTo(other));
  }

  boolean hasEnded() {
    return ended;
  }

  /** Notes a frame that is taken away, if anybody else may have it from here. */
  private void note(BitSet lost, long entry) {
    if (entry != 0 && !heirs.isEmpty()) {
      lost.set((int) Region.frameOf(entry));
    }
  }

  /** What was taken here is taken where it was shared to. With the monitor. */
  private void takeFromHeirs(BitSet frames) {
    if (!frames.isEmpty()) {
      heirs.forEach(heir -> heir.lose(frames));
    }
  }

  private synchronized void lose(BitSet frames) {
    if (!mayMap.intersects(frames)) {
      return;
    }
    // May be mapped still, with what the next sharing gives.
    long gone = 0;
    for (Region region : regions) {
      for (long p = region.skipEmpty(region.first);
          p < region.first + region.pages;
          p = region.skipEmpty(p + 1)) {
        long entry = region.entry(p);
        if (entry != 0 && frames.get((int) Region.frameOf(entry))) {
          awaitUnpinned(region, p);
          region.entry(p, 0);
          gone++;
        }
      }
    }
    if (gone > 0) {
      mapped -= gone;
      core.unmaps.add(gone);
      shootDown();
      takeFromHeirs(frames);
    }
  }

  @Override
  public synchronized void unmap(long page, long count) {
    clear(need(page, count), page, count);
  }

  private void clear(Region region, long page, long count) {
    long gone = 0;
    BitSet lost = new BitSet(0);
    for (long p = region.skipEmpty(page); p < page + count; p = region.skipEmpty(p + 1)) {
      long entry = region.entry(p);
      if (entry != 0) {
        awaitUnpinned(region, p);
        region.entry(p, 0);
        note(lost, entry);
        gone++;
      }
    }
    if (gone > 0) {
      mapped -= gone;
      core.unmaps.add(gone);
      shootDown();
      takeFromHeirs(lost);
    }
  }

  /** Waits, with the monitor, until no grant holds the page. */
  private void awaitUnpinned(Region region, long page) {
    long deadline = System.nanoTime() + core.patiently(PIN_WAIT_NANOS);
    while (region.pin(page, 0) > 0) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        throw new CallFailed.TimedOut(
            name
                + ": page "
                + Long.toHexString(page)
                + " is lent to a driver that does not give it back");
      }
      CallSlot slot = CallSlot.current();
      slot.waitsInCore = true;
      try {
        TimeUnit.NANOSECONDS.timedWait(this, left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CallFailed.TimedOut(name + ": interrupted while waiting for a driver");
      } finally {
        slot.waitsInCore = false;
      }
    }
  }

  private void shootDown() {
    epoch++;
    core.shootDowns.increment();
    for (ThreadObject thread : threads) {
      if (thread.space == this) {
        thread.leaveEngine();
      }
    }
  }

  @Override
  public long frameAt(long page) {
    Region region = find(page);
    long entry = region == null ? 0 : region.entry(page);
    return entry == 0 ? -1 : Region.frameOf(entry);
  }

  @Override
  public long mappedPages() {
    return mapped;
  }

  /** Asks the pager for a page; says whether the access can be repeated. */
  boolean fault(long page, int access) {
    Region region = find(page);
    if (region == null) {
      return false;
    }
    faults.increment();
    int allowed;
    synchronized (this) {
      allowed = region.rightsAt(page);
    }
    Pager pager = region.pager;
    if (pager == null) {
      return false;
    }
    if ((allowed & access) == access && pager.fault(id, page, access)) {
      return true;
    }
    refused.increment();
    return false;
  }

  @Override
  public Grant grant(long address, long length, int access) {
    if (length < 1 || address < 0 || address > Long.MAX_VALUE - length) {
      throw new CallFailed.BadRequest(
          name + ": no grant of " + length + " bytes at " + Long.toHexString(address));
    }
    long first = address >>> PAGE_SHIFT;
    long last = (address + length - 1) >>> PAGE_SHIFT;
    if (last - first >= 1 << 18) {
      throw new CallFailed.BadRequest(
          name + ": a grant is at most 1 GiB, not " + length + " bytes");
    }
    long[] frames = new long[(int) (last - first + 1)];
    for (int i = 0; i < frames.length; i++) {
      try {
        frames[i] = pinned(first + i, access);
      } catch (CallFailed e) {
        unpin(first, i);
        throw e;
      }
    }
    GrantObject grant = new GrantObject(this, first, frames, address & 0xfff, length, access);
    grants.add(grant);
    return grant;
  }

  private long pinned(long page, int access) {
    // A pager may answer and lose the page again before it is pinned; a few rounds are plenty.
    for (int round = 0; round < 8; round++) {
      synchronized (this) {
        Region region = find(page);
        long entry = region == null ? 0 : region.entry(page);
        if (region != null && (entry & access) == access) {
          region.pin(page, 1);
          return Region.frameOf(entry);
        }
      }
      if (!fault(page, access)) {
        break;
      }
    }
    throw new CallFailed.BadRequest(
        name + ": no memory with that right at " + Long.toHexString(page << PAGE_SHIFT));
  }

  synchronized void unpin(long first, int count) {
    for (int i = 0; i < count; i++) {
      long page = first + i;
      Region region = find(page);
      if (region == null) {
        region = dying.stream().filter(each -> each.contains(page)).findFirst().orElse(null);
      }
      if (region != null) {
        region.pin(page, -1);
      }
    }
    notifyAll();
  }

  void closed(GrantObject grant) {
    grants.remove(grant);
  }

  FramePool pool() {
    return core.pool();
  }

  void runsIn(ThreadObject thread) {
    threads.add(thread);
  }

  void runsNoMore(ThreadObject thread) {
    threads.remove(thread);
  }

  /** Unmaps every page whose frame is one of these. */
  synchronized void unmapFrames(long from, long count) {
    int first = mayMap.nextSetBit((int) from);
    if (first < 0 || first >= from + count) {
      return;
    }
    mayMap.clear((int) from, (int) (from + count));
    for (Region region : regions) {
      for (long p = region.skipEmpty(region.first);
          p < region.first + region.pages;
          p = region.skipEmpty(p + 1)) {
        long entry = region.entry(p);
        if (entry != 0 && Long.compareUnsigned(Region.frameOf(entry) - from, count) < 0) {
          clear(region, p, 1);
        }
      }
    }
  }

  /** Ends the space: open grants are closed, regions removed. */
  void end() {
    synchronized (this) {
      ended = true;
    }
    grants.forEach(GrantObject::close);
    for (Region region : regions) {
      try {
        removeRegion(region.first);
      } catch (CallFailed e) {
        core.trace(name + ": pager did not take its region back: " + e.getMessage());
      }
    }
  }

  @Override
  public int id() {
    return id;
  }

  @Override
  public String name() {
    return name;
  }

  SpaceReport report() {
    long pages = 0;
    for (Region region : regions) {
      pages += region.pages;
    }
    return new SpaceReport(id, name, pages, mapped, faults.sum(), refused.sum(), grants.size());
  }

  @Override
  public Class<?> kind() {
    return Space.class;
  }

  @Override
  public String toString() {
    return "space " + name;
  }
}
