package duality.virtio.blk;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.Store;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.GuestQueue.Used;
import duality.drivers.testing.TestBoard;
import duality.drivers.testing.TestStore;
import duality.kernel.CallFailed;
import duality.kernel.Notification;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockDeviceTest extends DeviceContract {
  private static final int SOURCE = 1;
  private static final int SECTORS = 2_000;
  private static final int SIZE = 64;

  private static final long QUEUE_AT = 0x1000;
  private static final long HEADERS_AT = 0x10_000;
  private static final long STATUS_AT = 0x20_000;
  private static final long DATA_AT = 0x10_0000;

  private final byte[] disk = new byte[SECTORS * 512];
  private TestStore store;
  private GuestDriver driver;
  private GuestQueue queue;

  @Override
  protected MmioDevice device(TestBoard board) {
    new Random(1).nextBytes(disk);
    store = new TestStore(disk, false, 16);
    MmioDevice made = make(board, DEVICE, store);
    driver = new GuestDriver(board, made);
    return made;
  }

  private static MmioDevice make(TestBoard board, String name, TestStore store) {
    Notification events = board.notification(name);
    Store backend = store.attach(board, "store-of-" + name, events);
    board.core().register("virtio.blk", new BlkServer(), MmioDevice.class);
    return board.child(
        name,
        MmioDevice.class,
        "virtio.blk",
        Map.of(Slots.SOURCE, Integer.toString(SOURCE)),
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

  private void start() {
    assertEquals(1 | 2 | 8, driver.negotiate(driver.offered()));
    queue = driver.queue(0, SIZE, QUEUE_AT);
    driver.start();
    assertEquals(GuestDriver.RUNNING, driver.get(GuestDriver.STATUS));
  }

  private Buffer header(int slot, int type, long sector) {
    long at = HEADERS_AT + 16L * slot;
    board.ram().setInt(at, type);
    board.ram().setInt(at + 4, 0);
    board.ram().setLong(at + 8, sector);
    return new Buffer(at, 16, false);
  }

  private Buffer statusByte(int slot) {
    board.ram().setByte(STATUS_AT + slot, 0xee);
    return new Buffer(STATUS_AT + slot, 1, true);
  }

  private int status(int slot) {
    return board.ram().getByte(STATUS_AT + slot);
  }

  private byte[] ram(long offset, int length) {
    byte[] bytes = new byte[length];
    board.ram().read(offset, MemorySegment.ofArray(bytes), 0, length);
    return bytes;
  }

  private void ram(long offset, byte[] bytes) {
    board.ram().write(offset, MemorySegment.ofArray(bytes), 0, bytes.length);
  }

  /** One request from header to status; answers what came back. */
  private Used request(int type, long sector, Buffer... data) {
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

  private void assertStillWorks() {
    start();
    request(Request.TYPE_IN, 7, new Buffer(DATA_AT, 512, true));
    assertEquals(0, status(0));
    assertArrayEquals(Arrays.copyOfRange(disk, 7 * 512, 8 * 512), ram(DATA_AT, 512));
  }

  private void assertNoGrantIsLeft() {
    TestBoard.await("all memory is given back", () -> board.openGrants() == 0);
  }

  @Test
  void isABlockDeviceOfTheSecondVersion() {
    assertEquals(0x7472_6976, driver.get(0));
    assertEquals(2, driver.get(4));
    assertEquals(2, driver.get(8));
    assertEquals(SECTORS, device().load(0x100, 8));
    assertEquals(512, device().load(0x114, 4));
    assertEquals(254, device().load(0x10c, 4));
    assertEquals(1L << 2 | 1L << 6 | 1L << 9 | 1L << 28 | 1L << 32, driver.offered());
  }

  @Test
  void readsWritesAndFlushes() {
    start();
    Used used = request(Request.TYPE_IN, 3, new Buffer(DATA_AT + 5, 1024, true));
    assertEquals(1025, used.written());
    assertEquals(0, status(0));
    assertArrayEquals(Arrays.copyOfRange(disk, 3 * 512, 5 * 512), ram(DATA_AT + 5, 1024));
    TestBoard.await("an interrupt", () -> board.wire(SOURCE));
    assertEquals(1, driver.acknowledge());
    assertFalse(board.wire(SOURCE));

    byte[] fresh = new byte[1024];
    Arrays.fill(fresh, (byte) 'w');
    ram(DATA_AT, fresh);
    used = request(Request.TYPE_OUT, 10, new Buffer(DATA_AT, 1024, false));
    assertEquals(1, used.written());
    assertEquals(0, status(0));
    assertArrayEquals(fresh, Arrays.copyOfRange(disk, 10 * 512, 12 * 512));

    request(Request.TYPE_FLUSH, 0);
    assertEquals(0, status(0));
    assertEquals(1, store.flushes());
    assertNoGrantIsLeft();
  }

  @Test
  void buffersMayBeCutAnywhere() {
    start();
    // Header in three pieces; status byte at the end of the last data buffer.
    header(0, Request.TYPE_IN, 20);
    board.ram().setByte(DATA_AT + 0x2000 + 12, 0xee);
    int head =
        queue.add(
            new Buffer(HEADERS_AT, 1, false),
            new Buffer(HEADERS_AT + 1, 10, false),
            new Buffer(HEADERS_AT + 11, 5, false),
            new Buffer(DATA_AT, 500, true),
            new Buffer(DATA_AT + 0x2000, 13, true));
    queue.kick();
    Used used = queue.take();
    assertEquals(new Used(head, 513), used);
    assertEquals(0, board.ram().getByte(DATA_AT + 0x2000 + 12));
    assertArrayEquals(Arrays.copyOfRange(disk, 10240, 10740), ram(DATA_AT, 500));
    assertArrayEquals(Arrays.copyOfRange(disk, 10740, 10752), ram(DATA_AT + 0x2000, 12));
    // Header and data in one buffer.
    header(0, Request.TYPE_OUT, 21);
    ram(HEADERS_AT + 16, new byte[512]);
    queue.add(new Buffer(HEADERS_AT, 528, false), statusByte(0));
    queue.kick();
    queue.take();
    assertEquals(0, status(0));
    assertArrayEquals(new byte[512], Arrays.copyOfRange(disk, 21 * 512, 22 * 512));
  }

  @Test
  void chainsMayLieInIndirectTables() {
    start();
    Buffer header = header(0, Request.TYPE_IN, 9);
    statusByte(0);
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
    queue.describe(5, TestBoard.MEMORY + table, 48, GuestQueue.INDIRECT, 0);
    queue.offer(5);
    queue.kick();
    assertEquals(new Used(5, 513), queue.take());
    assertArrayEquals(Arrays.copyOfRange(disk, 9 * 512, 10 * 512), ram(DATA_AT, 512));
    assertNoGrantIsLeft();
  }

  @Test
  void tellsItsIdentity() {
    start();
    Used used = request(Request.TYPE_IDENTITY, 0, new Buffer(DATA_AT, 20, true));
    assertEquals(21, used.written());
    assertArrayEquals(Arrays.copyOf("test".getBytes(), 20), ram(DATA_AT, 20));
  }

  @Test
  void whatItDoesNotKnowIsUnsupported() {
    start();
    for (int type : new int[] {2, 3, 5, 11, 13, -1}) {
      request(type, 0, new Buffer(DATA_AT, 512, true));
      assertEquals(2, status(0), () -> "type " + type);
    }
    assertNoGrantIsLeft();
  }

  @Test
  void requestsOutsideOfTheDiskFailAlone() {
    start();
    long[] sectors = {SECTORS, SECTORS - 1, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 55};
    for (long sector : sectors) {
      for (int type : new int[] {Request.TYPE_IN, Request.TYPE_OUT}) {
        boolean write = type == Request.TYPE_IN;
        Used used = request(type, sector, new Buffer(DATA_AT, 1024, write));
        assertEquals(1, status(0), () -> "sector " + sector);
        assertEquals(1, used.written());
      }
    }
    request(Request.TYPE_IN, 0, new Buffer(DATA_AT, 100, true));
    assertEquals(1, status(0), "part of a sector");
    request(Request.TYPE_IN, 0, new Buffer(DATA_AT, 512, true));
    assertEquals(0, status(0));
  }

  @Test
  void aReadOnlyDiskSaysSoAndRefusesWrites() {
    TestStore readOnly = new TestStore(new byte[512], true, 4);
    driver = new GuestDriver(board, make(board, "other", readOnly));
    start();
    assertTrue((driver.offered() & 1 << 5) != 0);
    request(Request.TYPE_OUT, 0, new Buffer(DATA_AT, 512, false));
    assertEquals(1, status(0));
  }

  @Test
  void whatTheHostCannotDoIsAnErrorOfThatRequest() {
    start();
    store.hold(true);
    queue.add(
        header(0, Request.TYPE_IN, 0),
        new Buffer(DATA_AT, 512, true),
        new Buffer(DATA_AT + 512, 512, true),
        statusByte(0));
    queue.kick();
    TestBoard.await("both parts are at the store", () -> store.held() == 2);
    store.finish(1, Store.OK);
    assertFalse(queue.hasUsed());
    store.finish(0, Store.FAILED);
    assertEquals(1, queue.take().written());
    assertEquals(1, status(0));
    assertNoGrantIsLeft();
  }

  @Test
  void manyRequestsAreInFlightAndEndInAnyOrder() {
    start();
    store.hold(true);
    Random random = new Random(3);
    int[] heads = new int[21];
    for (int i = 0; i < 21; i++) {
      heads[i] =
          queue.add(
              header(i, Request.TYPE_IN, 10 + i),
              new Buffer(DATA_AT + 512L * i, 512, true),
              statusByte(i));
    }
    queue.kick();
    boolean[] done = new boolean[21];
    for (int i = 0; i < 21; i++) {
      TestBoard.await("requests at the store", () -> store.held() > 0);
      store.finish(random.nextInt(store.held()), Store.OK);
      int head = queue.take().head();
      int which = Arrays.binarySearch(heads, head);
      assertFalse(done[which], "given back twice");
      done[which] = true;
      assertEquals(0, status(which));
      assertArrayEquals(
          Arrays.copyOfRange(disk, (10 + which) * 512, (11 + which) * 512),
          ram(DATA_AT + 512L * which, 512));
    }
    assertNoGrantIsLeft();
  }

  @Test
  void randomRequestsGoOnAcrossSwaps() {
    start();
    Random random = new Random(4);
    byte[] model = disk.clone();
    for (int round = 0; round < 200; round++) {
      int sector = random.nextInt(SECTORS - 8);
      int bytes = 512 * (1 + random.nextInt(8));
      int cut = 1 + random.nextInt(bytes - 1);
      boolean write = random.nextBoolean();
      byte[] data = new byte[bytes];
      random.nextBytes(data);
      ram(DATA_AT, data);
      if (write) {
        System.arraycopy(data, 0, model, sector * 512, bytes);
      }
      if (round % 10 == 0) {
        board.swap(DEVICE);
      }
      request(
          write ? Request.TYPE_OUT : Request.TYPE_IN,
          sector,
          new Buffer(DATA_AT, cut, !write),
          new Buffer(DATA_AT + cut, bytes - cut, !write));
      assertEquals(0, status(0));
      assertArrayEquals(
          Arrays.copyOfRange(model, sector * 512, sector * 512 + bytes), ram(DATA_AT, bytes));
    }
    assertArrayEquals(model, disk);
  }

  @Test
  void aSwapWaitsForWhatIsInFlightAndKeepsItWhenThatHangs() throws Exception {
    start();
    store.hold(true);
    queue.add(header(0, Request.TYPE_IN, 1), new Buffer(DATA_AT, 512, true), statusByte(0));
    queue.kick();
    TestBoard.await("the request is at the store", () -> store.held() == 1);
    assertThrows(CallFailed.class, () -> board.swap(DEVICE), "the store hangs");
    assertFalse(queue.hasUsed());
    Thread swapper = Thread.ofPlatform().start(() -> board.swap(DEVICE));
    store.finish(0, Store.OK);
    swapper.join();
    queue.take();
    assertEquals(0, status(0));
    assertNoGrantIsLeft();
  }

  @Test
  void aResetForgetsWhatIsInFlightAndGivesItsMemoryBack() {
    start();
    store.hold(true);
    for (int i = 0; i < 20; i++) { // more than the store takes at once
      queue.add(header(i, Request.TYPE_IN, i), new Buffer(DATA_AT, 512, true), statusByte(i));
    }
    queue.kick();
    TestBoard.await("the store is full", () -> store.held() == 16);
    device().reset();
    start();
    store.hold(false);
    for (int i = 0; i < 16; i++) {
      store.finish(0, Store.OK);
    }
    assertNoGrantIsLeft();
    assertFalse(queue.hasUsed());
    assertStillWorks();
  }

  @Test
  void noKicksAreWantedWhileItLooksAndNoInterruptsAreSentUnasked() {
    start();
    queue.quiet(true);
    request(Request.TYPE_IN, 0, new Buffer(DATA_AT, 512, true));
    request(Request.TYPE_IN, 0, new Buffer(DATA_AT, 512, true));
    board.save(DEVICE); // the worker has ended its turn
    assertEquals(0, driver.get(0x060));
    assertFalse(board.wire(SOURCE));
    assertEquals(0, board.ram().getShort(queue.used() - TestBoard.MEMORY), "kicks are wanted");
  }

  @Test
  void noRequestIsForgottenWhenKicksAreNotWanted() {
    start();
    for (int i = 0; i < 5_000; i++) {
      queue.add(header(0, 99, 0), statusByte(0));
      queue.kickIfWanted();
      queue.take();
    }
    assertStillWorks();
  }

  // Attacks.

  private void attack(String what, Runnable ring) {
    start();
    ring.run();
    queue.kick();
    driver.awaitNeedsReset(what);
    assertTrue((driver.get(0x060) & 2) != 0, "a configuration change tells of it");
    TestBoard.await("an interrupt", () -> board.wire(SOURCE));
    assertNoGrantIsLeft();
    assertEquals(0, board.endpoint(DEVICE).report().failures());
    assertStillWorks();
  }

  /** Fills the ring with requests that are all right, but for there being too many of them. */
  private void lie(int index) {
    Buffer header = header(0, 99, 0);
    queue.describe(0, TestBoard.MEMORY + header.offset(), 16, GuestQueue.NEXT, 1);
    queue.describe(1, TestBoard.MEMORY + STATUS_AT, 1, GuestQueue.WRITE, 0);
    for (int i = 0; i < SIZE; i++) {
      queue.offer(0);
    }
    queue.availableIndex(index);
  }

  @Test
  void malformedRingsNeedAResetAndNothingElse() {
    long ram = TestBoard.MEMORY;
    int next = GuestQueue.NEXT;
    int write = GuestQueue.WRITE;
    attack(
        "a circle of one",
        () -> {
          queue.describe(0, ram, 16, next, 0);
          queue.offer(0);
        });
    attack(
        "a circle of three",
        () -> {
          queue.describe(0, ram, 16, next, 1);
          queue.describe(1, ram, 16, next, 2);
          queue.describe(2, ram, 16, next, 0);
          queue.offer(0);
        });
    attack("a head outside", () -> queue.offer(SIZE));
    attack("a far head", () -> queue.offer(0xffff));
    attack(
        "a next outside",
        () -> {
          queue.describe(0, ram, 16, next, SIZE);
          queue.offer(0);
        });
    attack("an index that lies", () -> lie(SIZE + 1));
    attack("an index that goes back", () -> lie(0xffff));
    attack(
        "no header",
        () -> {
          queue.describe(0, ram + DATA_AT, 512, write, 0);
          queue.offer(0);
        });
    attack(
        "a short header",
        () -> {
          queue.describe(0, ram + DATA_AT, 15, next, 1);
          queue.describe(1, ram + DATA_AT, 512, write, 0);
          queue.offer(0);
        });
    attack(
        "no status",
        () -> {
          queue.describe(0, ram + DATA_AT, 16, 0, 0);
          queue.offer(0);
        });
    attack(
        "empty buffers only",
        () -> {
          queue.describe(0, ram, 0, next, 1);
          queue.describe(1, ram, 0, write, 0);
          queue.offer(0);
        });
    attack(
        "reading behind writing",
        () -> {
          queue.describe(0, ram, 16, write | next, 1);
          queue.describe(1, ram, 16, 0, 0);
          queue.offer(0);
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
            queue.describe(0, address, 16, GuestQueue.NEXT, 1);
            queue.describe(1, TestBoard.MEMORY, 512, GuestQueue.WRITE, 0);
            queue.offer(0);
          });
      attack(
          "data at " + Long.toHexString(address),
          () -> {
            Buffer header = header(0, Request.TYPE_IN, 0);
            queue.describe(0, TestBoard.MEMORY + header.offset(), 16, GuestQueue.NEXT, 1);
            queue.describe(1, TestBoard.MEMORY, 512, GuestQueue.NEXT | GuestQueue.WRITE, 2);
            queue.describe(2, address, 512, GuestQueue.WRITE, 0);
            queue.offer(0);
          });
      attack(
          "an indirect table at " + Long.toHexString(address),
          () -> {
            queue.describe(0, address, 64, GuestQueue.INDIRECT, 0);
            queue.offer(0);
          });
    }
    attack(
        "a buffer of 4 GiB",
        () -> {
          Buffer header = header(0, Request.TYPE_IN, 0);
          queue.describe(0, TestBoard.MEMORY + header.offset(), 16, GuestQueue.NEXT, 1);
          queue.describe(1, TestBoard.MEMORY, 0xffff_ffffL, GuestQueue.WRITE, 0);
          queue.offer(0);
        });
  }

  @Test
  void malformedIndirectTablesNeedAReset() {
    long table = TestBoard.MEMORY + 0x30_000;
    for (long length : new long[] {0, 1, 15, 17, 16L * (SIZE + 1), 0xffff_fff0L}) {
      attack(
          "a table of " + length,
          () -> {
            queue.describe(0, table, length, GuestQueue.INDIRECT, 0);
            queue.offer(0);
          });
    }
    attack(
        "a table that goes on",
        () -> {
          queue.describe(0, table, 16, GuestQueue.INDIRECT | GuestQueue.NEXT, 1);
          queue.offer(0);
        });
    attack(
        "a table in a table",
        () -> {
          board.ram().setInt(0x30_000 + 8, 16);
          board.ram().setShort(0x30_000 + 12, GuestQueue.INDIRECT);
          queue.describe(0, table, 16, GuestQueue.INDIRECT, 0);
          queue.offer(0);
        });
    attack(
        "a circle in a table",
        () -> {
          board.ram().setLong(0x30_000, TestBoard.MEMORY);
          board.ram().setInt(0x30_000 + 8, 16);
          board.ram().setShort(0x30_000 + 12, GuestQueue.NEXT);
          board.ram().setShort(0x30_000 + 14, 0);
          queue.describe(0, table, 32, GuestQueue.INDIRECT, 0);
          queue.offer(0);
        });
  }

  @Test
  void aRequestThatIsInFlightCannotBeOfferedAgain() {
    start();
    store.hold(true);
    int head =
        queue.add(header(0, Request.TYPE_IN, 0), new Buffer(DATA_AT, 512, true), statusByte(0));
    queue.offer(head);
    queue.kick();
    driver.awaitNeedsReset("the same request twice");
    store.finish(0, Store.OK);
    assertNoGrantIsLeft();
    store.hold(false);
    assertStillWorks();
  }

  @Test
  void queuesThatAreNoMemoryNeedAReset() {
    for (int part = 0; part < 3; part++) {
      driver.negotiate(driver.offered());
      driver.set(0x030, 0);
      driver.set(0x038, SIZE);
      for (int i = 0; i < 3; i++) {
        driver.address(0x080 + 0x10 * i, i == part ? 0x1000 : TestBoard.MEMORY + 0x1000 * i);
      }
      driver.set(0x044, 1);
      driver.start();
      driver.set(0x050, 0);
      driver.awaitNeedsReset("part " + part + " is no memory");
      assertNoGrantIsLeft();
    }
    assertStillWorks();
  }

  @Test
  void queuesOfTheWrongShapeAreRefused() {
    long[][] wrong = {
      {0, 0}, {3, 0}, {512, 0}, {-1, 0}, {SIZE, 1}, {SIZE, 8},
    };
    for (long[] each : wrong) {
      driver.negotiate(driver.offered());
      driver.set(0x030, 0);
      driver.set(0x038, (int) each[0]);
      driver.address(0x080, TestBoard.MEMORY + each[1]);
      driver.set(0x044, 1);
      assertEquals(0, driver.get(0x044), () -> Arrays.toString(each));
      driver.awaitNeedsReset(Arrays.toString(each));
    }
    assertStillWorks();
  }

  @Test
  void randomRingsNeverFailTheDevice() {
    long seed = Long.getLong("duality.seed", 5);
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      start();
      for (int i = 0; i < 8; i++) {
        boolean right = random.nextInt(4) > 0;
        queue.describe(
            i,
            right ? TestBoard.MEMORY + random.nextInt(1 << 22) : random.nextLong(),
            right ? random.nextInt(2048) : random.nextInt() & 0xffff_ffffL,
            random.nextInt(right ? 4 : 16),
            right ? random.nextInt(8) : random.nextInt(SIZE + 2));
      }
      for (int i = 0; i < 3; i++) {
        queue.offer(random.nextInt(random.nextInt(10) == 0 ? 70 : 8));
      }
      queue.kick();
      if (random.nextInt(5) == 0) {
        board.swap(DEVICE);
      }
    }
    assertNoGrantIsLeft();
    assertEquals(0, board.endpoint(DEVICE).report().failures(), () -> "seed " + seed);
    new Random(1).nextBytes(disk);
    assertStillWorks();
  }

  @Test
  void featuresItDoesNotHaveAreRefused() {
    assertEquals(3, driver.negotiate(driver.offered() | 1L << 40));
    assertEquals(3, driver.negotiate(1));
    driver.set(GuestDriver.STATUS, GuestDriver.RUNNING);
    assertEquals(0, driver.get(GuestDriver.STATUS) & 4, "it does not run");
  }

  @Test
  void aDiskOfAnotherSizeIsRefusedAtASwap() {
    start();
    var saved = board.save(DEVICE);
    TestStore smaller = new TestStore(new byte[512], false, 4);
    make(board, "other", smaller);
    assertThrows(CallFailed.class, () -> board.restore("other", saved));
    assertStillWorks();
  }
}
