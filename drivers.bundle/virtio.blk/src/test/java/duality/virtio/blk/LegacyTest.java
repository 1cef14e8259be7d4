package duality.virtio.blk;

import static duality.virtio.blk.TestDisk.DATA_AT;
import static duality.virtio.blk.TestDisk.SECTORS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.TestBoard;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A driver of before VIRTIO 1.0, as old teaching systems have it (VIRTIO 1.2 §4.2.4). */
class LegacyTest {
  private static final int SIZE = 8;
  private static final int PAGE = 4096;
  private static final int RINGS_AT = 0x4000;

  private TestBoard board;
  private TestDisk disk;
  private int available;
  private int used;

  @BeforeEach
  void setUp() {
    board = new TestBoard();
    byte[] content = new byte[SECTORS * 512];
    new Random(3).nextBytes(content);
    disk = new TestDisk(board, "disk", content, false, true);
  }

  @AfterEach
  void tearDown() {
    board.close();
  }

  /** In the order of the systems that know no other: DRIVER_OK comes before the queue. */
  private void start(int alignment) {
    GuestDriver driver = disk.driver;
    assertEquals(1, driver.get(0x004));
    driver.set(GuestDriver.STATUS, 0);
    driver.set(GuestDriver.STATUS, 1);
    driver.set(GuestDriver.STATUS, 1 | 2);
    assertEquals(0, (int) (disk.driver.offered() >>> 32), "there are 32 features");
    driver.set(0x020, ~(1 << 28 | 1 << 29));
    driver.set(GuestDriver.STATUS, 1 | 2 | 4);
    driver.set(0x028, PAGE);
    driver.set(0x030, 0);
    assertEquals(0, driver.get(0x040), "no queue yet");
    driver.set(0x038, SIZE);
    if (alignment != PAGE) {
      driver.set(0x03c, alignment);
    }
    available = RINGS_AT + 16 * SIZE;
    used = (available + 2 * (3 + SIZE) + alignment - 1) / alignment * alignment;
    for (int i = RINGS_AT; i < used + PAGE; i += 8) {
      board.ram().setLong(i, 0);
    }
    driver.set(0x040, (int) ((TestBoard.MEMORY + RINGS_AT) / PAGE));
    assertEquals((int) ((TestBoard.MEMORY + RINGS_AT) / PAGE), driver.get(0x040));
    assertEquals(1 | 2 | 4, driver.get(GuestDriver.STATUS));
  }

  private void describe(int number, Buffer buffer, boolean last) {
    int at = RINGS_AT + 16 * number;
    board.ram().setLong(at, TestBoard.MEMORY + buffer.offset());
    board.ram().setInt(at + 8, (int) buffer.length());
    board.ram().setShort(at + 12, (last ? 0 : 1) | (buffer.write() ? 2 : 0));
    board.ram().setShort(at + 14, number + 1);
  }

  private void read(int round, int sector) {
    describe(0, disk.header(0, Request.TYPE_IN, sector), false);
    describe(1, new Buffer(DATA_AT, 1024, true), false);
    describe(2, disk.statusByte(0), true);
    board.ram().setShort(available + 4 + 2L * (round % SIZE), 0);
    board.ram().setShort(available + 2, round + 1);
    disk.driver.set(0x050, 0);
    TestBoard.await("round " + round, () -> board.ram().getShort(used + 2) == round + 1);
    assertEquals(0, disk.status(0));
    byte[] expected = Arrays.copyOfRange(disk.content, sector * 512, sector * 512 + 1024);
    assertArrayEquals(expected, disk.ram(DATA_AT, 1024), "sector " + sector);
  }

  @Test
  void requestsAreServedAlsoAcrossSwaps() {
    for (int alignment : new int[] {PAGE, 4, 256}) {
      start(alignment);
      for (int i = 0; i < 40; i++) {
        if (i % 10 == 5) {
          board.swap("disk");
        }
        read(i, i * 7);
      }
    }
  }

  @Test
  void whatComesBetweenPageSizeAndQueueIsKeptInASwap() {
    start(64);
    disk.driver.set(0x040, 0);
    assertEquals(0, disk.driver.get(0x040), "the queue is taken away");
    board.swap("disk");
    disk.driver.set(0x040, (int) ((TestBoard.MEMORY + RINGS_AT) / PAGE));
    board.ram().setInt(available, 0);
    read(0, 3);
  }

  @Test
  void nonsenseDoesNoHarm() {
    Random random = new Random(9);
    for (int i = 0; i < 3000; i++) {
      int register =
          new int[] {0x020, 0x028, 0x038, 0x03c, 0x040, 0x044, 0x050, 0x070}[random.nextInt(8)];
      int value = random.nextInt() >> random.nextInt(32);
      disk.driver.set(register, value);
      disk.driver.get(register);
    }
    start(PAGE);
    read(0, 11);
    assertEquals(0, board.endpoint("disk").report().failures());
    disk.assertNoGrantIsLeft();
  }
}
