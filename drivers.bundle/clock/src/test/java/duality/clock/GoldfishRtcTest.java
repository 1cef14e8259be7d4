package duality.clock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.TestBoard;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/**
 * The wall clock is moved by hand, but alarms ring after real time: those of here are due at once.
 */
class GoldfishRtcTest extends DeviceContract {
  private static final long START = 1_700_000_000_123_456_789L;

  private final AtomicLong wall = new AtomicLong(START);

  @Override
  protected MmioDevice device(TestBoard board) {
    board
        .core()
        .register(
            "rtc",
            (context, saved) ->
                GoldfishRtc.open(context, saved, () -> Instant.ofEpochSecond(0, wall.get())),
            MmioDevice.class);
    return board.child(
        DEVICE,
        MmioDevice.class,
        "rtc",
        Map.of(Slots.SOURCE, "1"),
        Map.of(Slots.INTERRUPTS, board.wires()));
  }

  @Override
  protected long windowBytes() {
    return 0x1000;
  }

  @Override
  protected long[] registers() {
    return new long[] {0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c};
  }

  private long get(int register) {
    return device().load(register, 4);
  }

  private void set(int register, long value) {
    device().store(register, 4, value);
  }

  private long time() {
    long low = get(0);
    return get(4) << 32 | low;
  }

  private void alarm(long nanos) {
    set(0xc, nanos >>> 32);
    set(8, nanos);
  }

  @Test
  void showsTheWallClock() {
    assertEquals(START, time());
    wall.addAndGet(5_000_000_000L);
    assertEquals(START + 5_000_000_000L, time());
  }

  @Test
  void theHighWordBelongsToTheLowWordReadBefore() {
    wall.set(0x1234_ffff_ffffL);
    long low = get(0);
    wall.set(0x1235_0000_0000L);
    assertEquals(0x1234_ffff_ffffL, get(4) << 32 | low);
  }

  @Test
  void theGuestSetsItsOwnTime() {
    set(4, 0x1111);
    set(0, 0x2222_2222L);
    assertEquals(0x1111_2222_2222L, time());
    wall.addAndGet(1_000);
    assertEquals(0x1111_2222_2222L + 1_000, time());
    board.swap(DEVICE);
    assertEquals(0x1111_2222_2222L + 1_000, time());
  }

  @Test
  void anAlarmThatIsDueInterruptsWhenEnabled() {
    set(0x10, 1);
    alarm(START + 1);
    assertEquals(1, get(0x18));
    assertFalse(board.wire(1));
    wall.set(START + 1);
    TestBoard.await("the alarm", () -> board.wire(1));
    assertEquals(0, get(0x18));
    set(0x1c, 1);
    assertFalse(board.wire(1));
  }

  @Test
  void anAlarmInThePastRingsAtOnceAndIsHeardWhenEnabled() {
    alarm(1);
    assertEquals(0, get(0x18));
    assertFalse(board.wire(1));
    set(0x10, 1);
    assertTrue(board.wire(1));
    board.swap(DEVICE);
    TestBoard.await("the line is high", () -> board.wire(1));
    set(0x10, 0);
    assertFalse(board.wire(1));
  }

  @Test
  void aClearedAlarmDoesNotRing() {
    set(0x10, 1);
    alarm(START + 1);
    set(0x14, 1);
    wall.addAndGet(1_000_000_000_000L);
    assertEquals(0, get(0x18));
    set(0x1c, 1);
    assertFalse(board.wire(1));
  }

  @Test
  void aSuccessorKeepsTheAlarm() {
    set(0x10, 1);
    alarm(START + 1);
    board.swap(DEVICE);
    assertEquals(1, get(0x18));
    wall.set(START + 2);
    TestBoard.await("the alarm", () -> board.wire(1));
  }
}
