package duality.vmm.trap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.Space;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Memory;
import duality.vmm.VirtualMachine;
import duality.vmm.board.GuestMemory;
import duality.vmm.board.Machine;
import duality.vmm.board.Parts;
import duality.vmm.machine.Rig;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Shadows against a walk of the guest's own tables, after random edits of them: what is mapped is
 * what the tables say as of the last fence, with no more rights; and no frame is mapped, fence or
 * none, that is not the guest's now.
 */
@Timeout(600)
class ShadowInvariantTest {
  private static final long RAM = 0x8000_0000L;
  private static final long BYTES = 16L << 20;

  /** Pages that are used as tables, and as what they lead to. */
  private static final long TABLES = RAM + (8L << 20);

  private static final int TABLE_COUNT = 10;
  private static final long SV39 = 8L << 60;
  private static final int ALL = Memory.READ | Memory.WRITE | Memory.EXECUTE;

  /** Parts of the address space that the test uses: first page of each, of 96 pages. */
  private static final long[] AREAS = {0, 512 - 48, 1L << 18, (1L << 27) - 96, (1L << 26) - 48};

  private static final int AREA_PAGES = 96;
  private static final int[] WAYS = {1, 2, 3, 5, 6, 7};

  @TempDir private Path folder = Path.of("");

  private Rig rig;
  private Parts parts;
  private GuestMemory memory;
  private Shadows shadows;
  private Space probe;
  private Random random = new Random(0);

  @BeforeEach
  void boot() throws Exception {
    List<Parts> seen = new ArrayList<>();
    List<TrapHart> harts = new ArrayList<>();
    Server server =
        (context, saved) ->
            machine(
                context,
                saved,
                made -> {
                  seen.add(made);
                  TrapHart hart = new TrapHart(made);
                  harts.add(hart);
                  return hart;
                });
    rig = Rig.with("vmm.trap", server, 1, 128L << 20);
    Path nano = folder.resolve("nano.elf");
    try (InputStream image = ShadowInvariantTest.class.getResourceAsStream("/nano/nano.elf")) {
      assertNotNull(image, "nano.elf is on the class path");
      Files.copy(image, nano);
    }
    VirtualMachine machine =
        rig.machine("a", Map.of("memory", "" + BYTES, "kernel", nano.toString(), "agent", "false"));
    machine.start();
    rig.await(rig.console("a"), 0, "nano: ready", 120);
    machine.pause();
    parts = seen.getFirst();
    memory = parts.memory();
    shadows = harts.getFirst().shadows();
    probe = parts.context().space("probe");
    probe.region(0, 1, ALL);
  }

  private static Instance machine(
      duality.kernel.Context context, duality.kernel.@Nullable State saved, Parts.Monitor monitor) {
    return new Machine(context, saved, HartMode.USER, monitor);
  }

  @AfterEach
  void end() {
    rig.close();
  }

  private long read(long address) {
    try (Grant grant = memory.grant(address, 8, Memory.READ)) {
      return grant.getLong(0);
    }
  }

  private void write(long address, long value) {
    try (Grant grant = memory.grant(address, 8, Memory.WRITE)) {
      grant.setLong(0, value);
    }
  }

  /** A leaf as a walk finds it, or 0. */
  private record Leaf(long entry, long target) {}

  private static final Leaf NONE = new Leaf(0, 0);

  /** The walk of RISC-V Priv. §4.3.2, written for this test. */
  private Leaf walk(long satp, long address) {
    long table = (satp & 0xfffffffffffL) * 4096;
    for (int level = 2; level >= 0; level--) {
      if (!memory.contains(table)) {
        return NONE;
      }
      long entry = read(table + 8 * (address >>> 12 + 9 * level & 511));
      boolean valid = (entry & 1) != 0 && (entry & 6) != 4 && entry >>> 54 == 0;
      if (!valid) {
        return NONE;
      }
      long target = (entry >>> 10 & 0xfffffffffffL) << 12;
      if ((entry & 10) != 0) {
        long inside = (1L << 12 + 9 * level) - 1;
        return (target & inside) != 0 ? NONE : new Leaf(entry, target | address & inside);
      }
      if ((entry & 0xd0) != 0) {
        return NONE;
      }
      table = target;
    }
    return NONE;
  }

  private static int allowed(long entry, int way) {
    boolean user = (entry & 16) != 0;
    int mode = way & 3;
    if ((entry & 64) == 0 || mode == 1 && !user || mode == 2 && user) {
      return 0;
    }
    int rights = (entry & 2) != 0 || way > 4 && (entry & 8) != 0 ? Memory.READ : 0;
    rights |= (entry & 4) != 0 && (entry & 128) != 0 ? Memory.WRITE : 0;
    return rights | ((entry & 8) != 0 && (mode == 1) == user ? Memory.EXECUTE : 0);
  }

  private List<Long> addresses() {
    List<Long> all = new ArrayList<>();
    for (long area : AREAS) {
      for (int page = 0; page < AREA_PAGES; page++) {
        all.add(area + page << 12 << 25 >> 25);
      }
    }
    return all;
  }

  private Set<Long> framesOfGuest() {
    Set<Long> frames = new HashSet<>();
    for (long page = RAM >>> 12; page < RAM + BYTES >>> 12; page++) {
      frames.add(memory.space().frameAt(page));
    }
    frames.remove(-1L);
    return frames;
  }

  private int rightsIn(Space shadow, long page) {
    int rights = probe.share(0, shadow, page, 1, ALL);
    probe.unmap(0, 1);
    return rights;
  }

  /** Says what is mapped too much. */
  private List<String> surplus(long satp, Iterable<Long> addresses) {
    List<String> wrong = new ArrayList<>();
    GuestSpace space = shadows.space(satp);
    for (int way : WAYS) {
      Shadow shadow = space.shadow(way);
      for (long address : addresses) {
        long page = address >>> 12;
        long frame = shadow == null ? -1 : shadow.space.frameAt(page);
        if (shadow == null || frame < 0) {
          continue;
        }
        Leaf leaf = walk(satp, address);
        int rights = rightsIn(shadow.space, page);
        boolean there = leaf != NONE && memory.contains(leaf.target);
        if (!there
            || frame != memory.space().frameAt(leaf.target >>> 12)
            || (rights & ~allowed(leaf.entry, way)) != 0) {
          wrong.add(
              "way %d at %x: frame %d rights %d where the tables have %x"
                  .formatted(way, address, frame, rights, leaf.entry));
        }
      }
    }
    return wrong;
  }

  private long table() {
    return TABLES + 4096L * random.nextInt(TABLE_COUNT);
  }

  private long entry() {
    int kind = random.nextInt(10);
    if (kind < 2) {
      return random.nextInt(4) == 0 ? random.nextLong() : 0;
    }
    if (kind < 5) {
      return table() >>> 12 << 10 | 1; // leads to a table
    }
    long target = RAM + 4096L * random.nextInt((int) (BYTES >>> 12) + 64); // sometimes outside
    if (random.nextInt(4) == 0) {
      target &= -(1L << 21);
    }
    if (random.nextInt(8) == 0) {
      target = TABLES + 4096L * random.nextInt(TABLE_COUNT);
    }
    int[] flags = {0xcf, 0xdf, 0xc7, 0xd7, 0xcb, 0xdb, 0x4f, 0x5f, 0x0f, 0x1f, 0xc3, 0xd3, 0x49};
    return target >>> 12 << 10 | flags[random.nextInt(flags.length)];
  }

  /** An entry that some address of the test goes through, most of the time. */
  private void edit(List<Long> addresses) {
    long address = addresses.get(random.nextInt(addresses.size()));
    int level = random.nextInt(3);
    int index = (int) (address >>> 12 + 9 * level) & 511;
    long table = table();
    long value = entry();
    write(table + 8L * index, value);
    for (int next = 1; random.nextInt(3) != 0 && index + next < 512; next++) {
      write(table + 8L * (index + next), value + ((long) next << 10)); // a row
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void whatIsMappedIsWhatTheTablesSaid(long seed) {
    random = new Random(seed);
    List<Long> addresses = addresses();
    long[] roots = new long[4];
    for (int i = 0; i < roots.length; i++) {
      roots[i] = SV39 | (long) (i % 3) << 44 | TABLES + 4096L * i >>> 12;
    }
    for (int i = 0; i < 600; i++) {
      edit(addresses);
    }
    int reached = 0;
    int mapped = 0;
    for (int round = 0; round < 120; round++) {
      for (int i = random.nextInt(24); i >= 0; i--) {
        edit(addresses);
      }
      GuestSpace space = null;
      for (int i = 0; i < 40; i++) {
        space = shadows.space(roots[random.nextInt(roots.length)]);
        int way = WAYS[random.nextInt(WAYS.length)];
        Shadow unused = shadows.shadow(space, way);
        int access = 1 << random.nextInt(3);
        long address = addresses.get(random.nextInt(addresses.size()));
        int answer = space.reach(way, address, access);
        Leaf leaf = walk(space.satp, address);
        if (answer == GuestSpace.DONE) {
          reached++;
          mapped += space.shadow(way) != null ? 1 : 0;
        } else if (answer == GuestSpace.PAGE_FAULT) {
          int rights = allowed(leaf.entry | 64 | 128, way);
          assertEquals(0, rights & access, "a page fault where the tables allow it, seed " + seed);
        }
      }
      if (random.nextInt(4) == 0) {
        revokeSome();
        assertOwned();
      }
      shadows.fence(null, null, space);
      for (long root : roots) {
        assertEquals(List.of(), surplus(root, addresses), "seed " + seed + ", round " + round);
      }
      assertOwned();
    }
    assertTrue(reached > 100 && mapped > 100, reached + " reached, " + mapped + " mapped");
  }

  /** The pager takes pages back, as it may at any time. */
  private void revokeSome() {
    for (int i = 0; i < 8; i++) {
      long page = (TABLES >>> 12) + TABLE_COUNT + random.nextInt(512);
      memory.space().unmap(page, 1);
    }
  }

  private void assertOwned() {
    Set<Long> own = framesOfGuest();
    for (int i = 0; i < Parts.MOST_SHADOWS; i++) {
      String name = "vm/a:" + Parts.SHADOW + i;
      if (rig.core.spaces().stream().noneMatch(each -> each.name().equals(name))) {
        continue;
      }
      Space shadow = parts.context().space(Parts.SHADOW + i);
      for (long address : addresses()) {
        long frame = shadow.frameAt(address >>> 12);
        assertTrue(frame < 0 || own.contains(frame), "frame " + frame + " is not the guest's");
      }
    }
  }

  @Test
  void aFenceOfOneAddressIsHeardInEachAddressSpace() {
    random = new Random(7);
    long[] roots = {SV39 | TABLES >>> 12, SV39 | 1L << 44 | TABLES >>> 12};
    write(TABLES, TABLES + 4096 >>> 12 << 10 | 1);
    write(TABLES + 4096, TABLES + 8192 >>> 12 << 10 | 1);
    for (int round = 0; round < 2000; round++) {
      int index = random.nextInt(8);
      long address = 4096L * index;
      long target = TABLES + (1L << 20) + 4096L * random.nextInt(8);
      write(TABLES + 8192 + 8L * index, target >>> 12 << 10 | (random.nextBoolean() ? 0xcf : 0xc3));
      GuestSpace current = shadows.space(roots[random.nextInt(2)]);
      shadows.fence(address, random.nextBoolean() ? null : (current.satp >>> 44 & 0xffff), current);
      Shadow unused = shadows.shadow(current, GuestSpace.SUPERVISOR);
      int answer = current.reach(GuestSpace.SUPERVISOR, address, Memory.READ);
      assertEquals(GuestSpace.DONE, answer);
      for (long root : random.nextInt(100) == 0 ? new long[0] : roots) {
        assertEquals(List.of(), surplus(root, List.of(address)), "round " + round);
      }
    }
  }

  /**
   * Tables without end: a table that is its own table, at each level, is a quarter of a million.
   */
  @Test
  void whatIsRememberedOfAGuestHasALimit() {
    random = new Random(3);
    long pointer = TABLES >>> 12 << 10 | 1;
    long[] roots = new long[12];
    for (int i = 0; i < 512; i++) {
      write(TABLES + 8L * i, i == 2 ? RAM >>> 12 << 10 | 0xcf : pointer);
    }
    for (int i = 0; i < roots.length; i++) {
      roots[i] = SV39 | (long) i << 44 | TABLES >>> 12;
    }
    int done = 0;
    for (int round = 0; round < 20_000; round++) {
      GuestSpace space = shadows.space(roots[round / 1_700]);
      Shadow shadow = shadows.shadow(space, GuestSpace.SUPERVISOR);
      long address = (long) random.nextInt(1 << 18) << 21 << 25 >> 25 | 2 << 12;
      int answer = space.reach(GuestSpace.SUPERVISOR, address, Memory.READ);
      done += answer == GuestSpace.DONE ? 1 : 0;
      assertTrue(space.pieces() <= GuestSpace.MOST_TABLES + Shadow.MOST_PIECES + 3, "too much");
      assertTrue(shadow.pieces() <= Shadow.MOST_PIECES, "too much");
    }
    assertTrue(done > 10_000, done + " reached");
    int pieces = 0;
    for (long root : roots) {
      pieces += shadows.space(root).pieces();
    }
    assertTrue(
        pieces <= Shadows.MOST_PIECES + GuestSpace.MOST_TABLES + Shadow.MOST_PIECES, "" + pieces);
  }

  @Test
  void aPageThatIsTakenFromTheGuestIsTakenFromItsShadows() {
    write(TABLES, TABLES + 4096 >>> 12 << 10 | 1);
    write(TABLES + 4096, TABLES + 8192 >>> 12 << 10 | 1);
    long target = TABLES + (1L << 20);
    write(TABLES + 8192, target >>> 12 << 10 | 0xcf);
    GuestSpace space = shadows.space(SV39 | TABLES >>> 12);
    Shadow shadow = shadows.shadow(space, GuestSpace.SUPERVISOR);
    assertEquals(GuestSpace.DONE, space.reach(GuestSpace.SUPERVISOR, 0, Memory.WRITE));
    long frame = memory.space().frameAt(target >>> 12);
    assertEquals(frame, shadow.space.frameAt(0));
    assertEquals(ALL, rightsIn(shadow.space, 0));
    memory.space().unmap(target >>> 12, 1);
    assertEquals(-1, shadow.space.frameAt(0), "taken in the same moment");
    assertEquals(GuestSpace.DONE, space.reach(GuestSpace.SUPERVISOR, 0, Memory.WRITE));
    memory.space().protect(target >>> 12, 1, Memory.READ);
    assertEquals(0, rightsIn(shadow.space, 0) & Memory.WRITE, "a right that was taken as well");
  }

  @Test
  void spacesDoNotShareInCircles() {
    Space one = parts.context().space("one");
    Space two = parts.context().space("two");
    one.region(0, 4, ALL);
    two.region(0, 4, ALL);
    assertEquals(ALL, one.share(0, memory.space(), RAM >>> 12, 1, ALL));
    assertEquals(ALL, two.share(2, one, 0, 1, ALL));
    CallFailed refused =
        org.junit.jupiter.api.Assertions.assertThrows(
            CallFailed.BadRequest.class, () -> one.share(1, two, 2, 1, ALL));
    assertTrue(refused.getMessage().contains("which has pages of it"), refused.getMessage());
    assertEquals(Memory.READ, two.share(3, one, 0, 1, Memory.READ));
    assertEquals(0, two.share(3, one, 3, 1, Memory.READ), "nothing there, and no pager");
    memory.space().unmap(RAM >>> 12, 1);
    assertEquals(-1, two.frameAt(2), "through two spaces");
    assertEquals(-1, two.frameAt(3));
  }
}
