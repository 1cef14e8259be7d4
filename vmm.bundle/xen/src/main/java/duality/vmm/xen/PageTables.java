package duality.vmm.xen;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Space;
import duality.kernel.processor.Memory;
import duality.vmm.board.GuestMemory;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The guest's page tables [BDF+03 §3.3.3]: which pages are tables, what is in them, and what of it
 * is mapped. A table is checked as a whole when its page becomes one, and entry by entry
 * afterwards. What an entry leads to is counted in {@link Pages}, so no page that can be written is
 * a table and no table leads to a page that is not the guest's.
 *
 * <p><em>Mapped.</em> The core space of a root has at most what its tables say: what an update
 * takes away is unmapped before the update is done; what it gives is mapped at once when it is in
 * memory, else at the first use ({@link #fill}).
 */
final class PageTables {
  /** Tables in all; a copy of each is kept. */
  static final int MOST_TABLES = 16_384;

  /** Entries that lead to one table. */
  static final int MOST_LINKS = 1_024;

  /** Most pages that are mapped at one fault, when a table has them in a row. */
  private static final int AHEAD = 16;

  private final GuestMemory memory;
  private final Pages pages;
  private final Roots roots;
  private final Map<Long, Table> tables = new HashMap<>();

  /** The root in use; null before the first one. */
  private @Nullable Table current;

  /** First address and end of what programs may reach. */
  private long segment;

  private long segmentEnd;

  /** Entries looked at so far: what a hypercall costs. */
  private long work;

  PageTables(GuestMemory memory, Pages pages, Roots roots) {
    this.memory = memory;
    this.pages = pages;
    this.roots = roots;
  }

  /** Entries looked at since this was made. */
  long work() {
    return work;
  }

  void segment(long first, long end) {
    segment = first;
    segmentEnd = end;
  }

  /** The root in use, or null. */
  @Nullable Table current() {
    return current;
  }

  /** A table, or null when the page is none. */
  @Nullable Table table(long page) {
    return tables.get(page);
  }

  Iterable<Table> tables() {
    return tables.values();
  }

  // ---- types ----

  /** Uses a page as a type; answers a {@link Refusal} or 0. */
  int take(long page, int type) {
    if (!pages.owned(page)) {
      return Refusal.PERMISSION;
    }
    int is = pages.type(page);
    if (is == type) {
      pages.again(page);
      return Refusal.OK;
    }
    if (is != Pages.NONE) {
      return Refusal.BUSY;
    }
    pages.begin(page, type);
    if (type == Pages.WRITABLE) {
      return Refusal.OK;
    }
    int refused = check(page, type - Pages.TABLE);
    if (refused != Refusal.OK) {
      pages.end(page);
    }
    return refused;
  }

  /** Ends a use as a type; the last one of a table ends the table. */
  void drop(long page) {
    boolean table = pages.type(page) != Pages.WRITABLE;
    if (pages.end(page) && table) {
      Table gone = tables.remove(page);
      if (gone == null) {
        throw new IllegalStateException("page " + page + " is no table");
      }
      if (gone.root != null) {
        roots.free(gone.root);
        gone.root = null;
      }
      release(gone, Table.ENTRIES);
    }
  }

  /** Reads a page, which is of that type already, and takes all that it leads to. */
  private int check(long page, int level) {
    if (tables.size() == MOST_TABLES) {
      return Refusal.NO_ROOM;
    }
    Table table = new Table(page, level);
    try (Grant grant = memory.grant(page << Memory.PAGE_SHIFT, Table.BYTES, Memory.READ)) {
      grant.read(0, MemorySegment.ofArray(table.entries), 0, Table.BYTES);
    } catch (CallFailed.BadRequest noMemory) {
      return Refusal.NO_ROOM;
    }
    tables.put(page, table);
    work += Table.ENTRIES;
    for (int i = 0; i < Table.ENTRIES; i++) {
      int refused = enter(table, i, table.entries[i]);
      if (refused != Refusal.OK) {
        release(table, i);
        tables.remove(page);
        return refused;
      }
    }
    return Refusal.OK;
  }

  private void release(Table table, int count) {
    work += count;
    for (int i = 0; i < count; i++) {
      leave(table, i, table.entries[i]);
    }
  }

  /** Counts what an entry leads to, if that can be. */
  private int enter(Table table, int index, long entry) {
    if (!Table.valid(entry)) {
      return Refusal.OK;
    }
    if (!Table.wellFormed(entry, table.level)) {
      return Refusal.INVALID;
    }
    long target = Table.target(entry);
    if (table.level > 0) {
      Table there = tables.get(target);
      if (there != null && there.links.size() == MOST_LINKS) {
        return Refusal.NO_ROOM;
      }
      int refused = take(target, Pages.TABLE + table.level - 1);
      if (refused == Refusal.OK) {
        known(target).links.add(new Table.Link(table, index));
      }
      return refused;
    }
    if (Table.writable(entry)) {
      return take(target, Pages.WRITABLE);
    }
    if (!pages.owned(target)) {
      return Refusal.PERMISSION;
    }
    pages.hold(target);
    return Refusal.OK;
  }

  /** What an entry that is no more led to is counted once less. */
  private void leave(Table table, int index, long entry) {
    if (!Table.valid(entry)) {
      return;
    }
    long target = Table.target(entry);
    if (table.level > 0) {
      known(target).links.remove(new Table.Link(table, index));
      drop(target);
    } else if (Table.writable(entry)) {
      drop(target);
    } else {
      pages.letGo(target);
    }
  }

  private Table known(long page) {
    Table table = tables.get(page);
    if (table == null) {
      throw new IllegalStateException("page " + page + " is no table");
    }
    return table;
  }

  // ---- what the guest asks for ----

  /** Keeps a table of that level checked though nothing leads to it. */
  int pin(long page, int level) {
    if (!pages.owned(page)) {
      return Refusal.PERMISSION;
    }
    if (pages.pinned(page)) {
      return Refusal.BUSY;
    }
    int refused = take(page, Pages.TABLE + level);
    if (refused == Refusal.OK) {
      pages.pinned(page, true);
    }
    return refused;
  }

  int unpin(long page) {
    if (!pages.owned(page) || !pages.pinned(page)) {
      return Refusal.INVALID;
    }
    pages.pinned(page, false);
    drop(page);
    return Refusal.OK;
  }

  /** Changes the entry at a guest-physical address. */
  int update(long address, long entry) {
    Table table = tables.get(address >>> Memory.PAGE_SHIFT);
    if (table == null || (address & 7) != 0) {
      return Refusal.INVALID;
    }
    return update(table, (int) (address & 4095) / 8, entry);
  }

  /** Changes the entry for a page of the address space in use. */
  int updateMapping(long address, long entry) {
    Table table = last(address);
    return table == null ? Refusal.INVALID : update(table, Table.index(address, 0), entry);
  }

  private int update(Table table, int index, long entry) {
    work++;
    long before = table.entries[index];
    if (before == entry) {
      return Refusal.OK;
    }
    int refused = enter(table, index, entry);
    if (refused != Refusal.OK) {
      return refused;
    }
    try (Grant grant =
        memory.grant((table.page << Memory.PAGE_SHIFT) + 8L * index, 8, Memory.WRITE)) {
      grant.setLong(0, entry);
    } catch (CallFailed noMemory) {
      leave(table, index, entry);
      return Refusal.AGAIN;
    }
    table.entries[index] = entry;
    boolean fewer = Table.valid(before) && !covers(before, entry, table.level);
    if (fewer) {
      takeAway(table, index);
    }
    leave(table, index, before);
    if (Table.valid(entry) && table.level == 0) {
      show(table, index, entry);
    }
    return Refusal.OK;
  }

  /** Whether what an entry allows is allowed by another one as well. */
  private static boolean covers(long before, long now, int level) {
    long rights = Table.R | Table.W | Table.X | Table.USER;
    return level == 0
        && Table.valid(now)
        && Table.target(before) == Table.target(now)
        && (before & rights & ~now) == 0;
  }

  /**
   * Makes a table the root in use.
   *
   * @return a {@link Refusal} or 0
   */
  int load(long page) {
    int refused = take(page, Pages.TABLE + Table.TOP);
    if (refused != Refusal.OK) {
      return refused;
    }
    Table before = current;
    current = known(page);
    if (before != null) {
      drop(before.page);
    }
    return Refusal.OK;
  }

  /** The core space of the root in use. */
  Space space() {
    Table root = current;
    if (root == null) {
      return memory.space();
    }
    Root there = root.root;
    if (there == null) {
      there = roots.take(root);
      root.root = there;
    }
    roots.used(root);
    return there.space;
  }

  // ---- what is mapped ----

  private interface Place {
    void at(Root root, long address);
  }

  /** Each place in a core space that an entry is for. */
  private void places(Table table, long address, Place place) {
    work++;
    if (table.level == Table.TOP) {
      if (table.root != null) {
        place.at(table.root, Table.canonical(address));
      }
      return;
    }
    for (Table.Link link : table.links) {
      places(link.table(), address | Table.offset(link.index(), link.table().level), place);
    }
  }

  private void takeAway(Table table, int index) {
    long count = 1L << 9 * table.level;
    places(
        table,
        Table.offset(index, table.level),
        (root, address) -> root.unmap(address >>> Memory.PAGE_SHIFT, count));
  }

  /** Maps a page where it can be reached now, if it is in memory; if not, its first use does. */
  private void show(Table table, int index, long entry) {
    Space from = memory.space();
    long target = Table.target(entry);
    if (from.frameAt(target) < 0) {
      return;
    }
    places(
        table,
        Table.offset(index, 0),
        (root, address) -> {
          int rights = rights(entry, address);
          if (rights != 0) {
            root.map(address >>> Memory.PAGE_SHIFT, from, target, 1, rights);
          }
        });
  }

  /**
   * What a leaf allows at an address: in the segment of programs it has to say that it is one's.
   */
  private int rights(long entry, long address) {
    boolean programs = Long.compareUnsigned(address - segment, segmentEnd - segment) < 0;
    if (programs && (entry & Table.USER) == 0) {
      return 0;
    }
    return ((entry & Table.R) != 0 ? Memory.READ : 0)
        | ((entry & Table.W) != 0 ? Memory.WRITE : 0)
        | ((entry & Table.X) != 0 ? Memory.EXECUTE : 0);
  }

  /** The table of level 0 for an address, or null. */
  private @Nullable Table last(long address) {
    Table table = current;
    if (table == null || Table.canonical(address) != address) {
      return null;
    }
    while (table.level > 0) {
      long entry = table.entries[Table.index(address, table.level)];
      if (!Table.valid(entry)) {
        return null;
      }
      table = known(Table.target(entry));
    }
    return table;
  }

  /** The guest-physical address that the guest reaches with that right, or -1. */
  long locate(long address, int access) {
    if (current == null) {
      return pages.owned(address >>> Memory.PAGE_SHIFT) ? address : -1;
    }
    Table table = last(address);
    if (table == null) {
      return -1;
    }
    long entry = table.entries[Table.index(address, 0)];
    boolean allowed = Table.valid(entry) && (rights(entry, address) & access) != 0;
    return allowed ? Table.target(entry) << Memory.PAGE_SHIFT | address & 4095 : -1;
  }

  /**
   * Maps what an access needs, if the tables allow it; says whether it can be repeated.
   *
   * @return {@link Refusal#OK}; {@link Refusal#FAULT} when the tables do not; {@link
   *     Refusal#NO_ROOM} when there is no memory for it
   */
  int fill(long address, int access) {
    Table table = last(address);
    int index = Table.index(address, 0);
    if (table == null || !Table.valid(table.entries[index])) {
      return Refusal.FAULT;
    }
    long entry = table.entries[index];
    int rights = rights(entry, address);
    if ((rights & access) == 0) {
      return Refusal.FAULT;
    }
    Table root = current;
    if (root == null || root.root == null) {
      return Refusal.FAULT;
    }
    int row = 1;
    while (row < AHEAD
        && index + row < Table.ENTRIES
        && table.entries[index + row] == entry + ((long) row << 10)) {
      row++;
    }
    int got =
        root.root.map(
            address >>> Memory.PAGE_SHIFT, memory.space(), Table.target(entry), row, rights);
    return (got & access) != 0 ? Refusal.OK : Refusal.NO_ROOM;
  }

  /** Forgets all, types and counts with it; nobody runs in a root. */
  void reset() {
    tables.clear();
    current = null;
    roots.reset();
  }
}
