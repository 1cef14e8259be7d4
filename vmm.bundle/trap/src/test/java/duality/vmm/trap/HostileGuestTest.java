package duality.vmm.trap;

import static duality.vmm.trap.Code.SATP;
import static duality.vmm.trap.Code.SSTATUS;
import static duality.vmm.trap.Code.STVEC;
import static duality.vmm.trap.Code.addi;
import static duality.vmm.trap.Code.all;
import static duality.vmm.trap.Code.auipc;
import static duality.vmm.trap.Code.csrw;
import static duality.vmm.trap.Code.i;
import static duality.vmm.trap.Code.jump;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.vmm.MachineReport;
import duality.vmm.VirtualMachine;
import duality.vmm.board.Parts;
import duality.vmm.machine.Rig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Kernels that do what no kernel should: they come to harm, or go on for ever, and nobody else
 * notices. Beside each of them runs a guest that must go on, on the same processor.
 */
@Timeout(600)
class HostileGuestTest {
  private static final String MEMORY = Long.toString(16L << 20);
  private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(120);

  private static final int[] CSRS = {
    0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144, 0x14d, 0x180, 0x001,
    0xc00, 0x300, 0x7c0
  };

  @TempDir private Path folder = Path.of("");

  private Rig rig;

  @BeforeEach
  void bootAGoodOne() throws Exception {
    rig = Rig.with("vmm.trap", new TrapServer(), 1, 256L << 20);
    Path nano = folder.resolve("nano.elf");
    try (InputStream image = HostileGuestTest.class.getResourceAsStream("/nano/nano.elf")) {
      assertNotNull(image, "nano.elf is on the class path");
      Files.copy(image, nano);
    }
    rig.machine("good", Map.of("memory", MEMORY, "kernel", nano.toString(), "agent", "false"))
        .start();
    rig.await(rig.console("good"), 0, "nano: ready", 120);
  }

  @AfterEach
  void end() {
    rig.close();
  }

  /** A kernel in the form of a flat image, whose first instruction is the first of these. */
  private VirtualMachine bad(int... words) throws IOException {
    Path kernel = Code.image(folder, words);
    VirtualMachine machine =
        rig.machine("bad", Map.of("memory", MEMORY, "kernel", kernel.toString(), "agent", "false"));
    machine.start();
    return machine;
  }

  /** The good guest answers, in time; and no server was harmed. */
  private void nobodyElseNotices() {
    long from = rig.console("good").position();
    rig.console("good").type("sum 1000\r");
    rig.await(rig.console("good"), from, "sum 1000 = 0x9ac7455483036aca", 120);
    from = rig.console("good").position();
    rig.console("good").type("touch 20\r");
    rig.await(rig.console("good"), from, "touched 20 pages", 120);
    assertTrue(rig.core.failures(0).isEmpty(), () -> "" + rig.core.failures(0));
    long shadows =
        rig.core.spaces().stream().filter(each -> each.name().contains(Parts.SHADOW)).count();
    assertTrue(shadows <= 2L * Parts.MOST_SHADOWS, shadows + " shadows");
  }

  private static String ended(VirtualMachine machine) {
    long end = System.nanoTime() + LIMIT_NANOS;
    MachineReport report = machine.report();
    while (report.state().equals("running") && System.nanoTime() < end) {
      Thread.onSpinWait();
      report = machine.report();
    }
    return report.state();
  }

  private static void runs(VirtualMachine machine, long instructions) {
    long end = System.nanoTime() + LIMIT_NANOS;
    while (machine.report().instructions() < instructions) {
      assertTrue(System.nanoTime() < end, () -> "it stands: " + machine.report());
      assertEquals("running", machine.report().state());
      Thread.onSpinWait();
    }
  }

  @Test
  void aTrapHandlerThatIsNotThereEndsItsMachine() throws Exception {
    VirtualMachine machine = bad(0, 0);
    assertTrue(ended(machine).contains("hart stopped by cause"), machine.report().state());
    nobodyElseNotices();
  }

  @Test
  void anEndlessLoopOfTrapsTakesItsShareAndNoMore() throws Exception {
    // stvec = the illegal instruction behind it: every trap is the next one's cause, but for one
    // addition.
    VirtualMachine machine = bad(auipc(5, 0), addi(5, 5, 12), csrw(STVEC, 5), addi(6, 6, 1), 0, 0);
    runs(machine, 20_000);
    nobodyElseNotices();
    machine.stop();
    assertEquals("stopped", machine.report().state());
  }

  @Test
  void aRootWhereNoMemoryIsEndsItsMachine() throws Exception {
    // satp = Sv39 with a root at 2^54
    VirtualMachine machine =
        bad(
            addi(5, 0, 8),
            i(0x13, 5, 1, 5, 60),
            addi(6, 0, 1),
            i(0x13, 6, 1, 6, 42),
            0x33 | 5 << 7 | 6 << 12 | 5 << 15 | 6 << 20,
            csrw(SATP, 5),
            addi(7, 0, 1));
    assertTrue(ended(machine).contains("hart stopped by cause"), machine.report().state());
    nobodyElseNotices();
  }

  /** x29 = a page 2 MiB behind the kernel, x30 = the satp that has it as its root. */
  private static final int[] ROOT = {
    auipc(29, 0x200),
    i(0x13, 29, 5, 29, 12),
    addi(28, 0, 8),
    i(0x13, 28, 1, 28, 60),
    0x33 | 30 << 7 | 6 << 12 | 28 << 15 | 29 << 20, // or x30, x28, x29
    i(0x13, 29, 1, 29, 12),
  };

  /** The root's gigabyte at 0x80000000 is memory; every other entry leads to the root itself. */
  private static final int[] LOOPING_TABLE = {
    i(0x13, 5, 5, 29, 12),
    i(0x13, 5, 1, 5, 10),
    addi(5, 5, 1), // a pointer: V
    addi(6, 0, 512),
    addi(7, 29, 0),
    0x0053b023, // sd x5, 0(x7)
    addi(7, 7, 8),
    addi(6, 6, -1),
    0xfe031ae3, // bne x6, x0, -12
    0x37 | 5 << 7 | 0x20000 << 12, // lui x5, 0x20000: the frame number of 0x80000000, in place
    addi(5, 5, 0xcf),
    0x005eb823, // sd x5, 16(x29)
  };

  @Test
  void tablesThatAreTheirOwnTablesAreWalkedAndNothingElse() throws Exception {
    // Loads 4 KiB apart, all of which go round in the table, under a handler that goes on behind.
    int[] loop = {
      auipc(10, 0),
      addi(10, 10, 28), // the handler
      csrw(STVEC, 10),
      csrw(SATP, 30),
      0x37 | 12 << 7 | 1 << 12, // lui x12, 1
      addi(11, 0, 0),
      jump(20),
      i(0x73, 31, 2, 0, 0x141),
      addi(31, 31, 4),
      csrw(0x141, 31),
      0x10200073, // sret
      0x00c585b3, // add x11, x11, x12
      0x0005b683, // ld x13, 0(x11)
      0x12000073, // sfence.vma
      jump(-12),
    };
    VirtualMachine machine = bad(all(ROOT, LOOPING_TABLE, loop));
    runs(machine, 30_000);
    nobodyElseNotices();
    assertTrue(
        machine.report().overhead().matches("(?s).*page faults handed to the guest: [0-9]{4,}.*"),
        machine.report().overhead());
  }

  /** Random kernels out of what is most dangerous, under a trap handler that goes on behind. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void randomKernelsHarmNobody(long seed) throws Exception {
    Random random = new Random(seed);
    int[] words = new int[2000];
    int at = 0;
    if (seed % 2 == 0) {
      for (int word : all(ROOT, LOOPING_TABLE, new int[] {csrw(SATP, 30)})) {
        words[at++] = word;
      }
    }
    int first = at;
    // The handler: sepc += 4, sret.
    words[at++] = auipc(5, 0);
    words[at++] = addi(5, 5, 16);
    words[at++] = csrw(STVEC, 5);
    words[at++] = jump(24);
    words[at++] = i(0x73, 31, 2, 0, 0x141);
    words[at++] = addi(31, 31, 4);
    words[at++] = csrw(0x141, 31);
    words[at++] = 0x10200073;
    words[at++] = 0;
    while (at < words.length - 1) {
      words[at++] = dangerous(random);
    }
    words[at] = jump(-4 * (words.length - first - 12));
    VirtualMachine machine = bad(words);
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(300);
    while (System.nanoTime() < end && machine.report().state().equals("running")) {
      Thread.onSpinWait();
    }
    nobodyElseNotices();
    machine.stop();
    assertTrue(machine.report().state().matches("stopped|failed.*"), machine.report().state());
  }

  private static int dangerous(Random random) {
    int rd = 1 + random.nextInt(28);
    int rs = random.nextInt(32);
    return switch (random.nextInt(16)) {
      case 0, 1, 2 -> i(0x73, rd, 1 + random.nextInt(3), rs, CSRS[random.nextInt(CSRS.length)]);
      case 3 -> i(0x73, rd, 5 + random.nextInt(3), rs, SSTATUS);
      case 4 -> csrw(SATP, random.nextInt(4) == 0 ? rs : 30);
      case 5 -> 0x12000073 | rs << 15 | rd << 20;
      case 6 -> 0x00000073;
      case 7 -> random.nextInt(8) == 0 ? 0x10500073 : 0x10200073;
      case 8 -> i(0x03, rd, random.nextInt(7), rs, random.nextInt(4096));
      case 9 -> {
        int base = random.nextBoolean() ? rs : 29; // the root
        yield 0x23 | 3 << 12 | base << 15 | rd << 20 | random.nextInt(128) << 25;
      }
      case 10 -> 0x37 | rd << 7 | random.nextInt() & 0xfffff000;
      case 11 -> i(0x13, rd, 1, rs, random.nextInt(64));
      case 12 -> 0x33 | rd << 7 | 6 << 12 | rs << 15 | rd << 20;
      case 13 -> random.nextInt();
      case 14 -> auipc(rd, random.nextInt(64));
      default -> 0x2f | rd << 7 | 3 << 12 | rs << 15 | rd << 20 | random.nextInt(32) << 27;
    };
  }
}
