package duality.finisher;

import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.drivers.Finish;
import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.TestBoard;
import duality.kernel.Notification;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FinisherTest extends DeviceContract {
  private Notification finish;

  @Override
  protected MmioDevice device(TestBoard board) {
    finish = board.notification("finish");
    board.core().register("finisher", new FinisherServer(), MmioDevice.class);
    return board.child(
        DEVICE, MmioDevice.class, "finisher", Map.of(), Map.of(Slots.FINISH, finish));
  }

  @Override
  protected long windowBytes() {
    return 0x1000;
  }

  @Override
  protected long[] registers() {
    return new long[] {0};
  }

  private long told(long offset, int width, long value) {
    device().store(offset, width, value);
    return finish.take(-1, 0);
  }

  @Test
  void tellsHowTheMachineEnds() {
    assertEquals(Finish.POWER_OFF, told(0, 4, 0x5555));
    assertEquals(Finish.POWER_OFF, told(0, 2, 0x5555));
    assertEquals(Finish.RESET, told(0, 4, 0x7777));
    assertEquals(Finish.FAILED | 42 << 16, told(0, 4, 42 << 16 | 0x3333));
    assertEquals(Finish.FAILED | 0xffffL << 16, told(0, 4, 0xffff_3333L));
  }

  @Test
  void anythingElseMeansNothing() {
    assertEquals(0, told(0, 4, 0));
    assertEquals(0, told(0, 4, 0x5554));
    assertEquals(0, told(0, 1, 0x55));
    assertEquals(0, told(4, 4, 0x5555));
    assertEquals(0, told(0, 8, 0x5555));
    assertEquals(0, device().load(0, 4));
  }
}
