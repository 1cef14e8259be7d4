package duality.vmm.xen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.processor.Memory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The memory of a paused guest, as it is: all that its monitor counts is counted anew from there,
 * and what core spaces map is compared with what the tables say.
 */
final class Recount {
  static final int LEAF = Table.V | Table.R | 0xc0;
  static final int POINTER = Table.V;

  private final Domain domain;

  Recount(Domain domain) {
    this.domain = domain;
  }

  long page(int number) {
    return domain.pages.first() + number;
  }

  /** The last page of memory that nobody uses, counted backwards. */
  List<Long> free(int count) {
    List<Long> found = new ArrayList<>();
    long root = domain.tables.current().page;
    for (long at = domain.ports.sharedPage() - 1; found.size() < count; at--) {
      // The kernel maps all memory to itself; what it does not use it can let go.
      assertEquals(0, domain.tables.updateMapping(at << 12, 0), "let go of page " + at);
      assertEquals(0, domain.pages.held(at), "held");
      clear(at);
      found.add(at);
    }
    assertEquals(root, domain.tables.current().page);
    return found;
  }

  void clear(long page) {
    domain.memory.write(page << 12, new byte[4096]);
  }

  void put(long page, int index, long entry) {
    try (Grant grant = domain.memory.grant((page << 12) + 8L * index, 8, Memory.WRITE)) {
      grant.setLong(0, entry);
    }
  }

  static long entry(long page, long bits) {
    return page << 10 | bits;
  }

  void verify() {
    Map<Long, Integer> typed = new HashMap<>();
    Map<Long, Integer> held = new HashMap<>();
    Map<Long, Integer> types = new HashMap<>();
    for (Table table : domain.tables.tables()) {
      types.put(table.page, Pages.TABLE + table.level);
      long[] there = new long[Table.ENTRIES];
      try (Grant grant = domain.memory.grant(table.page << 12, 4096, Memory.READ)) {
        for (int i = 0; i < there.length; i++) {
          there[i] = grant.getLong(8L * i);
          assertEquals(there[i], table.entries[i], "entry " + i + " of table " + table.page);
        }
      }
      for (long entry : there) {
        if ((entry & Table.V) != 0) {
          long target = entry >>> 10 & 0xfffffffffffL;
          assertTrue(domain.pages.owned(target), "page " + target + " is not the guest's");
          boolean use = table.level > 0 || (entry & Table.W) != 0;
          (use ? typed : held).merge(target, 1, Integer::sum);
          int type = table.level > 0 ? Pages.TABLE + table.level - 1 : Pages.WRITABLE;
          if (use) {
            Integer before = types.put(target, type);
            assertTrue(before == null || before == type, "page " + target + " has two types");
          }
        }
      }
    }
    for (long pinned : domain.pages.allPinned()) {
      typed.merge(pinned, 1, Integer::sum);
    }
    typed.merge(domain.tables.current().page, 1, Integer::sum);
    typed.merge(domain.ports.sharedPage(), 1, Integer::sum);
    long[] grants = domain.grants.save().numbers("all");
    for (int i = 0; i < grants.length; i += 3) {
      ((grants[i + 1] & 1) != 0 ? typed : held).merge(grants[i + 2], 1, Integer::sum);
    }
    for (int i = 0; i < domain.pages.count(); i++) {
      long page = page(i);
      int uses = typed.getOrDefault(page, 0);
      assertEquals(uses, domain.pages.typed(page), "uses of page " + page);
      assertEquals(uses + held.getOrDefault(page, 0), domain.pages.held(page), "page " + page);
    }
    for (Table table : domain.tables.tables()) {
      Root root = table.root;
      if (root != null) {
        long mapped = mapped(table, 0, root);
        assertEquals(root.space.mappedPages(), mapped, "pages that no table has are mapped");
      }
    }
  }

  /** Pages that the tables have and the core space maps; each is looked at. */
  private long mapped(Table table, long address, Root root) {
    long count = 0;
    for (int i = 0; i < Table.ENTRIES; i++) {
      long entry = table.entries[i];
      if ((entry & Table.V) == 0) {
        continue;
      }
      long at = address | Table.offset(i, table.level);
      if (table.level > 0) {
        count += mapped(domain.tables.table(entry >>> 10 & 0xfffffffffffL), at, root);
        continue;
      }
      long page = Table.canonical(at) >>> 12;
      long frame = root.space.frameAt(page);
      if (frame >= 0) {
        count++;
        assertEquals(
            domain.memory.space().frameAt(entry >>> 10 & 0xfffffffffffL),
            frame,
            "what is mapped at " + Long.toHexString(at));
        if ((entry & Table.W) == 0) {
          assertThrows(
              CallFailed.BadRequest.class,
              () -> root.space.grant(Table.canonical(at), 8, Memory.WRITE),
              () -> Long.toHexString(at) + " can be written");
        }
      }
    }
    return count;
  }
}
