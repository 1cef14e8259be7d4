package duality.processor.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A debugger's steps and stops, in harts of both modes. */
class TriggersTest {
  private static final long BASE = 0x10000;
  private static final long NEXT_PAGE = 0x11000;
  private static final long STEP = 4;
  private static final long EXECUTE = 4;
  private static final long STORE = 2;
  private static final long LOAD = 1;
  private static final long POWER_OF_TWO = 1 << 7;

  private final Arena arena = Arena.ofConfined();
  private final Lines lines = new Lines();
  private final FlatMemory memory = new FlatMemory(arena, BASE, 1 << 16);
  private Hart hart;

  @AfterEach
  void free() {
    arena.close();
  }

  /** A loop that adds up in two pages: a1 += 1 in the first one, a2 += 1 in the other. */
  private void begin(HartMode mode) {
    hart = new Interpreter().hart(mode, memory, lines, () -> 0);
    memory.writeInt(BASE, Words.addi(11, 11, 1));
    memory.writeInt(BASE + 4, Words.i(0x03, 13, 3, 10, 8)); // ld a3,8(a0)
    memory.writeInt(BASE + 8, Words.s(0x23, 3, 10, 11, 16)); // sd a1,16(a0)
    memory.writeInt(BASE + 12, Words.j(0, 0x1000 - 12));
    memory.writeInt(NEXT_PAGE, Words.addi(12, 12, 1));
    memory.writeInt(NEXT_PAGE + 4, Words.j(0, -0x1004));
    hart.pc(BASE);
    hart.x(10, BASE + 0x8000);
  }

  private void set(Map<String, Long> registers) {
    HartState there = hart.save();
    Map<String, Long> csrs = new HashMap<>(there.csrs());
    csrs.keySet().removeIf(name -> name.startsWith("tdata") || name.equals("dcsr"));
    csrs.putAll(registers);
    hart.restore(
        new HartState(
            there.mode(),
            there.firmware(),
            there.pc(),
            there.privilege(),
            there.waiting(),
            there.x(),
            there.f(),
            csrs,
            there.timeOffsetNanos()));
  }

  private void stops(int cause, long pc) {
    assertEquals(Exit.EXCEPTION, hart.run(1_000_000));
    assertEquals(cause, hart.exitCause());
    assertEquals(pc, hart.pc());
  }

  @ParameterizedTest
  @EnumSource
  void itStepsInstructionByInstruction(HartMode mode) {
    begin(mode);
    set(Map.of("dcsr", STEP));
    for (long pc : new long[] {BASE + 4, BASE + 8, BASE + 12, NEXT_PAGE, NEXT_PAGE + 4, BASE}) {
      stops(Exit.STEPPED, pc);
    }
    assertEquals(6, hart.instructions());
    set(Map.of());
    assertEquals(Exit.BUDGET, hart.run(10_000), "and not any more");
  }

  @ParameterizedTest
  @EnumSource
  void itStopsBeforeAnInstruction(HartMode mode) {
    begin(mode);
    assertEquals(Exit.BUDGET, hart.run(10_000), "all is known to the engine by now");
    set(Map.of("tdata1.0", EXECUTE, "tdata2.0", NEXT_PAGE + 4));
    stops(Exit.BREAKPOINT, NEXT_PAGE + 4);
    long ones = hart.x(11);
    stops(Exit.BREAKPOINT, NEXT_PAGE + 4);
    assertEquals(ones, hart.x(11), "it goes nowhere while the place is one to stop at");
    HartState state = hart.save();
    assertEquals(EXECUTE, state.csrs().get("tdata1.0"));
    set(Map.of("tdata1.0", EXECUTE, "tdata2.0", BASE + 4));
    stops(Exit.BREAKPOINT, BASE + 4);
    assertEquals(ones + 1, hart.x(11));
    assertEquals(ones, hart.x(12));
    Hart other = new Interpreter().hart(mode, memory, lines, () -> 0);
    other.restore(state);
    assertEquals(Exit.EXCEPTION, other.run(1_000), "another engine knows of it, too");
    assertEquals(NEXT_PAGE + 4, other.pc());
  }

  @ParameterizedTest
  @EnumSource
  void itStopsBeforeAnAccess(HartMode mode) {
    begin(mode);
    assertEquals(Exit.BUDGET, hart.run(10_000));
    long data = BASE + 0x8000;
    set(Map.of("tdata1.0", STORE | POWER_OF_TWO, "tdata2.0", data + 16 | 3)); // 16 to 23
    stops(Exit.WATCHPOINT, BASE + 8);
    assertEquals(data + 16, hart.exitAddress());
    set(Map.of("tdata1.0", LOAD, "tdata2.0", data + 15)); // the last byte of the load
    stops(Exit.WATCHPOINT, BASE + 4);
    set(Map.of("tdata1.0", LOAD | STORE, "tdata2.0", data + 7));
    assertEquals(Exit.BUDGET, hart.run(10_000), "beside both");
    set(Map.of("tdata1.0", LOAD, "tdata2.0", data + 16));
    assertEquals(Exit.BUDGET, hart.run(10_000), "a store is no load");
  }

  @ParameterizedTest
  @EnumSource
  void whatIsNotWatchedIsNotSlow(HartMode mode) {
    begin(mode);
    set(Map.of("tdata1.0", EXECUTE, "tdata2.0", NEXT_PAGE + 0x800));
    long before = hart.instructions();
    assertEquals(Exit.BUDGET, hart.run(100_000));
    assertTrue(hart.instructions() >= before + 100_000);
    assertEquals(hart.x(11), hart.x(12), 1, "both pages did their work");
  }

  @ParameterizedTest
  @EnumSource
  void aTrapIsAStep(HartMode mode) {
    if (mode == HartMode.USER) {
      return; // leaves the engine
    }
    begin(mode);
    memory.writeInt(BASE + 4, 0x73); // ecall
    set(Map.of("dcsr", STEP, "mtvec", BASE + 12));
    stops(Exit.STEPPED, BASE + 4);
    stops(Exit.STEPPED, BASE + 12);
    assertEquals(1, hart.instructions(), "a call that traps is not retired");
    stops(Exit.STEPPED, NEXT_PAGE);
  }

  @ParameterizedTest
  @EnumSource
  void interruptsWaitForAStepUnlessTheyMayCome(HartMode mode) {
    if (mode == HartMode.USER) {
      return;
    }
    begin(mode);
    lines.raise(Lines.MSIP);
    Map<String, Long> enabled = Map.of("mie", Lines.MSIP, "mstatus", 8L, "mtvec", NEXT_PAGE);
    Map<String, Long> csrs = new HashMap<>(enabled);
    csrs.put("dcsr", STEP);
    set(csrs);
    stops(Exit.STEPPED, BASE + 4);
    csrs.put("dcsr", STEP | 1 << 11);
    set(csrs);
    stops(Exit.STEPPED, NEXT_PAGE);
    assertEquals(1, hart.instructions());
  }

  @ParameterizedTest
  @EnumSource
  void otherRegistersAreNone(HartMode mode) {
    begin(mode);
    assertThrows(IllegalArgumentException.class, () -> set(Map.of("tdata3.0", 1L)));
    assertThrows(IllegalArgumentException.class, () -> set(Map.of("tdata1.64", 1L)));
  }
}
