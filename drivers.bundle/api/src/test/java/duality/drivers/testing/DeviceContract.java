package duality.drivers.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import duality.drivers.InterruptController;
import duality.drivers.MmioDevice;
import duality.kernel.CallFailed;
import duality.kernel.State;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every device keeps, whatever a guest does to it. A test class extends this, makes its device
 * in {@link #device}, and adds what is special.
 */
public abstract class DeviceContract {
  /** Name of the device's endpoint on the board. */
  protected static final String DEVICE = "device";

  private static final int[] WIDTHS = {1, 2, 4, 8};

  protected TestBoard board;

  /** The seed of random tests; a failing one names it. */
  private final long seed = Long.getLong("duality.seed", 20260);

  private MmioDevice device;

  /** Makes the device on the board, as endpoint {@link #DEVICE}. */
  protected abstract MmioDevice device(TestBoard board);

  /** Size of the device's window in bytes. */
  protected abstract long windowBytes();

  /** Offsets that random accesses should often hit. */
  protected abstract long[] registers();

  /** The device under test. */
  protected final MmioDevice device() {
    return device;
  }

  @BeforeEach
  final void makeBoard() {
    board = new TestBoard();
    device = device(board);
  }

  @AfterEach
  final void endBoard() {
    board.close();
  }

  /** A device of the type that an interrupt controller is as well. */
  protected static MmioDevice asDevice(InterruptController controller) {
    return new MmioDevice() {
      @Override
      public long load(long offset, int width) {
        return controller.load(offset, width);
      }

      @Override
      public void store(long offset, int width, long value) {
        controller.store(offset, width, value);
      }

      @Override
      public void reset() {
        controller.reset();
      }
    };
  }

  /** Random accesses of every width, also where nothing is. */
  protected final void disturb(Random random, int accesses) {
    for (int i = 0; i < accesses; i++) {
      int width = WIDTHS[random.nextInt(WIDTHS.length)];
      long offset = offset(random);
      if (random.nextInt(3) == 0) {
        long value = device.load(offset, width);
        if (width < 8) {
          assertEquals(
              0,
              value >>> 8 * width,
              () -> "a load of " + width + " bytes at " + offset + " answered more, seed " + seed);
        }
      } else {
        device.store(offset, width, random.nextBoolean() ? random.nextInt(256) : random.nextLong());
      }
    }
  }

  private long offset(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> random.nextLong(windowBytes());
      case 1 -> random.nextLong();
      default -> registers()[random.nextInt(registers().length)] + random.nextInt(2);
    };
  }

  @Test
  void noAccessFailsTheDevice() {
    Random random = new Random(seed);
    disturb(random, 20_000);
    assertEquals(0, board.endpoint(DEVICE).report().failures(), () -> "failures, seed " + seed);
  }

  @Test
  void savedStateComesBack() {
    Random random = new Random(seed);
    for (int round = 0; round < 20; round++) {
      disturb(random, 50);
      State saved = board.save(DEVICE);
      disturb(random, 50);
      State restored = board.restore(DEVICE, saved);
      assertEquals(StateText.of(saved), StateText.of(restored), () -> "state, seed " + seed);
    }
  }

  @Test
  void aResetDeviceIsAsAtPowerOn() {
    String atFirst = StateText.of(board.save(DEVICE));
    disturb(new Random(seed), 500);
    device.reset();
    assertEquals(
        atFirst, withoutWhatResetKeeps(atFirst, StateText.of(board.save(DEVICE))), "after reset");
  }

  /**
   * The state after a reset, with what a reset does not touch made as it was: bytes on their way to
   * a backend, for instance.
   */
  protected String withoutWhatResetKeeps(String atFirst, String now) {
    return now;
  }

  @Test
  void aResetDeviceAsksForNoInterrupt() {
    disturb(new Random(seed), 500);
    device.reset();
    assertFalse(board.wire(1), "the interrupt line is high after a reset");
  }

  @Test
  void stateOfSomethingElseIsRefused() {
    CallFailed refused =
        assertThrows(CallFailed.class, () -> board.restore(DEVICE, State.of("something.else", 1)));
    assertEquals(
        0, board.endpoint(DEVICE).report().failures(), () -> "it failed: " + refused.getMessage());
  }

  @Test
  void stateWithoutValuesIsRefused() {
    State saved = board.save(DEVICE);
    if (!saved.values().isEmpty()) {
      State empty = new State(saved.schema(), saved.version(), Map.of());
      assertThrows(CallFailed.class, () -> board.restore(DEVICE, empty));
    }
    device.load(0, 4); // the old instance serves on
  }
}
