package duality.servers.policy;

import org.jspecify.annotations.Nullable;

/**
 * One region of a space and the frame behind each of its pages: a table of two levels, as hardware
 * would walk it, so that a large region of which little is touched costs little.
 */
final class Region {
  /** Pages in one table of the second level. */
  private static final int TABLE = 512;

  /** One tebibyte: beyond that the first level alone would be too large. */
  private static final long MOST_PAGES = 1L << 28;

  private static final long MOST_PAGE = 1L << 52;

  /** Called with a run of pages and the frames behind them. */
  interface RunTaker {
    void take(long page, long frame, long count);
  }

  private final long page;
  private final long pages;
  private final int rights;

  /** Frame number plus 1, so that 0 is a missing page. */
  private final long[] @Nullable [] tables;

  Region(long page, long pages, int rights) {
    this.page = page;
    this.pages = pages;
    this.rights = rights;
    this.tables = new long[(int) ((pages + TABLE - 1) / TABLE)][];
  }

  /**
   * Whether there can be such a region: no wrong bits, and a range inside of 64 bits of address.
   */
  static boolean possible(long page, long pages, int wrongBits) {
    return wrongBits == 0
        && page >= 0
        && pages >= 1
        && pages <= MOST_PAGES
        && page <= MOST_PAGE - pages;
  }

  long page() {
    return page;
  }

  long pages() {
    return pages;
  }

  int rights() {
    return rights;
  }

  /** The frame behind a page of this region, or -1. */
  long frameAt(long at) {
    long index = at - page;
    long[] table = tables[(int) (index / TABLE)];
    return table == null ? -1 : table[(int) (index % TABLE)] - 1;
  }

  /** Enters frames for a run of pages of this region. */
  void set(long at, long frame, long count) {
    long index = at - page;
    long left = count;
    long next = frame + 1;
    while (left > 0) {
      int first = (int) (index % TABLE);
      int end = (int) Math.min(TABLE, first + left);
      long[] table = tables[(int) (index / TABLE)];
      if (table == null) {
        table = new long[TABLE];
        tables[(int) (index / TABLE)] = table;
      }
      for (int i = first; i < end; i++) {
        table[i] = next++;
      }
      left -= end - first;
      index += end - first;
    }
  }

  /** The first page from {@code at} on that has no frame, or -1. */
  long nextMissing(long at) {
    for (long next = at; next < page + pages; next++) {
      if (frameAt(next) < 0) {
        return next;
      }
    }
    return -1;
  }

  /** How many pages from {@code at} on have no frame. */
  long missingFrom(long at) {
    long end = at;
    while (end < page + pages && frameAt(end) < 0) {
      end++;
    }
    return end - at;
  }

  /** Whether one of these pages has a frame. */
  boolean anyBacked(long at, long count) {
    long index = at - page;
    long left = count;
    while (left > 0) {
      int first = (int) (index % TABLE);
      int end = (int) Math.min(TABLE, first + left);
      long[] table = tables[(int) (index / TABLE)];
      for (int i = first; table != null && i < end; i++) {
        if (table[i] != 0) {
          return true;
        }
      }
      left -= end - first;
      index += end - first;
    }
    return false;
  }

  /** All backed pages, in runs as long as possible, from the lowest page on. */
  void forEachRun(RunTaker taker) {
    long start = 0;
    long entry = 0;
    long count = 0;
    for (int t = 0; t < tables.length; t++) {
      long[] table = tables[t];
      for (int i = 0; table != null && i < TABLE; i++) {
        long here = table[i];
        long index = (long) t * TABLE + i;
        if (count > 0 && here == entry + count && index == start + count) {
          count++;
          continue;
        }
        if (count > 0) {
          taker.take(page + start, entry - 1, count);
          count = 0;
        }
        if (here != 0) {
          start = index;
          entry = here;
          count = 1;
        }
      }
    }
    if (count > 0) {
      taker.take(page + start, entry - 1, count);
    }
  }
}
