package duality.vmm.trap;

import duality.kernel.CallFailed;
import duality.kernel.Space;
import duality.kernel.processor.Memory;
import duality.vmm.board.GuestMemory;
import org.jspecify.annotations.Nullable;

/**
 * An address space of the guest: its page tables from one root (Sv39, Sv48 or Sv57) as far as they
 * were walked, and the core spaces that shadow them, one for each mode in which the same tables
 * mean something else.
 *
 * <p><em>Kept right.</em> A page is mapped in a shadow only for an entry in one of the tables here,
 * which are copies. At {@code sfence.vma} the copies are compared with memory, and what came from
 * an entry that has changed is unmapped. Between two fences a processor may use what it remembers,
 * and so does this; but before the guest is told of a page fault its tables are read again, because
 * no processor that we know of remembers that there was nothing.
 */
final class GuestSpace {
  /** How data is reached: U, S, S with SUM; plus 4 with MXR. */
  static final int USER = 1;

  static final int SUPERVISOR = 2;
  static final int SUPERVISOR_SUM = 3;
  static final int MXR = 4;
  static final int WAYS = 8;

  // Answers of reach:
  static final int DONE = 0;
  static final int PAGE_FAULT = 1;
  static final int ACCESS_FAULT = 2;
  static final int DEVICE = 3;
  private static final int AGAIN = 4;

  /** Most pages that are mapped at one fault, when the tables have them in a row. */
  private static final int AHEAD = 16;

  /** Pages of 64 KiB, as many as belong together by Svnapot. */
  private static final int TOGETHER = 16;

  /** The highest level whose entries a shadow can take away by themselves: 1 GiB. */
  private static final int WINDOW_LEVEL = 2;

  /** Most tables that are remembered: more are a guest's that means harm, or a very large one's. */
  static final int MOST_TABLES = 1024;

  final long satp;

  /** The level of the root's entries: 2, 3 or 4. */
  private final int topLevel;

  private final GuestMemory memory;
  private final @Nullable Shadow[] shadows = new @Nullable Shadow[WAYS];
  private final long[] scratch = new long[GuestTable.ENTRIES];
  private @Nullable GuestTable top;
  private int tables;

  /** After {@link #reach} or {@link #locate}: the guest-physical address. */
  long found;

  private final long[] leaf = new long[2];
  private @Nullable GuestTable leafTable;
  private int leafLevel;

  GuestSpace(long satp, GuestMemory memory) {
    this.satp = satp;
    topLevel = (int) (satp >>> 60) - 6;
    this.memory = memory;
  }

  @Nullable Shadow shadow(int way) {
    return shadows[way];
  }

  void shadow(int way, Shadow shadow) {
    shadows[way] = shadow;
  }

  /** How many tables and pieces of shadows are remembered, some KiB each. */
  int pieces() {
    int pieces = tables;
    for (Shadow shadow : shadows) {
      pieces += shadow == null ? 0 : shadow.pieces();
    }
    return pieces;
  }

  /**
   * Makes an access possible, or says why it is not.
   *
   * @param way the mode, for which there is a shadow
   * @param access one of READ, WRITE and EXECUTE of {@link Memory}
   */
  int reach(int way, long address, int access) {
    int answer = locate(way, address, access);
    if (answer != DONE) {
      return answer;
    }
    if (!memory.contains(found)) {
      return DEVICE;
    }
    Shadow shadow = shadows[way];
    if (shadow == null) {
      throw new IllegalStateException("no shadow for way " + way);
    }
    long entry = leaf[0];
    long page = address >>> Memory.PAGE_SHIFT;
    int got =
        shadow.map(
            page, memory.space(), found >>> Memory.PAGE_SHIFT, row(page), rights(entry, way));
    return (got & access) != 0 ? DONE : ACCESS_FAULT;
  }

  /**
   * Walks the tables as the hart would: sets A and D, leaves the address in {@link #found}.
   *
   * @return {@link #DONE}, {@link #PAGE_FAULT} or {@link #ACCESS_FAULT}
   */
  int locate(int way, long address, int access) {
    int answer = walk(way, address, access);
    for (int round = 0; answer == AGAIN || answer == PAGE_FAULT && round == 0; round++) {
      if (!refresh(address) && answer == PAGE_FAULT) {
        return PAGE_FAULT;
      }
      if (round == 8) {
        return PAGE_FAULT;
      }
      answer = walk(way, address, access);
    }
    return answer;
  }

  private int walk(int way, long address, int access) {
    if (canonical(address) != address) {
      return PAGE_FAULT;
    }
    try {
      GuestTable table = top();
      for (int level = topLevel; level >= 0; level--) {
        int index = index(address, level);
        long entry = table.entries[index];
        if (GuestTable.invalid(entry)) {
          return PAGE_FAULT;
        }
        if (GuestTable.leaf(entry)) {
          return atLeaf(table, level, index, way, address, access);
        }
        if (level == 0 || (entry & (GuestTable.USER | GuestTable.A | GuestTable.D)) != 0) {
          return PAGE_FAULT;
        }
        table = below(table, index, level);
        if (table == null) {
          return AGAIN;
        }
      }
    } catch (CallFailed.BadRequest noMemory) {
      return ACCESS_FAULT;
    }
    return PAGE_FAULT;
  }

  private int atLeaf(GuestTable table, int level, int index, int way, long address, int access) {
    long entry = table.entries[index];
    long inside = (1L << Memory.PAGE_SHIFT + 9 * level) - 1;
    if ((GuestTable.target(entry) & inside) != 0 || !allowed(entry, way, access)) {
      return PAGE_FAULT;
    }
    boolean together = GuestTable.napot(entry);
    long target = GuestTable.target(entry);
    if (together) {
      if (level != 0 || (target >>> Memory.PAGE_SHIFT & TOGETHER - 1) != TOGETHER / 2) {
        return PAGE_FAULT;
      }
      long group = (long) TOGETHER << Memory.PAGE_SHIFT;
      target = target & -group | address & group - 1 & -Space.PAGE_BYTES;
    }
    long wanted = GuestTable.A | (access == Memory.WRITE ? GuestTable.D : 0);
    if ((entry & wanted) != wanted && !table.mark(memory, index, wanted)) {
      return AGAIN;
    }
    leaf[0] = table.entries[index];
    leafTable = table;
    leafLevel = level;
    found = target | address & inside;
    return DONE;
  }

  /** Rights of a leaf in a mode, A and D being as they are. */
  static int rights(long entry, int way) {
    boolean ofUser = (entry & GuestTable.USER) != 0;
    int mode = way & 3;
    if (mode == USER ? !ofUser : ofUser && mode != SUPERVISOR_SUM) {
      return 0;
    }
    boolean readable =
        (entry & GuestTable.R) != 0 || (way & MXR) != 0 && (entry & GuestTable.X) != 0;
    boolean writable = (entry & GuestTable.W) != 0 && (entry & GuestTable.D) != 0;
    boolean executable = (entry & GuestTable.X) != 0 && (mode == USER || !ofUser);
    return (readable ? Memory.READ : 0)
        | (writable ? Memory.WRITE : 0)
        | (executable ? Memory.EXECUTE : 0);
  }

  private static boolean allowed(long entry, int way, int access) {
    return (rights(entry | GuestTable.D, way) & access) != 0;
  }

  /** How many pages from that one on may be mapped with it: what follows in a row, equal else. */
  private int row(long page) {
    if (leafLevel > 0) {
      return (int) (AHEAD - (page & AHEAD - 1));
    }
    GuestTable table = leafTable;
    if (table == null || GuestTable.napot(leaf[0])) {
      return 1;
    }
    int index = (int) page & GuestTable.ENTRIES - 1;
    int pages = 1;
    while (pages < AHEAD
        && index + pages < GuestTable.ENTRIES
        && table.entries[index + pages] == leaf[0] + ((long) pages << 10)) {
      pages++;
    }
    return pages;
  }

  // ---- the copies ----

  private GuestTable top() {
    GuestTable table = top;
    if (table == null) {
      table = new GuestTable(memory, (satp & 0xfffffffffffL) << 12, topLevel);
      tables++;
      top = table;
    }
    return table;
  }

  /** The table that an entry leads to; null when all had to be forgotten to make room. */
  private @Nullable GuestTable below(GuestTable table, int index, int level) {
    GuestTable next = table.below[index];
    if (next == null) {
      if (tables >= MOST_TABLES) {
        forget();
        return null;
      }
      next = new GuestTable(memory, GuestTable.target(table.entries[index]), level - 1);
      tables++;
      table.below[index] = next;
    }
    return next;
  }

  /** The address that has the same bits as far as they are translated. */
  private long canonical(long address) {
    int unused = 64 - Memory.PAGE_SHIFT - 9 * (topLevel + 1);
    return address << unused >> unused;
  }

  private static int index(long address, int level) {
    return (int) (address >>> Memory.PAGE_SHIFT + 9 * level) & GuestTable.ENTRIES - 1;
  }

  /** Reads the entries on the way to an address again; says whether any has changed. */
  private boolean refresh(long address) {
    boolean any = false;
    GuestTable table = top;
    for (int level = topLevel; table != null; level--) {
      int index = index(address, level);
      any |= refreshEntry(table, level, index, address);
      table = level == 0 ? null : table.below[index];
    }
    return any;
  }

  /** A fence of one address: it is about the leaf that leads there, whatever its level. */
  void refreshLeaf(long address) {
    GuestTable table = top;
    for (int level = topLevel; table != null; level--) {
      int index = index(address, level);
      long entry = table.entries[index];
      if (GuestTable.invalid(entry)) {
        return; // nothing is remembered
      }
      if (GuestTable.leaf(entry)) {
        boolean together = level == 0 && GuestTable.napot(entry);
        int first = together ? index & -TOGETHER : index;
        for (int i = first; i < first + (together ? TOGETHER : 1); i++) {
          boolean unused = refreshEntry(table, level, i, address);
        }
        return;
      }
      table = level == 0 ? null : table.below[index];
    }
  }

  /** Reads all tables again: whatever came from entries that have changed is gone then. */
  void refreshAll() {
    GuestTable table = top;
    if (table != null) {
      refreshTree(table, topLevel, 0);
    }
  }

  private void refreshTree(GuestTable table, int level, long start) {
    try {
      table.refresh(memory, scratch, (index, before) -> unmap(level, start, index));
    } catch (CallFailed.BadRequest noMemory) {
      forget();
    }
    for (int i = 0; i < table.below.length; i++) {
      GuestTable next = table.below[i];
      if (next != null) {
        refreshTree(next, level - 1, start + ((long) i << Memory.PAGE_SHIFT + 9 * level));
      }
    }
  }

  private boolean refreshEntry(GuestTable table, int level, int index, long address) {
    int shift = Memory.PAGE_SHIFT + 9 * (level + 1);
    long start = shift >= 64 ? 0 : address >>> shift << shift;
    try {
      return table.refresh(memory, index, (at, before) -> unmap(level, start, at));
    } catch (CallFailed.BadRequest noMemory) {
      // The table lies where no memory is any more: it leads nowhere.
      forget();
      return true;
    }
  }

  /** Unmaps what an entry of a table that covers addresses from {@code start} on leads to. */
  private void unmap(int level, long start, int index) {
    if (level > WINDOW_LEVEL) {
      clearShadows();
      return;
    }
    long pages = 1L << 9 * level;
    long address = start + index * pages * Space.PAGE_BYTES;
    unmap(canonical(address) >>> Memory.PAGE_SHIFT, pages);
  }

  private void unmap(long page, long pages) {
    for (Shadow shadow : shadows) {
      if (shadow != null) {
        shadow.unmap(page, pages);
      }
    }
  }

  /** Forgets all: the tables, and what was mapped from them. */
  void forget() {
    top = null;
    tables = 0;
    clearShadows();
  }

  private void clearShadows() {
    for (Shadow shadow : shadows) {
      if (shadow != null) {
        shadow.clear();
      }
    }
  }
}
