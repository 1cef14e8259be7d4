package duality.vmm.xen;

import static duality.vmm.xen.Recount.LEAF;
import static duality.vmm.xen.Recount.POINTER;
import static duality.vmm.xen.Recount.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Space;
import duality.kernel.processor.Memory;
import duality.vmm.VirtualMachine;
import java.nio.file.Path;
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
  @TempDir private Path folder = Path.of("");
  private XenRig xen;
  private VirtualMachine machine;
  private Domain domain;
  private Recount there;

  @BeforeEach
  void bootAndPause() throws Exception {
    xen = new XenRig(folder);
    machine = xen.booted("a", Map.of());
    machine.pause();
    domain = xen.domain();
    there = new Recount(domain);
  }

  @AfterEach
  void end() {
    xen.close();
  }

  // ---- what is asked in vain ----

  @Test
  void aTableCannotBeMappedWritableNorWhatIsWritableBecomeATable() {
    long table = domain.tables.current().page;
    long address = there.free(1).getFirst() << 12;
    assertEquals(Refusal.BUSY, domain.tables.updateMapping(address, entry(table, LEAF | Table.W)));
    assertEquals(0, domain.tables.updateMapping(address, entry(table, LEAF)), "it may be read");
    long used = domain.ports.sharedPage();
    assertEquals(Refusal.BUSY, domain.tables.pin(used, 0));
    assertEquals(Refusal.BUSY, domain.tables.load(used));
    assertEquals(Refusal.BUSY, domain.tables.pin(table, 1), "a root is no table of level 1");
    there.verify();
  }

  @Test
  void whatIsNotTheGuestsCannotBeEntered() {
    List<Long> free = there.free(3);
    long address = free.get(0) << 12;
    for (long foreign :
        new long[] {
          0, 1, there.page(0) - 1, there.page(domain.pages.count()), 0xfffffffffffL, 0x10000
        }) {
      for (int bits : new int[] {LEAF, LEAF | Table.W, LEAF | Table.X | Table.USER}) {
        assertEquals(
            Refusal.PERMISSION, domain.tables.updateMapping(address, entry(foreign, bits)));
      }
      assertEquals(Refusal.PERMISSION, domain.tables.pin(foreign, 2));
      assertEquals(Refusal.PERMISSION, domain.tables.load(foreign));
      assertEquals(Refusal.PERMISSION, domain.grants.lend(5, 0, foreign, true));
      assertEquals(Refusal.PERMISSION, domain.grants.lend(5, 0, foreign, false));
      there.put(free.get(1), 7, entry(foreign, LEAF | Table.W));
      assertEquals(Refusal.PERMISSION, domain.tables.pin(free.get(1), 0), "in a fresh table");
      there.put(free.get(2), 7, entry(foreign, POINTER));
      assertEquals(Refusal.PERMISSION, domain.tables.pin(free.get(2), 2), "in a fresh root");
      there.verify();
    }
  }

  @Test
  void whatCannotBeAnEntryIsRefused() {
    List<Long> free = there.free(2);
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
    there.verify();
  }

  @Test
  void tablesThatLeadToThemselvesAreRefused() {
    List<Long> free = there.free(3);
    long own = free.get(0);
    there.put(own, 0, entry(own, POINTER));
    assertEquals(Refusal.BUSY, domain.tables.pin(own, 2));
    assertEquals(Refusal.BUSY, domain.tables.pin(own, 1));
    there.put(own, 0, entry(own, LEAF | Table.W));
    assertEquals(Refusal.BUSY, domain.tables.pin(own, 0), "a table that maps itself writable");
    there.put(free.get(1), 0, entry(free.get(2), POINTER));
    there.put(free.get(2), 0, entry(free.get(1), POINTER));
    assertEquals(Refusal.BUSY, domain.tables.pin(free.get(1), 2), "two in a circle");
    there.verify();
    there.put(own, 0, entry(own, LEAF));
    assertEquals(0, domain.tables.pin(own, 0), "one that it can read is good");
    there.verify();
  }

  @Test
  void aTypeChangesOnlyWhenNobodyUsesIt() {
    List<Long> free = there.free(2);
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
    there.verify();
  }

  @Test
  void pagesThatWereGivenAwayAreNobodysUntilTheyAreTakenBack() {
    List<Long> free = there.free(2);
    long gone = free.get(0);
    domain.memory.giveBack(gone);
    domain.pages.given(gone, true);
    long address = free.get(1) << 12;
    assertEquals(Refusal.PERMISSION, domain.tables.updateMapping(address, entry(gone, LEAF)));
    assertEquals(Refusal.PERMISSION, domain.tables.pin(gone, 0));
    assertEquals(Refusal.PERMISSION, domain.grants.lend(3, 0, gone, false));
    domain.pages.given(gone, false);
    assertEquals(0, domain.tables.updateMapping(address, entry(gone, LEAF | Table.W)));
    there.verify();
  }

  @Test
  void aGrantIsForOneDriverAndWithItsRights() {
    long page = there.free(1).getFirst();
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
    there.verify();
  }

  // ---- at random ----

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void whateverIsAskedForTheCountsAndMapsAreRight(long seed) {
    Random random = new Random(seed);
    List<Long> mine = there.free(24);
    long home = domain.tables.current().page;
    assertEquals(0, domain.tables.pin(home, Table.TOP));
    int done = 0;
    for (int step = 0; step < 3_000; step++) {
      done += ask(random, mine, home) == 0 ? 1 : 0;
      if (step % 100 == 0) {
        there.verify();
      }
    }
    there.verify();
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
          there.put(page, random.nextInt(8), any(random, other));
        }
        yield 1;
      }
      case 8 -> {
        if (mine.contains(page) && domain.pages.typed(page) == 0) {
          there.clear(page);
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
        ? there.page(random.nextInt(domain.pages.count() + 20) - 10)
        : mine.get(random.nextInt(mine.size()));
  }

  private static long any(Random random, long page) {
    long[] bits = {0, POINTER, LEAF, LEAF | Table.W, LEAF | Table.W | Table.USER, LEAF | Table.X};
    long wrong = random.nextInt(40) == 0 ? 1L << random.nextInt(64) : 0;
    return entry(page, bits[random.nextInt(bits.length)]) ^ wrong;
  }
}
