package duality.processor.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Lines;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What two harts do to each other's reservations; each step is made by hand. */
class ReservationTest {
  private static final long BASE = 0x10000;
  private static final long PLACE = BASE + 0x4000;
  private static final int ECALL = 0x73;
  private static final int DOUBLE = 3 << 12;
  private static final int WORD = 2 << 12;

  private final Arena arena = Arena.ofConfined();
  private final FlatMemory memory = new FlatMemory(arena, BASE, 1 << 16);
  private final Hart one = hart(BASE);
  private final Hart other = hart(BASE + 0x1000);

  @AfterEach
  void free() {
    arena.close();
  }

  /** Calls out between its instructions: a0 is the place, a1 what is stored, a2 the answer. */
  private Hart hart(long code) {
    Hart hart = new Interpreter().hart(HartMode.USER, memory, new Lines(), () -> 0);
    hart.pc(code);
    hart.x(10, PLACE);
    return hart;
  }

  private static int lr(int width) {
    return 0x1000_002f | width | 12 << 7 | 10 << 15;
  }

  private static int sc(int width) {
    return 0x1800_002f | width | 12 << 7 | 10 << 15 | 11 << 20;
  }

  /** The hart executes one instruction; its answer. */
  private long does(Hart hart, int instruction, long operand) {
    long at = hart == one ? BASE : BASE + 0x1000;
    memory.writeInt(at, 0x100f); // fence.i: the next one is new
    memory.writeInt(at + 4, instruction);
    memory.writeInt(at + 8, ECALL);
    hart.pc(at);
    hart.x(11, operand);
    assertEquals(Exit.CALL, hart.run(100));
    return hart.x(12);
  }

  private void becomes(Hart hart, long value) {
    does(hart, lr(DOUBLE), 0);
    assertEquals(0, does(hart, sc(DOUBLE), value), "nobody is in its way");
  }

  @Test
  void itHoldsWhenNobodyStores() {
    for (int width : new int[] {DOUBLE, WORD}) {
      does(one, lr(width), 0);
      does(other, lr(width), 0);
      assertEquals(0, does(one, sc(width), 5));
      assertEquals(1, does(other, sc(width), 6), "of two that hold it one succeeds");
      assertEquals(1, does(one, sc(width), 7), "and once");
      assertEquals(5, does(one, lr(width), 0));
    }
  }

  @Test
  void itIsBrokenByWhoChangesTheValueAndChangesItBack() {
    becomes(one, 11);
    assertEquals(11, does(one, lr(DOUBLE), 0));
    becomes(other, 12);
    becomes(other, 11);
    assertEquals(1, does(one, sc(DOUBLE), 13), "the same value, but not the same all the time");
    assertEquals(11, does(one, lr(DOUBLE), 0));
    assertEquals(0, does(one, sc(DOUBLE), 13));
  }

  @Test
  void itIsBrokenByAPlainStoreOfAnotherValue() {
    becomes(one, 11);
    does(one, lr(DOUBLE), 0);
    memory.writeLong(PLACE, 12);
    assertEquals(1, does(one, sc(DOUBLE), 13));
    assertEquals(12, does(other, lr(DOUBLE), 0), "nothing was stored");
    assertEquals(0, does(other, sc(DOUBLE), 14), "and others are not held up");
  }

  @Test
  void whatIsStoredElsewhereDoesNotMatter() {
    does(one, lr(DOUBLE), 0);
    other.x(10, PLACE + 4096 + 64);
    becomes(other, 12);
    assertEquals(0, does(one, sc(DOUBLE), 13));
  }

  @Test
  void itIsForOnePlaceAndOneWidth() {
    does(one, lr(DOUBLE), 0);
    one.x(10, PLACE + 1024);
    assertEquals(1, does(one, sc(DOUBLE), 1));
    one.x(10, PLACE);
    does(one, lr(DOUBLE), 0);
    assertEquals(1, does(one, sc(WORD), 1));
    assertEquals(1, does(one, sc(DOUBLE), 1), "a failed one ends it");
  }
}
