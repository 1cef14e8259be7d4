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

  /**
   * Enters frames for a run of pages of this region, if none of them has one.
   *
   * @return false, with some of them entered, when one has
   */
  boolean setMissing(long at, long frame, long count) {
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
        if (table[i] != 0) {
          return false;
        }
        table[i] = next++;
      }
      left -= end - first;
      index += end - first;
    }
    return true;
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

  /**
   * All backed pages, in runs as long as possible, from the lowest page on. While a guest waits, so
   * its loops are as short as they can be.
   */
  void forEachRun(RunTaker taker) {
    long start = 0;
    long entry = 0; // of the first page of the run
    long next = 0; // what the page behind the run would have to have; 0 without a run
    for (int t = 0; t < tables.length; t++) {
      long[] table = tables[t];
      int i = 0;
      while (table != null && i < TABLE) {
        while (i < TABLE && next != 0 && table[i] == next) {
          i++;
          next++;
        }
        if (i == TABLE) {
          break; // it may go on in the next table
        }
        if (next != 0) {
          taker.take(page + start, entry - 1, next - entry);
          next = 0;
        }
        while (i < TABLE && table[i] == 0) {
          i++;
        }
        if (i < TABLE) {
          start = (long) t * TABLE + i;
          entry = table[i];
          next = entry;
        }
      }
      if (table == null && next != 0) {
        taker.take(page + start, entry - 1, next - entry);
        next = 0;
      }
    }
    if (next != 0) {
      taker.take(page + start, entry - 1, next - entry);
    }
  }
}
