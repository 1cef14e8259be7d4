package duality.processor.interpreter;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Translations from guest virtual pages to host addresses, direct-mapped, one table for each way in
 * which the same address can mean something else: bare, U, S, S with SUM, and those with MXR. So
 * changes of privilege, SUM and MXR only choose another table, and forget nothing.
 *
 * <p>A data entry is four longs: the tag for loads, the tag for stores, the host address of the
 * page minus its virtual address, and nothing. A tag is the page's virtual address plus a stamp in
 * bits 3 to 11; the stamp is the number of flushes, so that a flush of everything is an addition.
 * Bits 0 to 2 of a tag are zero: an access compares its address with the low bits of its own
 * alignment left in, and a misaligned one never matches.
 */
final class Tlb {
  /** Entries of a table, a power of two. */
  static final int ENTRIES = 1024;

  /** Bits of {@code va >>> 10} that are the index of an entry's first long. */
  static final int MASK = 4 * ENTRIES - 4;

  static final int CODE_ENTRIES = 512;
  static final int CODE_WAYS = 4;

  /** Among those of code, {@link #BARE_BELOW}. */
  static final int CODE_BARE_BELOW = 3;

  /** Tables for bare, U, S, S with SUM; plus 4 with MXR. */
  static final int BARE = 0;

  /** S and U without translation, which physical memory protection tells from M. */
  static final int BARE_BELOW = 4;

  static final int USER = 1;
  static final int SUPERVISOR = 2;
  static final int SUPERVISOR_SUM = 3;
  static final int MXR = 4;

  private static final long NEVER = -1;
  private static final long STEP = 8;

  /** One less than what bits 3 to 11 can hold: {@link #NEVER} has the other. */
  private static final long LAST = 510 * STEP;

  /** In bits 3 to 11, what valid tags of data entries carry. */
  long stamp;

  /** The same for code entries: {@code fence.i} changes only this one. */
  long codeStamp;

  private final long[] @Nullable [] tables = new long[8] @Nullable [];
  private final long[][] codeTags = new long[CODE_WAYS][];
  private final @Nullable CodePage[][] codePages = new @Nullable CodePage[CODE_WAYS][];

  // Regions of 2 MiB and 1 GiB, hashed, from which a superpage was cached: forgetting one address
  // of those
  // must forget all of them.
  private final long[] megapages = new long[64];
  private final long[] gigapages = new long[8];

  /** Epoch of the memory that this is of, when it was last compared. */
  int epoch;

  Tlb() {
    for (int m = 0; m < CODE_WAYS; m++) {
      codeTags[m] = filled(CODE_ENTRIES);
      codePages[m] = new @Nullable CodePage[CODE_ENTRIES];
    }
  }

  private static long[] filled(int length) {
    long[] table = new long[length];
    Arrays.fill(table, NEVER);
    return table;
  }

  /** The data table of one of the eight ways. */
  long[] table(int way) {
    long[] table = tables[way];
    if (table == null) {
      table = filled(4 * ENTRIES);
      tables[way] = table;
    }
    return table;
  }

  /** The tags of code pages: bare, U, S, or bare below M. */
  long[] codeTags(int way) {
    return codeTags[way];
  }

  @Nullable CodePage[] codePages(int way) {
    return codePages[way];
  }

  static int codeIndex(long pc) {
    return (int) (pc >>> 12) & CODE_ENTRIES - 1;
  }

  /** Remembers a translation; {@code host} is the page's host address. */
  void enter(int way, long va, long host, boolean store) {
    long[] table = table(way);
    int at = (int) (va >>> 10) & MASK;
    long page = va & -4096;
    long tag = page | stamp;
    long delta = host - page;
    int other = at + (store ? 0 : 1);
    if (table[other] != tag || table[at + 2] != delta) {
      table[other] = NEVER;
    }
    table[at + (store ? 1 : 0)] = tag;
    table[at + 2] = delta;
  }

  void enterCode(int way, long va, CodePage page) {
    int at = codeIndex(va);
    codeTags[way][at] = va & -4096 | codeStamp;
    codePages[way][at] = page;
  }

  /**
   * Notes that what is about to be entered comes from a superpage: level 1 is 2 MiB, 2 is 1 GiB; of
   * larger ones no address is known to lie outside.
   */
  void noteSuperpage(long va, int level) {
    long megapage = va >>> 21;
    megapages[(int) (megapage >>> 6) & 63] |= 1L << megapage;
    if (level > 1) {
      long gigapage = va >>> 30;
      gigapages[(int) (gigapage >>> 6) & 7] |= 1L << gigapage;
    }
    if (level > 2) {
      Arrays.fill(gigapages, -1);
    }
  }

  void flush() {
    stamp += STEP;
    if (stamp > LAST) {
      stamp = 0;
      for (long[] table : tables) {
        if (table != null) {
          Arrays.fill(table, NEVER);
        }
      }
    }
    Arrays.fill(megapages, 0);
    Arrays.fill(gigapages, 0);
    flushCode();
  }

  void flushCode() {
    codeStamp += STEP;
    if (codeStamp > LAST) {
      codeStamp = 0;
      for (long[] tags : codeTags) {
        Arrays.fill(tags, NEVER);
      }
    }
  }

  /** Forgets one page, or everything when the address may lie in a cached superpage. */
  void flush(long va) {
    long megapage = va >>> 21;
    long gigapage = va >>> 30;
    if ((megapages[(int) (megapage >>> 6) & 63] >>> megapage & 1) != 0
        || (gigapages[(int) (gigapage >>> 6) & 7] >>> gigapage & 1) != 0) {
      flush();
      return;
    }
    int at = (int) (va >>> 10) & MASK;
    for (long[] table : tables) {
      if (table != null) {
        table[at] = NEVER;
        table[at + 1] = NEVER;
      }
    }
    for (long[] tags : codeTags) {
      tags[codeIndex(va)] = NEVER;
    }
  }
}
