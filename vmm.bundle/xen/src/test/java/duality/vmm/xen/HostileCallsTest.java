package duality.vmm.xen;

import static duality.vmm.xen.Recount.LEAF;
import static duality.vmm.xen.Recount.POINTER;
import static duality.vmm.xen.Recount.entry;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.KernelThread;
import duality.kernel.TrapHandler;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Memory;
import duality.vmm.VirtualMachine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Hypercalls as the hart makes them, number and arguments in its registers and lists in its memory:
 * lists of calls, and whatever a hostile kernel may ask for.
 */
@Timeout(600)
class HostileCallsTest {
  private static final int CALL_FROM_KERNEL = 9;
  private static final int SEGMENTS = 11;
  private static final int PIN = 0;
  private static final int UNPIN = 3;
  private static final int NEW_ROOT = 4;
  private static final int EXTENDED = 3;

  @TempDir private Path folder = Path.of("");
  private XenRig xen;
  private VirtualMachine machine;
  private Domain domain;
  private Recount there;
  private KernelThread thread;
  private HartState before;

  /** A page of the guest's own, mapped to itself, with nothing in it: for lists. */
  private long list;

  @BeforeEach
  void bootAndPause() throws Exception {
    xen = new XenRig(folder);
    machine = xen.bootedWithDisk("a");
    machine.pause();
    domain = xen.domain();
    there = new Recount(domain);
    thread = xen.hart().thread();
    before = thread.save();
    list = domain.ports.sharedPage() - SEGMENTS << 12;
    there.clear(list >>> 12);
  }

  @AfterEach
  void end() {
    xen.close();
  }

  /** How often the hart came for it before it was done. */
  private int rounds;

  private long call(long number, long... arguments) {
    for (int i = 0; i < 4; i++) {
      thread.x(10 + i, i < arguments.length ? arguments[i] : 0);
    }
    thread.x(17, number);
    rounds = 1;
    while (xen.hart().trap(CALL_FROM_KERNEL, 0) == TrapHandler.RESUME) {
      rounds++;
      assertTrue(rounds < 10_000, "a call that is never done");
    }
    return thread.x(10);
  }

  private void words(long... words) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * words.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(words);
    domain.memory.write(list, bytes.array());
  }

  private long word(int index) {
    try (duality.kernel.Grant grant = domain.memory.grant(list + 8L * index, 8, Memory.READ)) {
      return grant.getLong(0);
    }
  }

  private void goOn() {
    thread.restore(before);
    machine.resume();
    xen.command("a", "touch 20", "touched 20 pages, 20 faults, all zero");
    xen.assertSound("a");
  }

  // ---- lists of calls ----

  @Test
  void eachCallOfAListHasItsOwnResult() {
    long page = there.free(1).getFirst();
    long foreign = there.page(-1);
    long[] calls = {
      Hypercalls.UPDATE_MAPPING,
      page << 12,
      entry(page, LEAF | Table.W),
      0,
      0,
      99,
      Hypercalls.UPDATE_MAPPING,
      page << 12,
      entry(foreign, LEAF),
      0,
      0,
      99,
      Hypercalls.MEMORY,
      1,
      0,
      0,
      0,
      99,
      Hypercalls.SCHEDULE,
      2,
      0,
      0,
      0,
      99,
      Hypercalls.MULTICALL,
      list,
      6,
      0,
      0,
      99,
      77,
      0,
      0,
      0,
      0,
      99,
      -1,
      0,
      0,
      0,
      0,
      99,
    };
    words(calls);
    assertEquals(0, call(Hypercalls.MULTICALL, list, calls.length / 6));
    long[] results = new long[calls.length / 6];
    for (int i = 0; i < results.length; i++) {
      results[i] = word(6 * i + 5);
    }
    assertArrayEquals(
        new long[] {
          0,
          -Refusal.PERMISSION,
          domain.pages.count(),
          -Refusal.INVALID, // not from within a list
          -Refusal.UNKNOWN, // no lists of lists
          -Refusal.UNKNOWN,
          -Refusal.UNKNOWN
        },
        results);
    assertEquals(page << 12, domain.tables.locate(page << 12, Memory.WRITE));
    there.verify();
    goOn();
  }

  @Test
  void eachListOfUpdatesInAListOfCallsIsDone() {
    List<Long> free = there.free(2);
    long updates = list + 1024;
    words(Hypercalls.MMU_UPDATE, updates, 2, 0, 0, 99, Hypercalls.MMU_UPDATE, updates, 1, 0, 0, 99);
    ByteBuffer pins = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
    pins.putLong(free.get(0) << 12 | EXTENDED).putLong(PIN);
    pins.putLong(free.get(1) << 12 | EXTENDED).putLong(PIN);
    domain.memory.write(updates, pins.array());
    assertEquals(0, call(Hypercalls.MULTICALL, list, 2));
    assertEquals(0, word(5), "both are pinned");
    assertEquals(-Refusal.BUSY, word(11), "the first one is pinned already");
    there.verify();
    goOn();
  }

  @Test
  void aListThatIsNotThereOrTooLongOrNotToBeWrittenIsRefused() {
    long table = domain.tables.current().page << 12;
    assertEquals(-Refusal.TOO_MUCH, call(Hypercalls.MULTICALL, list, 33));
    assertEquals(-Refusal.TOO_MUCH, call(Hypercalls.MULTICALL, list, -1));
    assertEquals(0, call(Hypercalls.MULTICALL, list, 0));
    for (long nowhere : new long[] {0, -8, 1L << 38, Long.MIN_VALUE, Long.MAX_VALUE}) {
      assertEquals(-Refusal.FAULT, call(Hypercalls.MULTICALL, nowhere, 1));
      assertEquals(-Refusal.FAULT, call(Hypercalls.MMU_UPDATE, nowhere, 1));
      assertEquals(-Refusal.FAULT, call(Hypercalls.MEMORY, 2, nowhere, 1));
      assertEquals(-Refusal.FAULT, call(Hypercalls.SET_TRAP_TABLE, nowhere, 1));
      assertEquals(-Refusal.FAULT, call(Hypercalls.CONSOLE, nowhere, 8));
    }
    // The guest may read its tables: a result does not get into one.
    long was = domain.tables.current().entries[5];
    assertEquals(-Refusal.FAULT, call(Hypercalls.MULTICALL, table, 1));
    assertEquals(was, domain.tables.current().entries[5]);
    there.verify();
    goOn();
  }

  @Test
  void aListThatTakesLongIsGoneOnWithAndDoneOnce() {
    long page = there.free(1).getFirst();
    int pairs = 2_048 / 2;
    long first = domain.ports.sharedPage() - SEGMENTS - 20 << 12;
    ByteBuffer updates = ByteBuffer.allocate(32 * pairs).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < pairs; i++) {
      updates.putLong(page << 12 | EXTENDED).putLong(PIN);
      updates.putLong(page << 12 | EXTENDED).putLong(UNPIN);
    }
    domain.memory.write(first, updates.array());
    // Pinned twice or unpinned twice, it would be refused.
    assertEquals(0, call(Hypercalls.MMU_UPDATE, first, 2L * pairs));
    assertTrue(rounds > 2, "done in " + rounds + " pieces");
    int each = 400;
    long[] calls = new long[6 * 8];
    for (int i = 0; i < 8; i++) {
      calls[6 * i] = Hypercalls.MMU_UPDATE;
      calls[6 * i + 1] = first;
      calls[6 * i + 2] = each;
      calls[6 * i + 5] = 99;
    }
    words(calls);
    assertEquals(0, call(Hypercalls.MULTICALL, list, 8));
    assertTrue(rounds > 2, "done in " + rounds + " pieces");
    for (int i = 0; i < 8; i++) {
      assertEquals(0, word(6 * i + 5), "result of call " + i);
    }
    assertEquals(0, domain.pages.held(page), "unpinned as often as pinned");
    there.verify();
    goOn();
  }

  // ---- what is asked in vain ----

  @Test
  void aDriverIsNotConnectedByAGrantThatItMayNotUse() {
    long page = there.free(1).getFirst();
    int disk = 1;
    assertEquals(0, call(Hypercalls.GRANTS, 0, 40, 0, page), "for the console");
    assertEquals(0, call(Hypercalls.GRANTS, 1, 41, disk, page), "to be read");
    for (long reference : new long[] {39, 40, 41, -1, 2_048, Long.MIN_VALUE, 1L << 32}) {
      assertEquals(-Refusal.INVALID, call(Hypercalls.DRIVERS, 1, disk, reference));
    }
    for (long driver : new long[] {2, -1, 1L << 32, Long.MIN_VALUE}) {
      assertEquals(-Refusal.NOTHING_THERE, call(Hypercalls.DRIVERS, 1, driver, 0));
      assertEquals(-Refusal.NOTHING_THERE, call(Hypercalls.GRANTS, 0, 42, driver, page));
      assertEquals(-Refusal.NOTHING_THERE, call(Hypercalls.EVENTS, 1, driver));
    }
    for (long port : new long[] {0, 60, -1, 64, 1L << 32}) {
      assertEquals(-Refusal.NOTHING_THERE, call(Hypercalls.EVENTS, 3, port));
      assertEquals(-Refusal.NOTHING_THERE, call(Hypercalls.EVENTS, 2, port));
    }
    there.verify();
    goOn();
    xen.command("a", "op write 3", "write: 3 times");
  }

  @Test
  void noHandlerIsWherePoorProgramsReach() {
    words(8, domain.segment, 9, 1, 16, 0, -1, 0);
    assertEquals(-Refusal.INVALID, call(Hypercalls.SET_TRAP_TABLE, list, 1));
    for (long wrong : new long[] {domain.segment, domain.segmentEnd - 2, 0x8020_0001L, 1L << 40}) {
      assertEquals(-Refusal.INVALID, call(Hypercalls.SET_CALLBACK, wrong));
      assertEquals(-Refusal.INVALID, call(Hypercalls.SET_FAST_TRAP, wrong));
    }
    assertEquals(-Refusal.INVALID, call(Hypercalls.SET_TRAP_TABLE, list + 16, 1), "odd");
    assertEquals(-Refusal.INVALID, call(Hypercalls.SET_TRAP_TABLE, list + 32, 1), "cause 16");
    assertEquals(-Refusal.INVALID, call(Hypercalls.SET_TRAP_TABLE, list + 48, 1), "cause -1");
    assertEquals(-Refusal.INVALID, call(Hypercalls.SET_SEGMENT, 0, 1L << 39), "there are tables");
    goOn();
  }

  // ---- at random ----

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13})
  void whateverAKernelAsksForNobodyElseIsHarmed(long seed) throws Exception {
    VirtualMachine other = xen.neighbour("b");
    Random random = new Random(seed);
    List<Long> mine = there.free(8);
    long home = domain.tables.current().page;
    assertEquals(0, domain.tables.pin(home, Table.TOP));
    int done = 0;
    for (int step = 0; step < 4_000; step++) {
      fill(random, mine);
      done += ask(random, mine) >= 0 ? 1 : 0;
      if (step % 20 == 0) {
        // Where its lists are again, if it has left that.
        assertEquals(0, domain.tables.load(home));
        xen.hart().place();
        int unused = domain.tables.updateMapping(list, entry(list >>> 12, LEAF | Table.W));
      }
      if (step % 100 == 0) {
        there.verify();
      }
    }
    there.verify();
    assertTrue(done > 300, "only " + done + " of them were done: seed " + seed);
    xen.command("b", "sum 1000", "sum 1000 = 0x9ac7455483036aca");
    xen.command("b", "touch 100", "touched 100 pages, 100 faults, all zero");
    assertEquals("running", other.report().state());
    assertEquals(List.of(), xen.rig.core.failures(0), () -> "seed " + seed);
    xen.rig.root.remove("vm/a");
    assertFalse(xen.rig.root.balance().owners().containsKey("vm/a"), "its memory is back");
    xen.command("b", "sum 1000", "sum 1000 = 0x9ac7455483036aca");
  }

  private long ask(Random random, List<Long> mine) {
    long number = random.nextInt(20) == 0 ? any(random, mine) : random.nextInt(14);
    long what = random.nextInt(4) == 0 ? any(random, mine) : random.nextInt(5);
    long a0 =
        switch ((int) Math.clamp(number, -1, 64)) {
          case Hypercalls.MMU_UPDATE, Hypercalls.MULTICALL, Hypercalls.SET_TRAP_TABLE -> {
            yield random.nextInt(8) == 0 ? any(random, mine) : list;
          }
          case Hypercalls.SCHEDULE -> random.nextInt(2); // it is not to end
          default -> what;
        };
    long a1 = random.nextInt(3) == 0 ? any(random, mine) : random.nextInt(8);
    long a2 = random.nextInt(2) == 0 ? any(random, mine) : random.nextInt(3);
    return call(number, a0, a1, a2, mine.get(random.nextInt(mine.size())));
  }

  /** What a list may have: updates of tables, calls, pages. */
  private void fill(Random random, List<Long> mine) {
    if (domain.tables.locate(list, Memory.WRITE) != list) {
      return; // it has changed what is there
    }
    long[] all = new long[48];
    int kind = random.nextInt(3);
    for (int i = 0; i < all.length; i++) {
      long page = mine.get(random.nextInt(mine.size()));
      all[i] =
          switch (kind) {
            case 0 -> i % 2 == 0 ? address(random, page) : value(random, page);
            case 1 -> i % 6 == 0 ? call(random) : any(random, mine);
            default -> random.nextInt(5) == 0 ? any(random, mine) : page;
          };
    }
    words(all);
  }

  private static long call(Random random) {
    int number = random.nextInt(15);
    return number == Hypercalls.SCHEDULE ? Hypercalls.MEMORY : number;
  }

  private static long address(Random random, long page) {
    return random.nextInt(2) == 0
        ? page << 12 | EXTENDED
        : (page << 12) + 8L * random.nextInt(8) + (random.nextInt(10) == 0 ? 1 : 0);
  }

  private static long value(Random random, long page) {
    long[] bits = {0, POINTER, LEAF, LEAF | Table.W, LEAF | Table.W | Table.USER};
    return switch (random.nextInt(3)) {
      case 0 -> random.nextInt(6);
      case 1 -> NEW_ROOT;
      default -> entry(page, bits[random.nextInt(bits.length)]);
    };
  }

  private long any(Random random, List<Long> mine) {
    long page = mine.get(random.nextInt(mine.size()));
    long[] all = {
      0,
      1,
      -1,
      33,
      2_048,
      2_049,
      Long.MIN_VALUE,
      Long.MAX_VALUE,
      page,
      page << 12,
      entry(page, LEAF | Table.W),
      list,
      list + 4_088,
      list + 1,
      domain.segment,
      domain.ports.sharedPage(),
      domain.ports.sharedPage() << 12,
      there.page(0),
      there.page(-1),
      there.page(domain.pages.count()),
      there.page(domain.pages.count()) << 12,
      0x1000_0000L,
      1L << random.nextInt(64)
    };
    return all[random.nextInt(all.length)];
  }
}
