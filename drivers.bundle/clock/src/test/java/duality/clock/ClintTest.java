package duality.clock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.TestBoard;
import duality.kernel.CallFailed;
import duality.kernel.Notification;
import duality.kernel.processor.Lines;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** The clock is moved by hand; 100 ns are one tick. */
class ClintTest extends DeviceContract {
  private static final long COMPARE = 0x4000;
  private static final long TIME = 0xbff8;

  private final AtomicLong clock = new AtomicLong(5_000_000);
  private Notification[] harts;
  private Clint opened;

  @Override
  protected MmioDevice device(TestBoard board) {
    harts = new Notification[] {board.notification("h0"), board.notification("h1")};
    board
        .core()
        .register(
            "clint",
            (context, saved) -> {
              opened = Clint.open(context, saved, clock::get);
              return opened;
            },
            MmioDevice.class);
    return make("device", "1000000");
  }

  private MmioDevice make(String name, String origin) {
    return board.child(
        name,
        MmioDevice.class,
        "clint",
        Map.of(Slots.HARTS, "2", "origin", origin),
        Map.of("hart0", harts[0], "hart1", harts[1]));
  }

  @Override
  protected long windowBytes() {
    return 0x1_0000;
  }

  @Override
  protected long[] registers() {
    return new long[] {0, 4, 8, COMPARE, COMPARE + 4, COMPARE + 8, COMPARE + 16, TIME, TIME + 4};
  }

  @Override
  protected String withoutWhatResetKeeps(String atFirst, String now) {
    return now.replaceAll("shiftTicks = -?\\d+", "shiftTicks = 0"); // time goes on
  }

  private boolean line(int hart, long line) {
    return (harts[hart].word() & line) != 0;
  }

  @Test
  void timeCountsFromItsOriginAtTenMegahertz() {
    assertEquals(40_000, device().load(TIME, 8));
    clock.addAndGet(1_000_099);
    assertEquals(50_000, device().load(TIME, 8));
    clock.addAndGet(1);
    assertEquals(50_001, device().load(TIME, 4));
    device().store(TIME + 4, 4, 7);
    assertEquals(7L << 32 | 50_001, device().load(TIME, 8));
    assertEquals(7, device().load(TIME + 4, 4));
  }

  @Test
  void softwareInterruptsAreOneBitPerHart() {
    device().store(4, 4, 0xffff_ffffL);
    assertEquals(1, device().load(4, 4));
    assertEquals(0, device().load(0, 4));
    assertEquals(true, line(1, Lines.MSIP));
    assertEquals(false, line(0, Lines.MSIP));
    device().store(4, 4, 2);
    assertEquals(false, line(1, Lines.MSIP));
    device().store(8, 4, 1);
    assertEquals(0, device().load(8, 4), "there is no third hart");
  }

  @Test
  void theTimerLineIsHighFromTheComparisonOn() {
    assertEquals(-1, device().load(COMPARE, 8), "never, at power-on");
    device().store(COMPARE, 8, 40_000);
    assertEquals(true, line(0, Lines.MTIP));
    assertEquals(false, line(1, Lines.MTIP));
    device().store(COMPARE, 8, 40_001);
    assertEquals(false, line(0, Lines.MTIP));
    clock.addAndGet(100);
    TestBoard.await("the timer line", () -> line(0, Lines.MTIP));
    device().store(COMPARE + 4, 4, 1);
    assertEquals(false, line(0, Lines.MTIP), "written in halves");
    assertEquals(1L << 32 | 40_001, device().load(COMPARE, 8));
  }

  @Test
  void comparisonsAreUnsigned() {
    device().store(COMPARE, 8, Long.MIN_VALUE);
    assertEquals(false, line(0, Lines.MTIP));
    device().store(TIME, 8, Long.MIN_VALUE + 5);
    assertEquals(Long.MIN_VALUE + 5, device().load(TIME, 8));
    assertEquals(true, line(0, Lines.MTIP));
  }

  @Test
  void aSuccessorGoesOnWithTimeAndLines() {
    device().store(COMPARE, 8, 40_010);
    device().store(COMPARE + 8, 8, 1);
    device().store(0, 4, 1);
    board.swap(DEVICE);
    assertEquals(40_000, device().load(TIME, 8));
    assertEquals(true, line(0, Lines.MSIP));
    assertEquals(true, line(1, Lines.MTIP));
    assertEquals(false, line(0, Lines.MTIP));
    clock.addAndGet(1_000);
    TestBoard.await("the timer line", () -> line(0, Lines.MTIP));
  }

  @Test
  void aWrongOriginIsRefused() {
    String said = assertThrows(CallFailed.class, () -> make("other", "yesterday")).getMessage();
    assertEquals(true, said.contains("'origin' is 'yesterday'"), said);
  }

  @Test
  void aTimerThatDidNotRingIsMadeUpForAndAHartThatDidNotHearItIsTold() {
    board.endpoint(DEVICE).check();
    device().store(COMPARE, 8, 50_000);
    clock.addAndGet(2_000_000); // the alarm sleeps on, by the host's clock
    board.endpoint(DEVICE).check();
    TestBoard.await("the worker was woken", () -> line(0, Lines.MTIP));
    harts[0].clear(Lines.MTIP);
    board.endpoint(DEVICE).check();
    assertTrue(line(0, Lines.MTIP), "it is told once more");
  }

  @Test
  void aTimerThatIsDueAndDoesNotRingAtAllFailsTheCheck() {
    device().store(COMPARE, 8, 50_000);
    // Two looks before the worker, which waits at the gate: the notification leads nowhere.
    assertThrows(
        IllegalStateException.class,
        () -> {
          Clint clint = opened;
          synchronized (clint) { // the worker comes to its look only behind this
            clock.addAndGet(2_000_000);
            clint.check();
            clint.check();
          }
        });
  }
}
