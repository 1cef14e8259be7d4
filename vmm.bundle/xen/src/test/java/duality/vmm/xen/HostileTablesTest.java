package duality.vmm.xen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Space;
import duality.kernel.processor.Memory;
import duality.vmm.VirtualMachine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Page tables that want what is not theirs. After each step all that is counted is counted anew
 * from the guest's memory, and what core spaces map is compared with what the tables there say.
 */
@Timeout(600)
class HostileTablesTest {
  private static final int LEAF = Table.V | Table.R | 0xc0;
  private static final int POINTER = Table.V;

  @TempDir private Path folder = Path.of("");
  private XenRig xen;
  private VirtualMachine machine;
  private Domain domain;

  @BeforeEach
  void bootAndPause() throws Exception {
    xen = new XenRig(folder);
    machine = xen.booted("a", Map.of());
    machine.pause();
    domain = xen.domain();
  }

  @AfterEach
  void end() {
    xen.close();
  }

  private long page(int number) {
    return domain.pages.first() + number;
  }

  /** The last page of memory that nobody uses, counted backwards. */
  private List<Long> free(int count) {
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

  private void clear(long page) {
    domain.memory.write(page << 12, new byte[4096]);
  }

  private void put(long page, int index, long entry) {
    try (Grant grant = domain.memory.grant((page << 12) + 8L * index, 8, Memory.WRITE)) {
      grant.setLong(0, entry);
    }
  }

  private static long entry(long page, long bits) {
    return page << 10 | bits;
  }

  // ---- what is asked in vain ----

  @Test
  void aTableCannotBeMappedWritableNorWhatIsWritableBecomeATable() {
    long table = domain.tables.current().page;
    long address = free(1).getFirst() << 12;
    assertEquals(Refusal.BUSY, domain.tables.updateMapping(address, entry(table, LEAF | Table.W)));
    assertEquals(0, domain.tables.updateMapping(address, entry(table, LEAF)), "it may be read");
    long used = domain.ports.sharedPage();
    assertEquals(Refusal.BUSY, domain.tables.pin(used, 0));
    assertEquals(Refusal.BUSY, domain.tables.load(used));
    assertEquals(Refusal.BUSY, domain.tables.pin(table, 1), "a root is no table of level 1");
    verify();
  }

  @Test
  void whatIsNotTheGuestsCannotBeEntered() {
    List<Long> free = free(3);
    long address = free.get(0) << 12;
    for (long foreign :
        new long[] {0, 1, page(0) - 1, page(domain.pages.count()), 0xfffffffffffL, 0x10000}) {
      for (int bits : new int[] {LEAF, LEAF | Table.W, LEAF | Table.X | Table.USER}) {
        assertEquals(
            Refusal.PERMISSION, domain.tables.updateMapping(address, entry(foreign, bits)));
      }
      assertEquals(Refusal.PERMISSION, domain.tables.pin(foreign, 2));
      assertEquals(Refusal.PERMISSION, domain.tables.load(foreign));
      assertEquals(Refusal.PERMISSION, domain.grants.lend(5, 0, foreign, true));
      assertEquals(Refusal.PERMISSION, domain.grants.lend(5, 0, foreign, false));
      put(free.get(1), 7, entry(foreign, LEAF | Table.W));
      assertEquals(Refusal.PERMISSION, domain.tables.pin(free.get(1), 0), "in a fresh table");
      put(free.get(2), 7, entry(foreign, POINTER));
      assertEquals(Refusal.PERMISSION, domain.tables.pin(free.get(2), 2), "in a fresh root");
      verify();
    }
  }

  @Test
  void whatCannotBeAnEntryIsRefused() {
    List<Long> free = free(2);
    long address = free.get(0) << 12;
    long target = free.get(1);
    for (long wrong :
        new long[] {
          entry(target, Table.V), // a pointer in a table of the last level
          entry(target, Table.V | Table.W), // to be written and not read
          entry(target, LEAF) | 1L << 63, // Svnapot
          entry(target, LEAF) | 1L << 61,
          entry(target, LEAF) | 1L << 54,
        }) {
      assertEquals(Refusal.INVALID, domain.tables.updateMapping(address, wrong));
    }
    long root = domain.tables.current().page << 12;
    assertEquals(Refusal.INVALID, domain.tables.update(root + 8 * 200, entry(target, LEAF)));
    assertEquals(Refusal.INVALID, domain.tables.update(root + 8 * 200, entry(target, 0x11)));
    assertEquals(Refusal.INVALID, domain.tables.update(root + 4, 0), "no entry begins there");
    assertEquals(Refusal.INVALID, domain.tables.update(target << 12, 0), "no table");
    assertEquals(Refusal.INVALID, domain.tables.update(-8, 0));
    verify();
  }

  @Test
  void tablesThatLeadToThemselvesAreRefused() {
    List<Long> free = free(3);
    long own = free.get(0);
    put(own, 0, entry(own, POINTER));
    assertEquals(Refusal.BUSY, domain.tables.pin(own, 2));
    assertEquals(Refusal.BUSY, domain.tables.pin(own, 1));
    put(own, 0, entry(own, LEAF | Table.W));
    assertEquals(Refusal.BUSY, domain.tables.pin(own, 0), "a table that maps itself writable");
    put(free.get(1), 0, entry(free.get(2), POINTER));
    put(free.get(2), 0, entry(free.get(1), POINTER));
    assertEquals(Refusal.BUSY, domain.tables.pin(free.get(1), 2), "two in a circle");
    verify();
    put(own, 0, entry(own, LEAF));
    assertEquals(0, domain.tables.pin(own, 0), "one that it can read is good");
    verify();
  }

  @Test
  void aTypeChangesOnlyWhenNobodyUsesIt() {
    List<Long> free = free(2);
    long table = free.get(0);
    long address = free.get(1) << 12;
    assertEquals(0, domain.tables.pin(table, 0));
    assertEquals(Refusal.BUSY, domain.tables.pin(table, 0), "pinned once");
    assertEquals(Refusal.BUSY, domain.tables.updateMapping(address, entry(table, LEAF | Table.W)));
    assertEquals(Refusal.BUSY, domain.grants.lend(9, 0, table, true), "nor by a driver");
    assertEquals(0, domain.tables.unpin(table));
    assertEquals(Refusal.INVALID, domain.tables.unpin(table));
    assertEquals(0, domain.grants.lend(9, 0, table, true));
    assertEquals(Refusal.BUSY, domain.tables.pin(table, 0), "a driver may write it");
    assertEquals(Refusal.BUSY, domain.grants.lend(9, 0, table, true), "that number is taken");
    assertEquals(0, domain.grants.end(9));
    assertEquals(0, domain.tables.pin(table, 0));
    verify();
  }

  @Test
  void pagesThatWereGivenAwayAreNobodysUntilTheyAreTakenBack() {
    List<Long> free = free(2);
    long gone = free.get(0);
    domain.memory.giveBack(gone);
    domain.pages.given(gone, true);
    long address = free.get(1) << 12;
    assertEquals(Refusal.PERMISSION, domain.tables.updateMapping(address, entry(gone, LEAF)));
    assertEquals(Refusal.PERMISSION, domain.tables.pin(gone, 0));
    assertEquals(Refusal.PERMISSION, domain.grants.lend(3, 0, gone, false));
    domain.pages.given(gone, false);
    assertEquals(0, domain.tables.updateMapping(address, entry(gone, LEAF | Table.W)));
    verify();
  }

  @Test
  void aGrantIsForOneDriverAndWithItsRights() {
    long page = free(1).getFirst();
    assertEquals(Refusal.NOTHING_THERE, domain.grants.lend(-1, 0, page, true));
    assertEquals(Refusal.NOTHING_THERE, domain.grants.lend(2048, 0, page, true));
    assertEquals(Refusal.NOTHING_THERE, domain.grants.lend(4, 7, page, true));
    assertEquals(Refusal.NOTHING_THERE, domain.grants.end(4));
    assertEquals(0, domain.grants.lend(4, 0, page, false));
    Space window = domain.drivers.getFirst().window();
    window.grant(4 * 4096, 8, Memory.READ).close();
    assertThrows(CallFailed.BadRequest.class, () -> window.grant(4 * 4096, 8, Memory.WRITE));
    assertThrows(CallFailed.BadRequest.class, () -> window.grant(5 * 4096, 8, Memory.READ));
    assertEquals(0, domain.grants.end(4));
    assertThrows(CallFailed.BadRequest.class, () -> window.grant(4 * 4096, 8, Memory.READ));
    assertEquals(0, domain.pages.held(page));
    verify();
  }

  // ---- at random ----

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void whateverIsAskedForTheCountsAndMapsAreRight(long seed) {
    Random random = new Random(seed);
    List<Long> mine = free(24);
    long home = domain.tables.current().page;
    assertEquals(0, domain.tables.pin(home, Table.TOP));
    int done = 0;
    for (int step = 0; step < 3_000; step++) {
      done += ask(random, mine, home) == 0 ? 1 : 0;
      if (step % 100 == 0) {
        verify();
      }
    }
    verify();
    assertTrue(done > 100, "only " + done + " of them were done: seed " + seed);
    assertEquals(0, domain.tables.load(home));
    xen.hart().place();
    machine.resume();
    xen.command("a", "sum 1000", "sum 1000 = 0x9ac7455483036aca");
    assertEquals(List.of(), xen.rig.core.failures(0));
  }

  private int ask(Random random, List<Long> mine, long home) {
    long page = any(random, mine);
    long other = any(random, mine);
    return switch (random.nextInt(12)) {
      case 0 -> domain.tables.pin(page, random.nextInt(3));
      case 1 -> mine.contains(page) ? domain.tables.unpin(page) : 1;
      case 2 -> domain.tables.load(random.nextInt(4) == 0 ? home : page);
      case 3 -> {
        Space space = domain.tables.space(); // as if the hart went there
        yield space.id() == 0 ? 1 : 0;
      }
      case 4 ->
          domain.grants.lend(random.nextInt(4), random.nextInt(2), page, random.nextBoolean());
      case 5 -> domain.grants.end(random.nextInt(4));
      case 6 -> domain.tables.fill(random.nextInt(64) * 4096L, 1 << random.nextInt(3));
      case 7 -> {
        // The guest writes its memory, where nothing forbids it.
        if (mine.contains(page) && domain.pages.typed(page) == 0) {
          put(page, random.nextInt(8), any(random, other));
        }
        yield 1;
      }
      case 8 -> {
        if (mine.contains(page) && domain.pages.typed(page) == 0) {
          clear(page);
        }
        yield 1;
      }
      default ->
          mine.contains(page)
              ? domain.tables.update((page << 12) + 8L * random.nextInt(8), any(random, other))
              : 1;
    };
  }

  private long any(Random random, List<Long> mine) {
    return random.nextInt(12) == 0
        ? page(random.nextInt(domain.pages.count() + 20) - 10)
        : mine.get(random.nextInt(mine.size()));
  }

  private static long any(Random random, long page) {
    long[] bits = {0, POINTER, LEAF, LEAF | Table.W, LEAF | Table.W | Table.USER, LEAF | Table.X};
    long wrong = random.nextInt(40) == 0 ? 1L << random.nextInt(64) : 0;
    return entry(page, bits[random.nextInt(bits.length)]) ^ wrong;
  }

  // ---- the truth, counted anew ----

  private void verify() {
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
