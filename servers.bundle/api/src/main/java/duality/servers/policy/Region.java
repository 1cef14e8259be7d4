package duality.servers.policy;

import org.jspecify.annotations.Nullable;

/**
 * One region of a space and the frame behind each of its pages: a table of two levels, as hardware
 * would walk it, so that a large region of which little is touched costs little.
 *
 * <p>What a predecessor left stays as the runs that it was saved as, and a table is laid out of
 * them when a page of it is looked at: a guest waits while a pager is saved and opened, and few
 * pages change between two swaps.
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

  /** Frame number plus 1, so that 0 is a missing page; null when empty or not laid out. */
  private final long[] @Nullable [] tables;

  /** Triples as {@link RunTaker} gets them, ascending; of use for tables that are not laid out. */
  private long[] left = {};

  private long backed;

  /** So many pages, from the first on, are known to have a frame. */
  private long complete;

  /** For each table that is not laid out: where its first triple is, and the end of its last. */
  private int @Nullable [] from;

  private int @Nullable [] to;

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

  /** How many pages have a frame. */
  long backed() {
    return backed;
  }

  /** The frame behind a page of this region, or -1. */
  long frameAt(long at) {
    long index = at - page;
    long[] table = table((int) (index / TABLE));
    return table == null ? -1 : table[(int) (index % TABLE)] - 1;
  }

  private long @Nullable [] table(int t) {
    long[] table = tables[t];
    return table == null && isLeft(t) ? layOut(t) : table;
  }

  private boolean isLeft(int t) {
    return from != null && to != null && from[t] < to[t];
  }

  private long[] layOut(int t) {
    long[] table = new long[TABLE];
    tables[t] = table;
    long base = page + (long) t * TABLE;
    forEachLeft(
        t,
        (at, frame, count) -> {
          int first = (int) (at - base);
          for (int i = 0; i < count; i++) {
            table[first + i] = frame + 1 + i;
          }
        });
    return table;
  }

  /** The runs of one table that is not laid out, as far as they are in it. */
  private void forEachLeft(int t, RunTaker taker) {
    if (from == null || to == null) {
      return;
    }
    long base = page + (long) t * TABLE;
    for (int i = from[t]; i < to[t]; i += 3) {
      long start = Math.max(left[i], base);
      long end = Math.min(left[i] + left[i + 2], base + TABLE);
      taker.take(start, left[i + 1] + start - left[i], end - start);
    }
  }

  /**
   * Takes over a run of a predecessor's, which is in this region and behind those before it.
   *
   * @param triples of all regions; nobody changes them any more
   * @param at where the run is there
   */
  void inherit(long[] triples, int at) {
    int[] first = from == null ? new int[tables.length] : from;
    int[] behind = to == null ? new int[tables.length] : to;
    left = triples;
    backed += triples[at + 2];
    from = first;
    to = behind;
    long index = triples[at] - page;
    int last = (int) ((index + triples[at + 2] - 1) / TABLE);
    for (int t = (int) (index / TABLE); t <= last; t++) {
      if (behind[t] == 0) {
        first[t] = at;
      }
      behind[t] = at + 3;
    }
  }

  /**
   * Enters frames for a run of pages of this region, if none of them has one.
   *
   * @return false, with some of them entered, when one has
   */
  boolean setMissing(long at, long frame, long count) {
    long index = at - page;
    long rest = count;
    long next = frame + 1;
    while (rest > 0) {
      int first = (int) (index % TABLE);
      int end = (int) Math.min(TABLE, first + rest);
      long[] table = table((int) (index / TABLE));
      if (table == null) {
        table = new long[TABLE];
        tables[(int) (index / TABLE)] = table;
      }
      for (int i = first; i < end; i++) {
        if (table[i] != 0) {
          return false;
        }
        table[i] = next++;
        backed++;
      }
      rest -= end - first;
      index += end - first;
    }
    return true;
  }

  /** Takes the frames of a run of pages out again that {@link #setMissing} entered. */
  void clear(long at, long count) {
    complete = Math.min(complete, at - page);
    for (long index = at - page; index < at - page + count; index++) {
      long[] table = table((int) (index / TABLE));
      if (table != null && table[(int) (index % TABLE)] != 0) {
        table[(int) (index % TABLE)] = 0;
        backed--;
      }
    }
  }

  /** The first page from {@code at} on that has no frame, or -1. */
  long nextMissing(long at) {
    long next = Math.max(at, page + complete);
    while (next < page + pages && frameAt(next) >= 0) {
      next++;
    }
    if (at <= page + complete) {
      complete = next - page;
    }
    return next < page + pages ? next : -1;
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
    Joining joined = new Joining(taker);
    for (int t = 0; t < tables.length; t++) {
      long[] table = tables[t];
      if (table != null) {
        forEachRun(page + (long) t * TABLE, table, joined);
      } else if (isLeft(t)) {
        forEachLeft(t, joined);
      }
    }
    joined.end();
  }

  private static void forEachRun(long base, long[] table, RunTaker taker) {
    for (int i = 0; i < TABLE; ) {
      while (i < TABLE && table[i] == 0) {
        i++;
      }
      int start = i;
      while (i < TABLE && table[i] != 0 && table[i] - table[start] == i - start) {
        i++;
      }
      if (i > start) {
        taker.take(base + start, table[start] - 1, i - start);
      }
    }
  }

  /** Makes one run of those that go on where the one before ends. */
  private static final class Joining implements RunTaker {
    private final RunTaker taker;
    private long page;
    private long frame;
    private long count;

    Joining(RunTaker taker) {
      this.taker = taker;
    }

    @Override
    public void take(long at, long itsFrame, long more) {
      if (count > 0 && at == page + count && itsFrame == frame + count) {
        count += more;
        return;
      }
      end();
      page = at;
      frame = itsFrame;
      count = more;
    }

    void end() {
      if (count > 0) {
        taker.take(page, frame, count);
      }
    }
  }
}
