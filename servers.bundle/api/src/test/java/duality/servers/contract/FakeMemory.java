package duality.servers.contract;

import duality.kernel.CallFailed;
import duality.kernel.Frame;
import duality.kernel.Grant;
import duality.kernel.Pager;
import duality.kernel.Space;
import duality.servers.Root;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Frames, root and one space without a kernel, strict about everything that a pager could get
 * wrong: a frame that backs two pages, a page that gets a frame which is not zero, a frame freed
 * while it is mapped.
 */
public final class FakeMemory {
  /** The space's number. */
  public static final int SPACE = 7;

  private final int frames;
  private final BitSet allocated = new BitSet();
  private final BitSet dirty = new BitSet();
  private final Map<Long, Long> mapped = new TreeMap<>();
  private final Map<Long, Long> regions = new TreeMap<>();

  /** Frames by owner. */
  public final Map<String, Long> owners = new HashMap<>();

  /** Calls of {@link Root#allocate}, and of {@link Space#map}. */
  public int allocations;

  /** See {@link #allocations}. */
  public int maps;

  /** The longest run that root gives. */
  public long longestRun = Long.MAX_VALUE;

  /**
   * What the next {@link Space#map} throws in the place of mapping, or behind it; null for none.
   */
  public @Nullable Throwable insteadOfMap;

  /** See {@link #insteadOfMap}. */
  public @Nullable Throwable behindMap;

  /** What the next {@link Frame#reclaim} throws in the place of it; null for nothing. */
  public @Nullable Throwable insteadOfReclaim;

  /** A pool of that many frames, all free. */
  public FakeMemory(int frames) {
    this.frames = frames;
  }

  /** Root. */
  public final Root root = new FakeRoot();

  /** The space. */
  public final Space space = new FakeSpace();

  /** Declares a region as the kernel does: first in the space, then its pager is told. */
  public void region(Pager pager, long page, long pages, int rights) {
    regions.put(page, pages);
    try {
      pager.attach(SPACE, page, pages, rights);
    } catch (CallFailed e) {
      removePages(page, pages);
      regions.remove(page);
      throw e;
    }
  }

  /** Declares a region whose pager knows it already. */
  public void declare(long page, long pages) {
    regions.put(page, pages);
  }

  /** Ends a region as the kernel does: its pages are unmapped before its pager is told. */
  public void removeRegion(Pager pager, long page) {
    long pages = regions.remove(page);
    removePages(page, pages);
    pager.detach(SPACE, page, pages);
  }

  /** Has the space map two pages to each other's frames, which no pager asked for. */
  public void exchange(long page, long other) {
    long frame = mapped.get(page);
    mapped.put(page, mapped.get(other));
    mapped.put(other, frame);
  }

  /** Takes a page out of the space behind the pager's back. */
  public void removePages(long page, long pages) {
    mapped.keySet().removeIf(each -> each >= page && each < page + pages);
  }

  /** Touches a page as a hart does; answers whether that was allowed. */
  public boolean touch(Pager pager, long page, int access) {
    if (!mapped.containsKey(page)) {
      if (!pager.fault(SPACE, page, access)) {
        return false;
      }
      if (!mapped.containsKey(page)) {
        throw new AssertionError("the pager answered true and page " + page + " is not mapped");
      }
    }
    dirty.set(mapped.get(page).intValue());
    return true;
  }

  /** Pages mapped now. */
  public int mappedPages() {
    return mapped.size();
  }

  /** The frame behind a page, or null. */
  public Long frameOf(long page) {
    return mapped.get(page);
  }

  /** Frames that root has given out. */
  public int allocatedFrames() {
    return allocated.cardinality();
  }

  private final class FakeFrame implements Frame {
    private final long first;
    private final long count;

    FakeFrame(long first, long count) {
      this.first = first;
      this.count = count;
    }

    @Override
    public long first() {
      return first;
    }

    @Override
    public long count() {
      return count;
    }

    @Override
    public Frame part(long index, long parts) {
      check(index, parts);
      return new FakeFrame(first + index, parts);
    }

    @Override
    public void reclaim(long index, long parts) {
      check(index, parts);
      Throwable instead = insteadOfReclaim;
      insteadOfReclaim = null;
      FakeSpace.throwIt(instead);
      mapped.values().removeIf(f -> f >= first + index && f < first + index + parts);
      dirty.clear((int) (first + index), (int) (first + index + parts));
    }

    @Override
    public void copy(long fromIndex, long toIndex) {
      throw new UnsupportedOperationException("copy");
    }

    private void check(long index, long parts) {
      if (index < 0 || parts < 1 || index + parts > count) {
        throw new CallFailed.BadRequest(index + ", " + parts + " is no part of " + count);
      }
    }
  }

  private final class FakeRoot implements Root {
    @Override
    public Frame allocate(String owner, long count) {
      allocations++;
      int at = 0;
      while (count <= longestRun && at + count <= frames) {
        int taken = allocated.nextSetBit(at);
        if (taken < 0 || taken >= at + count) {
          allocated.set(at, (int) (at + count));
          owners.merge(owner, count, Long::sum);
          return new FakeFrame(at, count);
        }
        at = taken + 1;
      }
      throw new CallFailed.BadRequest(
          "no " + count + " of " + frames + " frames, " + allocated.cardinality() + " in use");
    }

    @Override
    public void free(String owner, Frame run) {
      long first = run.first();
      long end = first + run.count();
      if (allocated.nextClearBit((int) first) < end) {
        throw new AssertionError("frames " + first + " to " + end + " are freed twice");
      }
      run.reclaim(0, run.count());
      allocated.clear((int) first, (int) end);
      owners.merge(owner, -run.count(), Long::sum);
      owners.values().removeIf(n -> n == 0);
    }

    @Override
    public FrameBalance balance() {
      return new FrameBalance(frames, frames - allocated.cardinality(), Map.copyOf(owners));
    }

    @Override
    public <P> P create(String path, Class<P> protocol, Map<String, String> config) {
      throw new UnsupportedOperationException("create");
    }

    @Override
    public <P> P connect(String path, Class<P> protocol) {
      throw new UnsupportedOperationException("connect");
    }

    @Override
    public void remove(String path) {
      throw new UnsupportedOperationException("remove");
    }

    @Override
    public List<String> paths(Class<?> protocol) {
      throw new UnsupportedOperationException("paths");
    }

    @Override
    public List<String> route(String path, String protocol) {
      throw new UnsupportedOperationException("route");
    }
  }

  private final class FakeSpace implements Space {
    @Override
    public int id() {
      return SPACE;
    }

    @Override
    public String name() {
      return "test:space";
    }

    @Override
    public void map(long page, Frame frame, long index, long count, int rights) {
      maps++;
      Throwable instead = insteadOfMap;
      insteadOfMap = null;
      throwIt(instead);
      List<Long> wrong = new ArrayList<>();
      for (long i = 0; i < count; i++) {
        long at = page + i;
        if (regions.entrySet().stream()
            .noneMatch(r -> at >= r.getKey() && at < r.getKey() + r.getValue())) {
          throw new CallFailed.BadRequest("page " + at + " is in no region");
        }
        long number = frame.first() + index + i;
        if (index + i >= frame.count() || !allocated.get((int) number)) {
          wrong.add(number);
        }
        mapped.put(at, number);
        Long here = pageOf.put(number, at);
        if (here != null && here != at && mapped.getOrDefault(here, -1L) == number) {
          throw new AssertionError("frame " + number + " backs pages " + here + " and " + at);
        }
        if (dirty.get((int) number) && (here == null || here != at)) {
          throw new AssertionError("page " + at + " gets frame " + number + ", which is not zero");
        }
      }
      if (!wrong.isEmpty()) {
        throw new AssertionError("mapped frames that are not held: " + wrong);
      }
      Throwable behind = behindMap;
      behindMap = null;
      throwIt(behind);
    }

    private static void throwIt(@Nullable Throwable thrown) {
      if (thrown instanceof RuntimeException e) {
        throw e;
      }
      if (thrown instanceof Error e) {
        throw e;
      }
    }

    /** The page that a frame backed last. */
    private final Map<Long, Long> pageOf = new HashMap<>();

    @Override
    public long frameAt(long page) {
      return mapped.getOrDefault(page, -1L);
    }

    @Override
    public long mappedPages() {
      return mapped.size();
    }

    @Override
    public void region(long page, long pages, int rights, Pager pager) {
      throw new UnsupportedOperationException("region");
    }

    @Override
    public void region(long page, long pages, int rights) {
      throw new UnsupportedOperationException("region");
    }

    @Override
    public int share(long page, Space from, long fromPage, long count, int rights) {
      throw new UnsupportedOperationException("share");
    }

    @Override
    public void removeRegion(long page) {
      throw new UnsupportedOperationException("removeRegion");
    }

    @Override
    public void protect(long page, long pages, int rights) {
      throw new UnsupportedOperationException("protect");
    }

    @Override
    public void unmap(long page, long count) {
      throw new UnsupportedOperationException("unmap");
    }

    @Override
    public Grant grant(long address, long length, int access) {
      throw new UnsupportedOperationException("grant");
    }
  }
}
