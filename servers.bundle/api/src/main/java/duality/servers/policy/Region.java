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
    for (long i = 0; i < count; i++) {
      long index = at - page + i;
      long[] table = tables[(int) (index / TABLE)];
      if (table == null) {
        table = new long[TABLE];
        tables[(int) (index / TABLE)] = table;
      }
      table[(int) (index % TABLE)] = frame + i + 1;
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
    for (long i = 0; i < count; i++) {
      if (frameAt(at + i) >= 0) {
        return true;
      }
    }
    return false;
  }

  /** All backed pages, in runs as long as possible, from the lowest page on. */
  void forEachRun(RunTaker taker) {
    long next = page;
    while (next < page + pages) {
      if (tables[(int) ((next - page) / TABLE)] == null) {
        next += TABLE - (next - page) % TABLE;
        continue;
      }
      long frame = frameAt(next);
      if (frame < 0) {
        next++;
        continue;
      }
      long count = 1;
      while (next + count < page + pages && frameAt(next + count) == frame + count) {
        count++;
      }
      taker.take(next, frame, count);
      next += count;
    }
  }
}
