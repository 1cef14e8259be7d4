package duality.finisher;

import duality.drivers.Finish;
import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;

/**
 * SiFive's test finisher, as QEMU's {@code virt} has it at 0x100000: one register, by which a guest
 * ends its machine. Reads as zero; has no state.
 */
final class Finisher implements MmioDevice, Instance {
  static final String SCHEMA = "finisher";
  static final int VERSION = 1;

  private static final int PASS = 0x5555;
  private static final int FAIL = 0x3333;
  private static final int RESET = 0x7777;

  private final Notification finish;

  Finisher(Context context) {
    finish = context.slot(Slots.FINISH, Notification.class);
  }

  @Override
  public long load(long offset, int width) {
    return 0;
  }

  @Override
  public void store(long offset, int width, long value) {
    if (offset != 0 || width != 2 && width != 4) {
      return;
    }
    int code = (int) value >>> 16;
    switch ((int) value & 0xffff) {
      case PASS -> finish.signal(Finish.POWER_OFF);
      case FAIL -> finish.signal(Finish.FAILED | (long) code << 16);
      case RESET -> finish.signal(Finish.RESET);
      default -> {
        // Any other value means nothing.
      }
    }
  }

  @Override
  public void reset() {
    // Has no state.
  }

  @Override
  public State save() {
    return State.of(SCHEMA, VERSION);
  }
}
