package duality.virtio.blk;

import static duality.virtio.blk.TestDisk.DATA_AT;
import static duality.virtio.blk.TestDisk.HEADERS_AT;
import static duality.virtio.blk.TestDisk.SECTORS;
import static duality.virtio.blk.TestDisk.SOURCE;
import static duality.virtio.blk.TestDisk.STATUS_AT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.MmioDevice;
import duality.drivers.Store;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.GuestQueue.Used;
import duality.drivers.testing.TestBoard;
import duality.kernel.CallFailed;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockDeviceTest extends DeviceContract {
  private final byte[] content = new byte[SECTORS * 512];
  private TestDisk disk;

  @Override
  protected MmioDevice device(TestBoard board) {
    new Random(1).nextBytes(content);
    disk = new TestDisk(board, DEVICE, content, false);
    return disk.device;
  }

  @Override
  protected long windowBytes() {
    return 0x200;
  }

  @Override
  protected long[] registers() {
    return new long[] {
      0x000, 0x010, 0x014, 0x020, 0x024, 0x030, 0x038, 0x044, 0x050, 0x060, 0x064, 0x070, 0x080,
      0x084, 0x090, 0x094, 0x0a0, 0x0a4, 0x0fc, 0x100, 0x104, 0x10c, 0x114
    };
  }

  @Test
  void isABlockDeviceOfTheSecondVersion() {
    assertEquals(0x7472_6976, disk.driver.get(0));
    assertEquals(2, disk.driver.get(4));
    assertEquals(2, disk.driver.get(8));
    assertEquals(SECTORS, device().load(0x100, 8));
    assertEquals(512, device().load(0x114, 4));
    assertEquals(254, device().load(0x10c, 4));
    assertEquals(
        1L << 2 | 1L << 6 | 1L << 9 | 1L << 28 | 1L << 29 | 1L << 32, disk.driver.offered());
  }

  @Test
  void readsWritesAndFlushes() {
    disk.start();
    Used used = disk.request(Request.TYPE_IN, 3, new Buffer(DATA_AT + 5, 1024, true));
    assertEquals(1025, used.written());
    assertEquals(0, disk.status(0));
    assertArrayEquals(Arrays.copyOfRange(content, 3 * 512, 5 * 512), disk.ram(DATA_AT + 5, 1024));
    TestBoard.await("an interrupt", () -> board.wire(SOURCE));
    assertEquals(1, disk.driver.acknowledge());
    assertFalse(board.wire(SOURCE));

    byte[] fresh = new byte[1024];
    Arrays.fill(fresh, (byte) 'w');
    disk.ram(DATA_AT, fresh);
    used = disk.request(Request.TYPE_OUT, 10, new Buffer(DATA_AT, 1024, false));
    assertEquals(1, used.written());
    assertEquals(0, disk.status(0));
    assertArrayEquals(fresh, Arrays.copyOfRange(content, 10 * 512, 12 * 512));

    disk.request(Request.TYPE_FLUSH, 0);
    assertEquals(0, disk.status(0));
    assertEquals(1, disk.store.flushes());
    disk.assertNoGrantIsLeft();
  }

  @Test
  void buffersMayBeCutAnywhere() {
    disk.start();
    // Header in three pieces; status byte at the end of the last data buffer.
    disk.header(0, Request.TYPE_IN, 20);
    board.ram().setByte(DATA_AT + 0x2000 + 12, 0xee);
    int head =
        disk.queue.add(
            new Buffer(HEADERS_AT, 1, false),
            new Buffer(HEADERS_AT + 1, 10, false),
            new Buffer(HEADERS_AT + 11, 5, false),
            new Buffer(DATA_AT, 500, true),
            new Buffer(DATA_AT + 0x2000, 13, true));
    disk.queue.kick();
    Used used = disk.queue.take();
    assertEquals(new Used(head, 513), used);
    assertEquals(0, board.ram().getByte(DATA_AT + 0x2000 + 12));
    assertArrayEquals(Arrays.copyOfRange(content, 10240, 10740), disk.ram(DATA_AT, 500));
    assertArrayEquals(Arrays.copyOfRange(content, 10740, 10752), disk.ram(DATA_AT + 0x2000, 12));
    // Header and data in one buffer.
    disk.header(0, Request.TYPE_OUT, 21);
    disk.ram(HEADERS_AT + 16, new byte[512]);
    disk.queue.add(new Buffer(HEADERS_AT, 528, false), disk.statusByte(0));
    disk.queue.kick();
    disk.queue.take();
    assertEquals(0, disk.status(0));
    assertArrayEquals(new byte[512], Arrays.copyOfRange(content, 21 * 512, 22 * 512));
  }

  @Test
  void chainsMayLieInIndirectTables() {
    disk.start();
    Buffer header = disk.header(0, Request.TYPE_IN, 9);
    disk.statusByte(0);
    long table = 0x30_000;
    long[][] entries = {
      {TestBoard.MEMORY + header.offset(), 16, GuestQueue.NEXT, 2},
      {TestBoard.MEMORY + STATUS_AT, 1, GuestQueue.WRITE, 0},
      {TestBoard.MEMORY + DATA_AT, 512, GuestQueue.WRITE | GuestQueue.NEXT, 1},
    };
    for (int i = 0; i < entries.length; i++) {
      board.ram().setLong(table + 16 * i, entries[i][0]);
      board.ram().setInt(table + 16 * i + 8, (int) entries[i][1]);
      board.ram().setShort(table + 16 * i + 12, (int) entries[i][2]);
      board.ram().setShort(table + 16 * i + 14, (int) entries[i][3]);
    }
    disk.queue.describe(5, TestBoard.MEMORY + table, 48, GuestQueue.INDIRECT, 0);
    disk.queue.offer(5);
    disk.queue.kick();
    assertEquals(new Used(5, 513), disk.queue.take());
    assertArrayEquals(Arrays.copyOfRange(content, 9 * 512, 10 * 512), disk.ram(DATA_AT, 512));
    disk.assertNoGrantIsLeft();
  }

  @Test
  void tellsItsIdentity() {
    disk.start();
    Used used = disk.request(Request.TYPE_IDENTITY, 0, new Buffer(DATA_AT, 20, true));
    assertEquals(21, used.written());
    assertArrayEquals(Arrays.copyOf("test".getBytes(), 20), disk.ram(DATA_AT, 20));
  }

  @Test
  void whatItDoesNotKnowIsUnsupported() {
    disk.start();
    for (int type : new int[] {2, 3, 5, 11, 13, -1}) {
      disk.request(type, 0, new Buffer(DATA_AT, 512, true));
      assertEquals(2, disk.status(0), () -> "type " + type);
    }
    disk.assertNoGrantIsLeft();
  }

  @Test
  void requestsOutsideOfTheDiskFailAlone() {
    disk.start();
    long[] sectors = {SECTORS, SECTORS - 1, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 55};
    for (long sector : sectors) {
      for (int type : new int[] {Request.TYPE_IN, Request.TYPE_OUT}) {
        boolean write = type == Request.TYPE_IN;
        Used used = disk.request(type, sector, new Buffer(DATA_AT, 1024, write));
        assertEquals(1, disk.status(0), () -> "sector " + sector);
        assertEquals(1, used.written());
      }
    }
    disk.request(Request.TYPE_IN, 0, new Buffer(DATA_AT, 100, true));
    assertEquals(1, disk.status(0), "part of a sector");
    disk.request(Request.TYPE_IN, 0, new Buffer(DATA_AT, 512, true));
    assertEquals(0, disk.status(0));
  }

  @Test
  void aReadOnlyDiskSaysSoAndRefusesWrites() {
    disk = new TestDisk(board, "other", new byte[512], true);
    disk.start();
    assertTrue((disk.driver.offered() & 1 << 5) != 0);
    disk.request(Request.TYPE_OUT, 0, new Buffer(DATA_AT, 512, false));
    assertEquals(1, disk.status(0));
  }

  @Test
  void whatTheHostCannotDoIsAnErrorOfThatRequest() {
    disk.start();
    disk.store.hold(true);
    disk.queue.add(
        disk.header(0, Request.TYPE_IN, 0),
        new Buffer(DATA_AT, 512, true),
        new Buffer(DATA_AT + 512, 512, true),
        disk.statusByte(0));
    disk.queue.kick();
    TestBoard.await("both parts are at the store", () -> disk.store.held() == 2);
    disk.store.finish(1, Store.OK);
    assertFalse(disk.queue.hasUsed());
    disk.store.finish(0, Store.FAILED);
    assertEquals(1, disk.queue.take().written());
    assertEquals(1, disk.status(0));
    disk.assertNoGrantIsLeft();
  }

  @Test
  void manyRequestsAreInFlightAndEndInAnyOrder() {
    disk.start();
    disk.store.hold(true);
    Random random = new Random(3);
    int[] heads = new int[21];
    for (int i = 0; i < 21; i++) {
      heads[i] =
          disk.queue.add(
              disk.header(i, Request.TYPE_IN, 10 + i),
              new Buffer(DATA_AT + 512L * i, 512, true),
              disk.statusByte(i));
    }
    disk.queue.kick();
    boolean[] done = new boolean[21];
    for (int i = 0; i < 21; i++) {
      TestBoard.await("requests at the store", () -> disk.store.held() > 0);
      disk.store.finish(random.nextInt(disk.store.held()), Store.OK);
      int head = disk.queue.take().head();
      int which = Arrays.binarySearch(heads, head);
      assertFalse(done[which], "given back twice");
      done[which] = true;
      assertEquals(0, disk.status(which));
      assertArrayEquals(
          Arrays.copyOfRange(content, (10 + which) * 512, (11 + which) * 512),
          disk.ram(DATA_AT + 512L * which, 512));
    }
    disk.assertNoGrantIsLeft();
  }

  @Test
  void randomRequestsGoOnAcrossSwaps() {
    disk.start();
    Random random = new Random(4);
    byte[] model = content.clone();
    for (int round = 0; round < 200; round++) {
      int sector = random.nextInt(SECTORS - 8);
      int bytes = 512 * (1 + random.nextInt(8));
      int cut = 1 + random.nextInt(bytes - 1);
      boolean write = random.nextBoolean();
      byte[] data = new byte[bytes];
      random.nextBytes(data);
      disk.ram(DATA_AT, data);
      if (write) {
        System.arraycopy(data, 0, model, sector * 512, bytes);
      }
      if (round % 10 == 0) {
        board.swap(DEVICE);
      }
      disk.request(
          write ? Request.TYPE_OUT : Request.TYPE_IN,
          sector,
          new Buffer(DATA_AT, cut, !write),
          new Buffer(DATA_AT + cut, bytes - cut, !write));
      assertEquals(0, disk.status(0));
      assertArrayEquals(
          Arrays.copyOfRange(model, sector * 512, sector * 512 + bytes), disk.ram(DATA_AT, bytes));
    }
    assertArrayEquals(model, content);
  }

  @Test
  void aSwapWaitsForNothingInFlightAndTheSuccessorEndsIt() {
    disk.start();
    disk.store.hold(true);
    for (int i = 0; i < 20; i++) { // more than the store takes at once
      disk.queue.add(
          disk.header(i, Request.TYPE_IN, i + 1),
          new Buffer(DATA_AT + 512L * i, 512, true),
          disk.statusByte(i));
    }
    disk.queue.kick();
    TestBoard.await("the store is full", () -> disk.store.held() == 16);
    board.swap(DEVICE);
    board.swap(DEVICE);
    assertFalse(disk.queue.hasUsed());
    for (int i = 0; i < 20; i++) {
      TestBoard.await("a request at the store", () -> disk.store.held() > 0);
      disk.store.finish(0, Store.OK);
      disk.queue.take();
      if (i % 5 == 0) {
        board.swap(DEVICE);
      }
    }
    for (int i = 0; i < 20; i++) {
      assertEquals(0, disk.status(i));
    }
    assertArrayEquals(Arrays.copyOfRange(content, 512, 21 * 512), disk.ram(DATA_AT, 20 * 512));
    disk.assertNoGrantIsLeft();
    disk.store.hold(false);
    disk.assertStillWorks();
  }

  @Test
  void whatAStoreLostIsSubmittedAgain() {
    disk.start();
    disk.store.hold(true);
    for (int i = 0; i < 20; i++) {
      disk.queue.add(
          disk.header(i, Request.TYPE_IN, i + 1),
          new Buffer(DATA_AT + 512L * i, 512, true),
          disk.statusByte(i));
    }
    disk.queue.kick();
    TestBoard.await("the store is full", () -> disk.store.held() == 16);
    disk.store.finish(3, Store.OK);
    disk.queue.take();
    disk.store.hold(false);
    disk.store.loseAll();
    for (int i = 0; i < 19; i++) {
      disk.queue.take();
    }
    for (int i = 0; i < 20; i++) {
      assertEquals(0, disk.status(i));
    }
    assertArrayEquals(Arrays.copyOfRange(content, 512, 21 * 512), disk.ram(DATA_AT, 20 * 512));
    disk.assertNoGrantIsLeft();
  }

  @Test
  void aStoreThatIsGivenUpIsAnInputOutputErrorAndWhatWasRefusedIsNotDoneLater() {
    disk.start();
    disk.store.hold(true);
    byte[] before = content.clone();
    disk.ram(DATA_AT, new byte[512]);
    disk.queue.add(
        disk.header(0, Request.TYPE_OUT, 5), new Buffer(DATA_AT, 512, false), disk.statusByte(0));
    disk.queue.kick();
    TestBoard.await("the store to have it", () -> disk.store.held() == 1);
    var endpoint = board.endpoint("store-of-" + DEVICE);
    endpoint.fail("the test has no supervisor that would mend it");
    disk.queue.add(
        disk.header(1, Request.TYPE_IN, 6), new Buffer(DATA_AT, 512, true), disk.statusByte(1));
    disk.queue.kick();
    disk.queue.take();
    disk.queue.take();
    assertEquals(1, disk.status(0), "VIRTIO_BLK_S_IOERR for the one at the store");
    assertEquals(1, disk.status(1), "and for the one that came later");

    disk.store.hold(false);
    disk.store.loseAll();
    try (var hold = board.core().hold(java.util.List.of(endpoint), 100_000_000_000L)) {
      endpoint.open("test.store.store-of-" + DEVICE, null).bind();
    }
    disk.request(Request.TYPE_IN, 7, new Buffer(DATA_AT, 512, true));
    assertEquals(0, disk.status(0), "a store that is bound again serves again");
    assertArrayEquals(before, content, "the refused write was not made up for");
    disk.assertNoGrantIsLeft();
  }

  @Test
  void aResetBeforeASwapStaysForgotten() {
    disk.start();
    disk.store.hold(true);
    disk.queue.add(
        disk.header(0, Request.TYPE_IN, 1), new Buffer(DATA_AT, 512, true), disk.statusByte(0));
    disk.queue.kick();
    TestBoard.await("the request is at the store", () -> disk.store.held() == 1);
    device().reset();
    board.swap(DEVICE);
    disk.start();
    disk.store.hold(false);
    disk.store.finish(0, Store.OK);
    disk.assertNoGrantIsLeft();
    assertFalse(disk.queue.hasUsed());
    disk.assertStillWorks();
  }

  @Test
  void aResetForgetsWhatIsInFlightAndGivesItsMemoryBack() {
    disk.start();
    disk.store.hold(true);
    for (int i = 0; i < 20; i++) { // more than the store takes at once
      disk.queue.add(
          disk.header(i, Request.TYPE_IN, i), new Buffer(DATA_AT, 512, true), disk.statusByte(i));
    }
    disk.queue.kick();
    TestBoard.await("the store is full", () -> disk.store.held() == 16);
    device().reset();
    disk.start();
    disk.store.hold(false);
    for (int i = 0; i < 16; i++) {
      disk.store.finish(0, Store.OK);
    }
    disk.assertNoGrantIsLeft();
    assertFalse(disk.queue.hasUsed());
    disk.assertStillWorks();
  }

  @Test
  void noKicksAreWantedWhileItLooksAndNoInterruptsAreSentUnasked() {
    disk.start();
    disk.queue.quiet(true);
    disk.request(Request.TYPE_IN, 0, new Buffer(DATA_AT, 512, true));
    disk.request(Request.TYPE_IN, 0, new Buffer(DATA_AT, 512, true));
    board.save(DEVICE); // the worker has ended its turn, in which it would say so
    assertEquals(0, disk.driver.get(0x060));
    assertFalse(board.wire(SOURCE));
    // It may take another turn, since the store told it of something that it has seen by itself.
    TestBoard.await(
        "kicks are wanted", () -> board.ram().getShort(disk.queue.used() - TestBoard.MEMORY) == 0);
  }

  @Test
  void noRequestIsForgottenWhenKicksAreNotWanted() {
    disk.start();
    for (int i = 0; i < 5_000; i++) {
      disk.queue.add(disk.header(0, 99, 0), disk.statusByte(0));
      disk.queue.kickIfWanted();
      disk.queue.take();
    }
    disk.assertStillWorks();
  }

  @Test
  void featuresItDoesNotHaveAreRefused() {
    assertEquals(3, disk.driver.negotiate(disk.driver.offered() | 1L << 40));
    assertEquals(3, disk.driver.negotiate(1));
    disk.driver.set(GuestDriver.STATUS, GuestDriver.RUNNING);
    assertEquals(0, disk.driver.get(GuestDriver.STATUS) & 4, "it does not run");
  }

  @Test
  void aDiskOfAnotherSizeIsRefusedAtASwap() {
    disk.start();
    var saved = board.save(DEVICE);
    new TestDisk(board, "other", new byte[512], false);
    assertThrows(CallFailed.class, () -> board.restore("other", saved));
    disk.assertStillWorks();
  }
}
