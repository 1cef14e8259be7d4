package duality.virtio.blk;

import static duality.virtio.blk.TestDisk.DATA_AT;
import static duality.virtio.blk.TestDisk.SECTORS;
import static duality.virtio.blk.TestDisk.SOURCE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.TestBoard;
import duality.kernel.Endpoint;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A driver that uses event indices and relies on them: it kicks and looks only when told to. */
class EventIndexTest {
  private TestBoard board;
  private TestDisk disk;

  @BeforeEach
  void setUp() {
    board = new TestBoard();
    byte[] content = new byte[SECTORS * 512];
    new Random(2).nextBytes(content);
    disk = new TestDisk(board, "disk", content, false);
    disk.driver.useEventIndex();
    disk.start();
  }

  @AfterEach
  void tearDown() {
    board.close();
  }

  /** Reads in several requests at once, waits for the interrupt that the last one shall bring. */
  private void read(Random random) {
    int count = 1 + random.nextInt(8);
    disk.queue.interruptAfter(count);
    int[] sectors = new int[count];
    for (int i = 0; i < count; i++) {
      sectors[i] = random.nextInt(SECTORS);
      disk.queue.add(
          disk.header(i, Request.TYPE_IN, sectors[i]),
          new Buffer(DATA_AT + 512L * i, 512, true),
          disk.statusByte(i));
      disk.queue.kickIfWanted();
    }
    TestBoard.await("an interrupt after " + count, () -> board.wire(SOURCE));
    disk.driver.acknowledge();
    for (int i = 0; i < count; i++) {
      assertTrue(disk.queue.hasUsed(), "the interrupt was for all of them");
      disk.queue.take();
    }
    for (int i = 0; i < count; i++) {
      assertEquals(0, disk.status(i));
      for (int j = 0; j < 512; j++) {
        assertEquals(
            disk.content[512 * sectors[i] + j], (byte) board.ram().getByte(DATA_AT + 512L * i + j));
      }
    }
  }

  @Test
  void oneInterruptForManyRequests() {
    Random random = new Random(4);
    for (int i = 0; i < 300; i++) {
      read(random);
    }
  }

  @Test
  void theDriverIsToldAcrossSwapsAndCrashes() {
    Random random = new Random(5);
    for (int i = 0; i < 60; i++) {
      if (i % 2 == 0) {
        board.swap("disk");
      } else {
        Endpoint endpoint = board.endpoint("disk");
        endpoint.fail("the test says so");
        try (var _ = board.core().hold(java.util.List.of(endpoint), 5_000_000_000L)) {
          endpoint.open("virtio.blk", Objects.requireNonNull(endpoint.checkpoint())).bind();
        }
      }
      // A successor raises one interrupt more than was asked for.
      TestBoard.await("it raises it", () -> board.wire(SOURCE));
      disk.driver.acknowledge();
      read(random);
    }
  }

  @Test
  void indicesThatLieChangeNothingForTheHost() {
    Random random = new Random(6);
    for (int i = 0; i < 1000; i++) {
      disk.queue.eventIndex(random.nextInt(), random.nextInt());
      disk.queue.add(
          disk.header(0, Request.TYPE_IN, 1), new Buffer(DATA_AT, 512, true), disk.statusByte(0));
      disk.queue.kick();
      disk.queue.take();
      assertEquals(0, disk.status(0));
    }
    assertEquals(0, board.endpoint("disk").report().failures());
  }
}
