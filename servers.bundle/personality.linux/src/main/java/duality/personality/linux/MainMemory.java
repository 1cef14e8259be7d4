package duality.personality.linux;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Pager;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The memory of one personality, of which processes and files have pages: a core space of its own,
 * paged by the task's pager. Pages are counted: one that has several owners is not written.
 *
 * <p>Pages are numbered from 0. A page that nobody has any more is kept for the next who wants one;
 * the frames go back to the pager when the last process has ended ({@link #release}).
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link Task}.
 */
final class MainMemory {
  static final int PAGE = (int) Space.PAGE_BYTES;

  private static final int FIRST_REGION = 256;
  private static final int ALL = Memory.READ | Memory.WRITE | Memory.EXECUTE;

  private final Space space;
  private final Pager pager;
  private final int limit;

  /** Pages that lie in regions, whose size doubles each time. */
  private int covered;

  /** Pages that were ever in use. */
  private int used;

  /** How many owners each page has. */
  private int[] owners = new int[FIRST_REGION];

  /** Pages without an owner, a stack. */
  private int[] free = new int[FIRST_REGION];

  private int freeCount;

  /** The content of used pages starts with what was there before. */
  private static final byte[] ZEROS = new byte[PAGE];

  MainMemory(Space space, Pager pager, long limitBytes) {
    this.space = space;
    this.pager = pager;
    this.limit = (int) Math.min(limitBytes / PAGE, Integer.MAX_VALUE - 1);
  }

  /** The space that has the pages, for {@link Space#share}. */
  Space space() {
    return space;
  }

  /** How many pages there may be. */
  int limit() {
    return limit;
  }

  /** How many pages have owners. */
  int inUse() {
    return used - freeCount;
  }

  /** A page of zeros with one owner; -1 when there is none left. */
  int allocate() {
    if (freeCount > 0) {
      int page = free[--freeCount];
      owners[page] = 1;
      write(page, 0, ZEROS, 0, PAGE);
      return page;
    }
    if (used >= limit || !cover(used)) {
      return -1;
    }
    try {
      // Backed at once: what has a number has a frame.
      space.grant((long) used * PAGE, 1, Memory.WRITE).close();
    } catch (CallFailed.BadRequest e) {
      return -1;
    }
    if (used == owners.length) {
      owners = Arrays.copyOf(owners, 2 * used);
    }
    owners[used] = 1;
    return used++;
  }

  private boolean cover(int page) {
    if (page < covered) {
      return true;
    }
    int more = Math.min(Math.max(FIRST_REGION, covered), limit - covered);
    try {
      space.region(covered, more, ALL, pager);
    } catch (CallFailed.BadRequest e) {
      return false; // A pager that pins has no room for it.
    }
    covered += more;
    return true;
  }

  /** Another owner for a page. */
  void own(int page) {
    owners[page]++;
  }

  /** Whether the page has more than one owner. */
  boolean isShared(int page) {
    return owners[page] > 1;
  }

  /** One owner less. */
  void disown(int page) {
    if (--owners[page] == 0) {
      if (freeCount == free.length) {
        free = Arrays.copyOf(free, 2 * freeCount);
      }
      free[freeCount++] = page;
    }
  }

  /** A page of its own with the same content; -1 when there is none left. */
  int copy(int page) {
    int copy = allocate();
    if (copy >= 0) {
      write(copy, 0, read(page, 0, PAGE), 0, PAGE);
    }
    return copy;
  }

  /** Bytes of a page. */
  byte[] read(int page, int offset, int length) {
    byte[] bytes = new byte[length];
    read(page, offset, bytes, 0, length);
    return bytes;
  }

  /** The same, into a part of an array. */
  void read(int page, int offset, byte[] bytes, int from, int length) {
    if (length > 0) {
      try (Grant grant = space.grant((long) page * PAGE + offset, length, Memory.READ)) {
        grant.read(0, MemorySegment.ofArray(bytes), from, length);
      }
    }
  }

  /** Changes bytes of a page. */
  void write(int page, int offset, byte[] bytes, int from, int length) {
    if (length > 0) {
      try (Grant grant = space.grant((long) page * PAGE + offset, length, Memory.WRITE)) {
        grant.write(0, MemorySegment.ofArray(bytes), from, length);
      }
    }
  }

  /** Gives all frames back. */
  void release() {
    int region = 0;
    while (region < covered) {
      int pages = Math.min(Math.max(FIRST_REGION, region), limit - region);
      try {
        space.removeRegion(region);
      } catch (CallFailed e) {
        // The region is gone all the same; its frames go back when the pager's endpoint ends.
      }
      region += pages;
    }
    covered = 0;
    used = 0;
    freeCount = 0;
  }

  State save() {
    long[] counts = new long[used];
    for (int i = 0; i < used; i++) {
      counts[i] = owners[i];
    }
    return State.of("memory", 2).with("covered", covered).with("owners", counts);
  }

  void restore(State saved) {
    if (saved.expect("memory", 2) < 2) {
      throw new State.Refused("memory of version 1 is of a personality without processes");
    }
    covered = (int) saved.number("covered", 0, limit);
    long[] counts = saved.numbers("owners");
    if (counts.length > covered) {
      throw new State.Refused(
          "memory has " + counts.length + " pages in regions of " + covered + " pages");
    }
    used = counts.length;
    owners = new int[Math.max(FIRST_REGION, used)];
    free = new int[Math.max(FIRST_REGION, used)];
    freeCount = 0;
    for (int i = 0; i < used; i++) {
      if (counts[i] < 0 || counts[i] > Integer.MAX_VALUE) {
        throw new State.Refused("memory: page " + i + " has " + counts[i] + " owners");
      }
      owners[i] = (int) counts[i];
      if (owners[i] == 0) {
        free[freeCount++] = i;
      }
    }
  }

  /** Whether there is a page of that number that has owners. */
  boolean has(long page) {
    return page >= 0 && page < used && owners[(int) page] > 0;
  }
}
