package duality.virtio.blk;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.GuestQueue.Used;
import duality.drivers.testing.TestBoard;
import duality.drivers.testing.TestStore;
import duality.kernel.Notification;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;

/** A disk on a board, and its driver: what tests of the device have in common. */
final class TestDisk {
  static final int SOURCE = 1;
  static final int SECTORS = 2_000;
  static final int SIZE = 64;

  static final long QUEUE_AT = 0x1000;
  static final long HEADERS_AT = 0x10_000;
  static final long STATUS_AT = 0x20_000;
  static final long DATA_AT = 0x10_0000;

  final byte[] content;
  final TestBoard board;
  final MmioDevice device;
  final TestStore store;
  final GuestDriver driver;
  GuestQueue queue;

  /** A disk with this content, on a store that takes 16 requests at a time. */
  TestDisk(TestBoard board, String name, byte[] content, boolean readOnly) {
    this(board, name, content, readOnly, false);
  }

  TestDisk(TestBoard board, String name, byte[] content, boolean readOnly, boolean legacy) {
    this.board = board;
    this.content = content;
    store = new TestStore(content, readOnly, 16);
    device = make(board, name, store, legacy);
    driver = new GuestDriver(board, device);
  }

  private static MmioDevice make(TestBoard board, String name, TestStore store, boolean legacy) {
    Notification events = board.notification(name);
    Store backend = store.attach(board, "store-of-" + name, events);
    board.core().register("virtio.blk", new BlkServer(), MmioDevice.class);
    return board.child(
        name,
        MmioDevice.class,
        "virtio.blk",
        Map.of(Slots.SOURCE, Integer.toString(SOURCE), "legacy", Boolean.toString(legacy)),
        Map.of(
            Slots.INTERRUPTS,
            board.wires(),
            Slots.BACKEND,
            backend,
            Slots.EVENTS,
            events,
            Slots.MEMORY,
            board.memory()));
  }

  void start() {
    assertEquals(1 | 2 | 8, driver.negotiate(driver.offered()));
    queue = driver.queue(0, SIZE, QUEUE_AT);
    driver.start();
    assertEquals(GuestDriver.RUNNING, driver.get(GuestDriver.STATUS));
  }

  Buffer header(int slot, int type, long sector) {
    long at = HEADERS_AT + 16L * slot;
    board.ram().setInt(at, type);
    board.ram().setInt(at + 4, 0);
    board.ram().setLong(at + 8, sector);
    return new Buffer(at, 16, false);
  }

  Buffer statusByte(int slot) {
    board.ram().setByte(STATUS_AT + slot, 0xee);
    return new Buffer(STATUS_AT + slot, 1, true);
  }

  int status(int slot) {
    return board.ram().getByte(STATUS_AT + slot);
  }

  byte[] ram(long offset, int length) {
    byte[] bytes = new byte[length];
    board.ram().read(offset, MemorySegment.ofArray(bytes), 0, length);
    return bytes;
  }

  void ram(long offset, byte[] bytes) {
    board.ram().write(offset, MemorySegment.ofArray(bytes), 0, bytes.length);
  }

  /** One request from header to status; answers what came back. */
  Used request(int type, long sector, Buffer... data) {
    Buffer[] all = new Buffer[data.length + 2];
    all[0] = header(0, type, sector);
    System.arraycopy(data, 0, all, 1, data.length);
    all[all.length - 1] = statusByte(0);
    int head = queue.add(all);
    queue.kick();
    Used used = queue.take();
    assertEquals(head, used.head());
    return used;
  }

  void assertStillWorks() {
    start();
    request(Request.TYPE_IN, 7, new Buffer(DATA_AT, 512, true));
    assertEquals(0, status(0));
    assertArrayEquals(Arrays.copyOfRange(content, 7 * 512, 8 * 512), ram(DATA_AT, 512));
  }

  void assertNoGrantIsLeft() {
    TestBoard.await("all memory is given back", () -> board.openGrants() == 0);
  }
}
