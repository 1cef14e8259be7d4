package duality.vmm.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import duality.drivers.MmioDevice;
import duality.kernel.CallFailed;
import org.junit.jupiter.api.Test;

/** Which accesses reach a device, and which reach nothing. */
class BusTest {
  private static final class Register implements MmioDevice {
    long value;
    long offset = -1;

    @Override
    public long load(long from, int width) {
      offset = from;
      return value;
    }

    @Override
    public void store(long to, int width, long stored) {
      offset = to;
      value = stored;
    }

    @Override
    public void reset() {
      value = 0;
    }
  }

  private final Bus bus = new Bus();
  private final Register first = new Register();
  private final Register second = new Register();

  BusTest() {
    bus.add("first", 0x1000, 0x100, 1, first);
    bus.add("second", 0x1100, 0x100, 0, second);
  }

  @Test
  void accessesReachTheDeviceAtTheirAddress() {
    bus.store(0x1008, 4, 7);
    bus.store(0x11f8, 8, 9);
    assertEquals(7, bus.load(0x1000, 1));
    assertEquals(0, first.offset);
    assertEquals(9, bus.load(0x11f8, 8));
    assertEquals(0xf8, second.offset);
    bus.reset();
    assertEquals(0, bus.load(0x1000, 8));
  }

  /** As QEMU's transports without a device answer kernels that look into each of them. */
  @Test
  void anEmptySlotSaysThatItIsEmpty() {
    bus.addEmpty(0x2000, 0x1000, new EmptySlot(false));
    assertEquals(0x74726976, bus.load(0x2000, 4));
    assertEquals(2, bus.load(0x2004, 4));
    assertEquals(0, bus.load(0x2008, 4), "device number");
    assertEquals(0x554d4551, bus.load(0x200c, 4));
    assertEquals(1, new EmptySlot(true).load(4, 4));
    bus.store(0x2070, 4, 1);
    assertEquals(0, bus.load(0x2070, 4));
    assertEquals(0, bus.load(0x2100, 1));
    assertEquals(2, bus.describe("vm/a").lines().count(), "it is no device");
  }

  @Test
  void whatNoDeviceCoversIsABadRequest() {
    for (long address : new long[] {0, 0xfff, 0x1200, 0x10fd, 0x11fd, -1, Long.MIN_VALUE}) {
      assertThrows(CallFailed.BadRequest.class, () -> bus.load(address, 4));
      assertThrows(CallFailed.BadRequest.class, () -> bus.store(address, 4, 1));
    }
    assertEquals(-1, first.offset);
    assertEquals(-1, second.offset);
  }

  @Test
  void devicesDoNotOverlap() {
    assertThrows(
        IllegalArgumentException.class, () -> bus.add("third", 0x10ff, 2, 0, new Register()));
  }

  @Test
  void itIsDescribedLineByLine() {
    assertEquals(
        "first 0x1000 interrupt 1 at vm/a/first\nsecond 0x1100 at vm/a/second",
        bus.describe("vm/a"));
  }
}
