package duality.processor.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import java.lang.foreign.Arena;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a monitor that traps and emulates asks of user mode: interrupts, counters, other spaces. */
class UserModeTest {
  private static final long BASE = 0x10000;
  private static final int SIE = 0x104;
  private static final int STIMECMP = 0x14d;
  private static final int SCOUNTEREN = 0x106;
  private static final int SSTATUS = 0x100;

  private final Arena arena = Arena.ofConfined();
  private final Lines lines = new Lines();
  private long clock = 1_000;
  private final FlatMemory memory = new FlatMemory(arena, BASE, 1 << 16);
  private final Hart hart = new Interpreter().hart(HartMode.USER, memory, lines, () -> clock);

  @AfterEach
  void free() {
    arena.close();
  }

  private void program(FlatMemory where, int... words) {
    for (int i = 0; i < words.length; i++) {
      where.writeInt(BASE + 4 * i, words[i]);
    }
    hart.pc(BASE);
  }

  @Test
  void itLeavesForTheInterruptsThatItWasTold() {
    program(memory, Words.j(0, 0));
    lines.raise(Lines.SEIP);
    assertEquals(Exit.BUDGET, hart.run(10_000), "for none at first");
    hart.csr(SIE, Lines.STIP);
    assertEquals(Exit.BUDGET, hart.run(10_000), "not for another");
    hart.csr(SIE, Lines.SEIP);
    assertEquals(Exit.INTERRUPT, hart.run(10_000));
    assertEquals(Exit.INTERRUPT, hart.run(10_000), "until it is lowered");
    lines.lower(Lines.SEIP);
    assertEquals(Exit.BUDGET, hart.run(10_000));
    lines.raise(Lines.SSIP);
    hart.csr(SIE, Lines.SSIP);
    assertEquals(Exit.INTERRUPT, hart.run(10_000));
    assertEquals(Lines.SSIP, lines.word() & Lines.SSIP, "the edge is its monitor's to take");
  }

  @Test
  void itLeavesWhenItsTimerIsDue() {
    program(memory, Words.j(0, 0));
    hart.csr(SIE, Lines.STIP);
    hart.csr(STIMECMP, 100); // of 100 ns each
    assertEquals(Exit.BUDGET, hart.run(10_000));
    assertEquals(10_000, hart.wakeNanos());
    clock = 10_000;
    assertEquals(Exit.INTERRUPT, hart.run(10_000));
    hart.csr(STIMECMP, -1);
    assertEquals(Exit.BUDGET, hart.run(10_000));
    assertEquals(Long.MAX_VALUE, hart.wakeNanos());
  }

  @Test
  void countersAndFloatingPointAreThereWhenTheyMayBe() {
    program(memory, Words.i(0x73, 5, 2, 0, 0xc01), Words.r(0x53, 1, 0, 2, 3, 0), Words.j(0, 0));
    assertEquals(Exit.BUDGET, hart.run(10), "all at first");
    hart.pc(BASE);
    hart.csr(SCOUNTEREN, 5);
    assertEquals(Exit.EXCEPTION, hart.run(10), "time is not");
    assertEquals(2, hart.exitCause());
    hart.completeCall();
    assertEquals(BASE + 4, hart.pc(), "stepped over");
    hart.csr(SSTATUS, 0);
    assertEquals(Exit.EXCEPTION, hart.run(10));
    hart.csr(SSTATUS, 3L << 13);
    assertEquals(Exit.BUDGET, hart.run(10));
  }

  @Test
  void whatItWasToldIsInItsState() {
    hart.csr(SIE, Lines.SEIP);
    hart.csr(STIMECMP, 77);
    hart.csr(SCOUNTEREN, 2);
    hart.csr(SSTATUS, 0);
    HartState state = hart.save();
    Map<String, Long> csrs = state.csrs();
    assertEquals(Lines.SEIP, csrs.get("sie"));
    assertEquals(77, csrs.get("stimecmp"));
    assertEquals(2, csrs.get("scounteren"));
    assertEquals(0, csrs.get("sstatus"));
    Hart other = new Interpreter().hart(HartMode.USER, memory, lines, () -> clock);
    other.restore(state);
    assertEquals(csrs, other.save().csrs());
    other.restore(
        new HartState(HartMode.USER, false, 0, 0, false, new long[32], new long[32], Map.of(), 0));
    assertEquals(7, other.save().csrs().get("scounteren"), "as at first");
    assertEquals(3L << 13, other.save().csrs().get("sstatus"));
    assertThrows(IllegalArgumentException.class, () -> hart.csr(0x180, 0));
    Hart full = new Interpreter().hart(HartMode.FULL, memory, lines, () -> clock);
    assertThrows(IllegalArgumentException.class, () -> full.csr(SIE, 0));
  }

  /** To and fro between spaces: what was known of each is right when it comes back. */
  @Test
  void eachSpaceHasItsOwnTranslations() {
    FlatMemory other = new FlatMemory(arena, BASE, 1 << 16);
    // x5 = 1 or 2, and a load of what is behind
    program(other, Words.addi(5, 0, 2), Words.ld(6, 10, 0), 0x73);
    program(memory, Words.addi(5, 0, 1), Words.ld(6, 10, 0), 0x73);
    hart.x(10, BASE + 0x2000);
    memory.writeLong(BASE + 0x2000, 11);
    other.writeLong(BASE + 0x2000, 22);
    for (int round = 0; round < 3; round++) {
      hart.memory(memory);
      assertRun(1, 11 + round);
      hart.memory(other);
      assertRun(2, 22 + round);
      memory.writeLong(BASE + 0x2000, 12 + round);
      other.writeLong(BASE + 0x2000, 23 + round);
    }
    // The code of a space changes while the hart is in the other one.
    memory.writeInt(BASE, Words.addi(5, 0, 3));
    memory.changeEpoch();
    hart.memory(other);
    assertRun(2, 25);
    hart.memory(memory);
    assertRun(3, 14);
  }

  /** {@code fence.i} is for the code of all spaces: they may share it. */
  @Test
  void aFenceOfCodeIsHeardInEachSpace() {
    FlatMemory other = new FlatMemory(arena, BASE, 1 << 16);
    program(memory, Words.addi(5, 0, 1), 0x73);
    hart.x(10, BASE + 0x2000);
    assertEquals(Exit.CALL, hart.run(10));
    memory.writeInt(BASE, Words.addi(5, 0, 4));
    program(other, 0x0000100f, 0x73); // fence.i
    hart.memory(other);
    assertEquals(Exit.CALL, hart.run(10));
    hart.memory(memory);
    hart.pc(BASE);
    assertEquals(Exit.CALL, hart.run(10));
    assertEquals(4, hart.x(5));
  }

  private void assertRun(long five, long six) {
    hart.pc(BASE);
    assertEquals(Exit.CALL, hart.run(10));
    assertEquals(five, hart.x(5));
    assertEquals(six, hart.x(6));
  }
}
