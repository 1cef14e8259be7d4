package duality.vmm.trap;

import static duality.vmm.trap.Code.SATP;
import static duality.vmm.trap.Code.SEPC;
import static duality.vmm.trap.Code.SRET;
import static duality.vmm.trap.Code.SSTATUS;
import static duality.vmm.trap.Code.STVEC;
import static duality.vmm.trap.Code.addi;
import static duality.vmm.trap.Code.all;
import static duality.vmm.trap.Code.auipc;
import static duality.vmm.trap.Code.csrc;
import static duality.vmm.trap.Code.csrr;
import static duality.vmm.trap.Code.csrs;
import static duality.vmm.trap.Code.csrw;
import static duality.vmm.trap.Code.i;
import static duality.vmm.trap.Code.jump;
import static duality.vmm.trap.Code.load;
import static duality.vmm.trap.Code.lui;
import static duality.vmm.trap.Code.or;
import static duality.vmm.trap.Code.slli;
import static duality.vmm.trap.Code.srli;
import static duality.vmm.trap.Code.store;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.State;
import duality.vmm.VirtualMachine;
import duality.vmm.machine.Rig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Popek and Goldberg's equivalence: random kernels that use all of S-mode - its registers, traps,
 * programs in U-mode, page tables with SUM and MXR, software interrupts - leave the same hart
 * behind on the engine's full hart and in user mode.
 *
 * <p>Registers: x28 = the gigabyte's page table, x29 = data, x30 and x31 are the kernel's own.
 */
@Timeout(600)
class EquivalenceTest {
  private static final String MEMORY = Long.toString(16L << 20);
  private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(120);
  private static final int STEPS = 1500;

  /** All that can be written without leaving the test: no stvec, no satp, no stimecmp. */
  private static final int[] CSRS = {0x100, 0x104, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144};

  /** Those, and some that are read only, or of M-mode, or not there. */
  private static final int[] READ = {
    0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x14d, 0x180, 0x300, 0x342,
    0x5a8, 0x7c0, 0xf14
  };

  @TempDir private Path folder = Path.of("");

  private Rig rig;

  @BeforeEach
  void assemble() {
    rig = new Rig(2, 256L << 20);
    rig.core.register("vmm.trap", new TrapServer(), VirtualMachine.class);
  }

  @AfterEach
  void end() {
    rig.close();
  }

  /**
   * The trap handler: goes on behind the instruction, in S-mode, without the software interrupt.
   */
  private static final int[] HANDLER = {
    auipc(30, 0),
    addi(30, 30, 16),
    csrw(STVEC, 30),
    jump(32), // over the handler
    csrr(31, SEPC),
    addi(31, 31, 4),
    csrw(SEPC, 31),
    addi(31, 0, 0x100),
    csrs(SSTATUS, 31),
    i(0x73, 0, 7, 2, 0x144), // csrci sip, 2
    SRET,
  };

  /**
   * x29 = data, x28 = a page table with gigabytes: memory for S, for U, without A and D, X only.
   */
  private static final int[] TABLE = {
    auipc(29, 0x300),
    srli(29, 29, 12),
    slli(29, 29, 12),
    auipc(28, 0x200),
    srli(28, 28, 12),
    slli(28, 28, 12),
    lui(5, 0x20000), // frame number of 0x80000000, in place
    addi(6, 5, 0xcf),
    store(3, 6, 28, 16), // 0x80000000: S
    addi(6, 5, 0xdf),
    store(3, 6, 28, 8), // 0x40000000: U
    addi(6, 5, 0x0f),
    store(3, 6, 28, 24), // 0xc0000000: S, neither accessed nor dirty
    addi(6, 5, 0x49),
    store(3, 6, 28, 32), // 0x100000000: X only
    addi(6, 5, 0x43),
    store(3, 6, 28, 40), // 0x140000000: read only
  };

  private static final int[] FINISH = {
    load(3, 5, 28, 16), load(3, 6, 28, 8), load(3, 7, 28, 24), load(3, 8, 28, 32), jump(0),
  };

  private static int[] body(Random random) {
    List<int[]> parts = new ArrayList<>();
    boolean paging = false;
    for (int n = 0; n < STEPS; n++) {
      int kind = random.nextInt(40);
      int rd = 1 + random.nextInt(27);
      int rs = random.nextInt(32);
      if (kind < 12) {
        int csr = CSRS[random.nextInt(CSRS.length)];
        int how = random.nextInt(2) == 0 ? 1 + random.nextInt(3) : 5 + random.nextInt(3);
        parts.add(new int[] {i(0x73, rd, how, rs, csr)});
      } else if (kind < 15) {
        parts.add(new int[] {csrr(rd, READ[random.nextInt(READ.length)])});
      } else if (kind < 17) {
        parts.add(returning(random, paging));
      } else if (kind == 17) {
        paging = !paging;
        parts.add(paging(paging, random.nextInt(4)));
      } else if (kind < 20) {
        parts.add(new int[] {random.nextInt(3) == 0 ? 0x00100073 : 0x12000073 | rs << 15});
      } else if (kind < 30) {
        parts.add(access(random, rd));
      } else if (kind < 33) {
        parts.add(new int[] {addi(rd, rs, random.nextInt(4096) - 2048)});
      } else if (kind < 35) {
        // fmv.d.x, then fadd.d or fmul.d on what is there, then fmv.x.d
        int f = random.nextInt(2) == 0 ? 0x02000053 : 0x12000053;
        int fd = random.nextInt(8);
        parts.add(
            new int[] {
              0xf2000053 | fd << 7 | rs << 15,
              f | random.nextInt(8) << 7 | fd << 15 | random.nextInt(8) << 20,
              0xe2000053 | rd << 7 | random.nextInt(8) << 15
            });
      } else if (kind < 37) {
        parts.add(new int[] {0x33 | rd << 7 | rs << 15 | (1 + random.nextInt(31)) << 20});
      } else if (kind == 37) {
        parts.add(new int[] {0}); // illegal
      } else {
        // Calls from S-mode are the firmware's: a question that has one answer.
        parts.add(new int[] {addi(17, 0, 0x10), addi(16, 0, random.nextInt(8)), 0x73});
      }
    }
    // The end is in S-mode, without paging.
    parts.add(new int[] {0});
    parts.add(paging(false, 0));
    return all(parts.toArray(int[][]::new));
  }

  /** {@code sret} to the next instruction, in S or, without page tables, in U-mode. */
  private static int[] returning(Random random, boolean paging) {
    boolean user = !paging && random.nextBoolean();
    return new int[] {
      addi(30, 0, 0x100),
      user ? csrc(SSTATUS, 30) : csrs(SSTATUS, 30),
      auipc(30, 0),
      addi(30, 30, 16),
      csrw(SEPC, 30),
      SRET,
    };
  }

  /** Traps first, so that it is in S-mode; then writes satp. */
  private static int[] paging(boolean on, int asid) {
    return new int[] {
      0,
      addi(30, 0, on ? 8 : 0),
      slli(30, 30, 16),
      addi(30, 30, asid),
      slli(30, 30, 44),
      on ? srli(31, 28, 12) : addi(31, 0, 5),
      or(30, 30, 31),
      csrw(SATP, 30),
      0x12000073,
    };
  }

  /** A load or store at one of the gigabytes; where there is no paging, most of them are faults. */
  private static int[] access(Random random, int rd) {
    int offset = random.nextInt(1024);
    int width = random.nextInt(4);
    int gigabyte = random.nextInt(7);
    boolean store = random.nextBoolean();
    return new int[] {
      addi(30, 0, gigabyte),
      slli(30, 30, 30),
      slli(31, 29, 34),
      srli(31, 31, 34), // data, within its gigabyte
      or(30, 30, 31),
      store
          ? store(width, rd, 30, offset)
          : load(width + 4 * (width < 3 ? random.nextInt(2) : 0), rd, 30, offset),
    };
  }

  private State run(String vmm, String name, Path kernel, long end) {
    VirtualMachine machine =
        rig.machine(
            name,
            Map.of("server", vmm, "memory", MEMORY, "kernel", kernel.toString(), "agent", "false"));
    machine.start();
    long deadline = System.nanoTime() + LIMIT_NANOS;
    while (true) {
      machine.pause();
      assertEquals("paused", machine.report().state(), () -> vmm + ": " + machine.report());
      State hart = rig.core.kernel().endpoint("vm/" + name).save().states("harts").getFirst();
      if (hart.number("pc") == end) {
        return hart;
      }
      assertTrue(
          System.nanoTime() < deadline,
          () -> vmm + " is at " + Long.toHexString(hart.number("pc")) + ", not at its end");
      machine.resume();
      rig.console(name).output(Long.MAX_VALUE, 1, 1);
    }
  }

  private static Map<String, String> plain(State hart) {
    Map<String, String> all = new TreeMap<>();
    all.put("privilege", "" + hart.number("privilege"));
    long[] x = hart.numbers("x");
    for (int i = 0; i < 32; i++) {
      all.put("x" + i, Long.toHexString(x[i]));
    }
    all.put("f", Arrays.toString(hart.numbers("f")));
    State csrs = hart.state("csrs");
    csrs.values().keySet().stream()
        .filter(each -> !each.equals("mcycle") && !each.equals("minstret"))
        .forEach(each -> all.put(each, Long.toHexString(csrs.number(each))));
    return all;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
  void bothStructuresLeaveTheSameHartBehind(long seed) throws Exception {
    int[] words = all(HANDLER, TABLE, body(new Random(seed)), FINISH);
    Path kernel = Code.image(folder, words);
    long end = Code.START + 4L * (words.length - 1);
    Map<String, String> expected = plain(run("vmm.machine", "full", kernel, end));
    Map<String, String> actual = plain(run("vmm.trap", "trapped", kernel, end));
    Set<String> differing = new TreeSet<>(expected.keySet());
    differing.addAll(actual.keySet());
    // A register that is not named is zero.
    differing.removeIf(
        each -> expected.getOrDefault(each, "0").equals(actual.getOrDefault(each, "0")));
    assertEquals(
        Set.of(), differing, () -> "seed " + seed + ": " + expected + "\nbut was " + actual);
  }
}
