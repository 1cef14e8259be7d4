package duality.virtio.blk;

import static duality.virtio.blk.TestDisk.DATA_AT;
import static duality.virtio.blk.TestDisk.SECTORS;
import static duality.virtio.blk.TestDisk.SIZE;
import static duality.virtio.blk.TestDisk.SOURCE;
import static duality.virtio.blk.TestDisk.STATUS_AT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Store;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.TestBoard;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a hostile guest can do to the rings ends in DEVICE_NEEDS_RESET, and the memory comes back.
 */
class MalformedRingsTest {
  private TestBoard board;
  private TestDisk disk;

  @BeforeEach
  void setUp() {
    board = new TestBoard();
    byte[] content = new byte[SECTORS * 512];
    new Random(1).nextBytes(content);
    disk = new TestDisk(board, "disk", content, false);
  }

  @AfterEach
  void tearDown() {
    board.close();
  }

  private void attack(String what, Runnable ring) {
    disk.start();
    ring.run();
    disk.queue.kick();
    disk.driver.awaitNeedsReset(what);
    assertTrue((disk.driver.get(0x060) & 2) != 0, "a configuration change tells of it");
    TestBoard.await("an interrupt", () -> board.wire(SOURCE));
    disk.assertNoGrantIsLeft();
    assertEquals(0, board.endpoint("disk").report().failures());
    disk.assertStillWorks();
  }

  /**
   * Fills the ring with requests that are all right, but for there being too many of them. The
   * index changes once: a device may look without being told to, and what it has taken by then
   * makes the same index true.
   */
  private void lie(int index) {
    Buffer header = disk.header(0, 99, 0);
    disk.queue.describe(0, TestBoard.MEMORY + header.offset(), 16, GuestQueue.NEXT, 1);
    disk.queue.describe(1, TestBoard.MEMORY + STATUS_AT, 1, GuestQueue.WRITE, 0);
    disk.queue.fill(0);
    disk.queue.availableIndex(index);
  }

  @Test
  void malformedRingsNeedAResetAndNothingElse() {
    long ram = TestBoard.MEMORY;
    int next = GuestQueue.NEXT;
    int write = GuestQueue.WRITE;
    attack(
        "a circle of one",
        () -> {
          disk.queue.describe(0, ram, 16, next, 0);
          disk.queue.offer(0);
        });
    attack(
        "a circle of three",
        () -> {
          disk.queue.describe(0, ram, 16, next, 1);
          disk.queue.describe(1, ram, 16, next, 2);
          disk.queue.describe(2, ram, 16, next, 0);
          disk.queue.offer(0);
        });
    attack("a head outside", () -> disk.queue.offer(SIZE));
    attack("a far head", () -> disk.queue.offer(0xffff));
    attack(
        "a next outside",
        () -> {
          disk.queue.describe(0, ram, 16, next, SIZE);
          disk.queue.offer(0);
        });
    attack("an index that lies", () -> lie(SIZE + 1));
    attack("an index that goes back", () -> lie(0xffff));
    attack(
        "no header",
        () -> {
          disk.queue.describe(0, ram + DATA_AT, 512, write, 0);
          disk.queue.offer(0);
        });
    attack(
        "a short header",
        () -> {
          disk.queue.describe(0, ram + DATA_AT, 15, next, 1);
          disk.queue.describe(1, ram + DATA_AT, 512, write, 0);
          disk.queue.offer(0);
        });
    attack(
        "no status",
        () -> {
          disk.queue.describe(0, ram + DATA_AT, 16, 0, 0);
          disk.queue.offer(0);
        });
    attack(
        "empty buffers only",
        () -> {
          disk.queue.describe(0, ram, 0, next, 1);
          disk.queue.describe(1, ram, 0, write, 0);
          disk.queue.offer(0);
        });
    attack(
        "reading behind writing",
        () -> {
          disk.queue.describe(0, ram, 16, write | next, 1);
          disk.queue.describe(1, ram, 16, 0, 0);
          disk.queue.offer(0);
        });
  }

  @Test
  void addressesThatAreNoMemoryNeedAReset() {
    long[] wrong = {
      0,
      0x1000_0000,
      TestBoard.MEMORY - 8,
      TestBoard.MEMORY + TestBoard.MEMORY_BYTES - 8,
      Long.MAX_VALUE,
      Long.MAX_VALUE - 10,
      -1,
      -16,
      Long.MIN_VALUE
    };
    for (long address : wrong) {
      attack(
          "header at " + Long.toHexString(address),
          () -> {
            disk.queue.describe(0, address, 16, GuestQueue.NEXT, 1);
            disk.queue.describe(1, TestBoard.MEMORY, 512, GuestQueue.WRITE, 0);
            disk.queue.offer(0);
          });
      attack(
          "data at " + Long.toHexString(address),
          () -> {
            Buffer header = disk.header(0, Request.TYPE_IN, 0);
            disk.queue.describe(0, TestBoard.MEMORY + header.offset(), 16, GuestQueue.NEXT, 1);
            disk.queue.describe(1, TestBoard.MEMORY, 512, GuestQueue.NEXT | GuestQueue.WRITE, 2);
            disk.queue.describe(2, address, 512, GuestQueue.WRITE, 0);
            disk.queue.offer(0);
          });
      attack(
          "an indirect table at " + Long.toHexString(address),
          () -> {
            disk.queue.describe(0, address, 64, GuestQueue.INDIRECT, 0);
            disk.queue.offer(0);
          });
    }
    attack(
        "a buffer of 4 GiB",
        () -> {
          Buffer header = disk.header(0, Request.TYPE_IN, 0);
          disk.queue.describe(0, TestBoard.MEMORY + header.offset(), 16, GuestQueue.NEXT, 1);
          disk.queue.describe(1, TestBoard.MEMORY, 0xffff_ffffL, GuestQueue.WRITE, 0);
          disk.queue.offer(0);
        });
  }

  @Test
  void malformedIndirectTablesNeedAReset() {
    long table = TestBoard.MEMORY + 0x30_000;
    for (long length : new long[] {0, 1, 15, 17, 16L * (SIZE + 1), 0xffff_fff0L}) {
      attack(
          "a table of " + length,
          () -> {
            disk.queue.describe(0, table, length, GuestQueue.INDIRECT, 0);
            disk.queue.offer(0);
          });
    }
    attack(
        "a table that goes on",
        () -> {
          disk.queue.describe(0, table, 16, GuestQueue.INDIRECT | GuestQueue.NEXT, 1);
          disk.queue.offer(0);
        });
    attack(
        "a table in a table",
        () -> {
          board.ram().setInt(0x30_000 + 8, 16);
          board.ram().setShort(0x30_000 + 12, GuestQueue.INDIRECT);
          disk.queue.describe(0, table, 16, GuestQueue.INDIRECT, 0);
          disk.queue.offer(0);
        });
    attack(
        "a circle in a table",
        () -> {
          board.ram().setLong(0x30_000, TestBoard.MEMORY);
          board.ram().setInt(0x30_000 + 8, 16);
          board.ram().setShort(0x30_000 + 12, GuestQueue.NEXT);
          board.ram().setShort(0x30_000 + 14, 0);
          disk.queue.describe(0, table, 32, GuestQueue.INDIRECT, 0);
          disk.queue.offer(0);
        });
  }

  @Test
  void aRequestThatIsInFlightCannotBeOfferedAgain() {
    disk.start();
    disk.store.hold(true);
    int head =
        disk.queue.add(
            disk.header(0, Request.TYPE_IN, 0), new Buffer(DATA_AT, 512, true), disk.statusByte(0));
    disk.queue.offer(head);
    disk.queue.kick();
    disk.driver.awaitNeedsReset("the same request twice");
    disk.store.finish(0, Store.OK);
    disk.assertNoGrantIsLeft();
    disk.store.hold(false);
    disk.assertStillWorks();
  }

  @Test
  void queuesThatAreNoMemoryNeedAReset() {
    for (int part = 0; part < 3; part++) {
      disk.driver.negotiate(disk.driver.offered());
      disk.driver.set(0x030, 0);
      disk.driver.set(0x038, SIZE);
      for (int i = 0; i < 3; i++) {
        disk.driver.address(0x080 + 0x10 * i, i == part ? 0x1000 : TestBoard.MEMORY + 0x1000 * i);
      }
      disk.driver.set(0x044, 1);
      disk.driver.start();
      disk.driver.set(0x050, 0);
      disk.driver.awaitNeedsReset("part " + part + " is no memory");
      disk.assertNoGrantIsLeft();
    }
    disk.assertStillWorks();
  }

  @Test
  void queuesOfTheWrongShapeAreRefused() {
    long[][] wrong = {
      {0, 0}, {3, 0}, {512, 0}, {-1, 0}, {SIZE, 1}, {SIZE, 8},
    };
    for (long[] each : wrong) {
      disk.driver.negotiate(disk.driver.offered());
      disk.driver.set(0x030, 0);
      disk.driver.set(0x038, (int) each[0]);
      disk.driver.address(0x080, TestBoard.MEMORY + each[1]);
      disk.driver.set(0x044, 1);
      assertEquals(0, disk.driver.get(0x044), () -> Arrays.toString(each));
      disk.driver.awaitNeedsReset(Arrays.toString(each));
    }
    disk.assertStillWorks();
  }

  @Test
  void randomRingsNeverFailTheDevice() {
    long seed = Long.getLong("duality.seed", 5);
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      disk.start();
      for (int i = 0; i < 8; i++) {
        boolean right = random.nextInt(4) > 0;
        disk.queue.describe(
            i,
            right ? TestBoard.MEMORY + random.nextInt(1 << 22) : random.nextLong(),
            right ? random.nextInt(2048) : random.nextInt() & 0xffff_ffffL,
            random.nextInt(right ? 4 : 16),
            right ? random.nextInt(8) : random.nextInt(SIZE + 2));
      }
      for (int i = 0; i < 3; i++) {
        disk.queue.offer(random.nextInt(random.nextInt(10) == 0 ? 70 : 8));
      }
      disk.queue.kick();
      if (random.nextInt(5) == 0) {
        board.swap("disk");
      }
    }
    disk.assertNoGrantIsLeft();
    assertEquals(0, board.endpoint("disk").report().failures(), () -> "seed " + seed);
    new Random(1).nextBytes(disk.content);
    disk.assertStillWorks();
  }
}
