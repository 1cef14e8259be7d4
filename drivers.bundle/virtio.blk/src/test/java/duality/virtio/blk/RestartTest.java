package duality.virtio.blk;

import static duality.virtio.blk.TestDisk.DATA_AT;
import static duality.virtio.blk.TestDisk.SECTORS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import duality.drivers.MmioDevice;
import duality.drivers.Store;
import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.TestBoard;
import duality.drivers.virtio.VirtioDevice;
import duality.drivers.virtio.VirtioMmio;
import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A driver crashes and leaves nothing but rings and what it said of itself before. */
@Timeout(600)
class RestartTest {
  private static final String DEVICE = "device";
  private static final int SLOTS = 20;

  private final byte[] content = new byte[SECTORS * 512];
  private final TestBoard board = new TestBoard();
  private TestDisk disk;

  @BeforeEach
  void make() {
    new Random(1).nextBytes(content);
    disk = new TestDisk(board, DEVICE, content, false);
  }

  @AfterEach
  void close() {
    board.close();
  }

  private Endpoint endpoint() {
    return board.endpoint(DEVICE);
  }

  /** The instance fails, and the next one gets this state. */
  private void restartFrom(State state) {
    Endpoint endpoint = endpoint();
    endpoint.fail("the test says so");
    try (var _ = board.core().hold(List.of(endpoint), 100_000_000_000L)) {
      endpoint.open("virtio.blk", state).bind();
    }
  }

  private void restart() {
    restartFrom(Objects.requireNonNull(endpoint().checkpoint(), "it left a checkpoint"));
  }

  private int read(int slot, long sector) {
    return disk.queue.add(
        disk.header(slot, Request.TYPE_IN, sector),
        new Buffer(DATA_AT + 512L * slot, 512, true),
        disk.statusByte(slot));
  }

  private void awaitHeld(int count) {
    TestBoard.await(count + " at the store", () -> disk.store.held() == count);
  }

  private void assertRead(int slot, int sector) {
    assertEquals(0, disk.status(slot));
    assertArrayEquals(
        Arrays.copyOfRange(content, sector * 512, (sector + 1) * 512),
        disk.ram(DATA_AT + 512L * slot, 512));
  }

  @Test
  void requestsAreFoundAgainInTheRingsAloneAndDoneOnce() {
    disk.start();
    disk.store.hold(true);
    for (int i = 0; i < 10; i++) {
      read(i, i);
    }
    disk.queue.kick();
    awaitHeld(10);
    for (int which : new int[] {7, 3, 0}) { // not in the order in which they came
      disk.store.finish(which, Store.OK);
      disk.queue.take();
    }
    restart();
    for (int i = 10; i < 13; i++) {
      read(i, i);
    }
    disk.queue.kick();
    awaitHeld(10);
    for (int i = 0; i < 10; i++) {
      disk.store.finish(0, Store.OK);
      disk.queue.take();
    }
    for (int i = 0; i < 13; i++) {
      assertRead(i, i);
    }
    assertEquals(13, disk.store.done(), "what the store had was not begun once more beside it");
    assertFalse(disk.queue.hasUsed());
    disk.store.hold(false);
    disk.assertStillWorks();
  }

  @Test
  void aDriverThatHadItsRegistersOnlyIsSetUpFurther() {
    disk.driver.negotiate(disk.driver.offered());
    restart();
    assertEquals(1 | 2 | 8, disk.driver.get(GuestDriver.STATUS));
    disk.queue = disk.driver.queue(0, TestDisk.SIZE, TestDisk.QUEUE_AT);
    restart();
    disk.driver.start();
    restart();
    disk.request(Request.TYPE_IN, 7, new Buffer(DATA_AT, 512, true));
    assertRead(0, 7);
  }

  @Test
  void anyOrderAndAnyMomentOfACrashGiveEachRequestBackOnce() {
    for (long seed = 1; seed <= 20; seed++) {
      randomCrashes(seed);
    }
  }

  /** The descriptors of a slot are always the same. */
  private int readBySlot(int slot, long sector) {
    Buffer header = disk.header(slot, Request.TYPE_IN, sector);
    Buffer statusByte = disk.statusByte(slot);
    int head = 3 * slot;
    describe(head, header.offset(), 16, GuestQueue.NEXT);
    describe(head + 1, DATA_AT + 512L * slot, 512, GuestQueue.NEXT | GuestQueue.WRITE);
    describe(head + 2, statusByte.offset(), 1, GuestQueue.WRITE);
    disk.queue.offer(head);
    return head;
  }

  private void describe(int descriptor, long offset, long length, int flags) {
    disk.queue.describe(descriptor, TestBoard.MEMORY + offset, length, flags, descriptor + 1);
  }

  /** Slots are the requests that a driver has out: more than the store takes, often used again. */
  private void randomCrashes(long seed) {
    Random random = new Random(seed);
    disk.start();
    disk.store.hold(true);
    int[] headOf = new int[SLOTS];
    int[] sectorOf = new int[SLOTS];
    BitSet out = new BitSet();
    int begun = 0;
    int ended = 0;
    while (ended < 400) {
      for (int slot = 0; slot < SLOTS; slot++) {
        if (!out.get(slot) && begun < 400 && random.nextInt(3) > 0) {
          out.set(slot);
          sectorOf[slot] = random.nextInt(SECTORS);
          headOf[slot] = readBySlot(slot, sectorOf[slot]);
          begun++;
        }
      }
      disk.queue.kick();
      if (random.nextInt(8) == 0) {
        restart();
        int known = Math.min(16, out.cardinality());
        TestBoard.await("it knows what is out", () -> taken() >= known);
      }
      if (!out.isEmpty()) {
        TestBoard.await("something at the store", () -> disk.store.held() > 0);
        disk.store.finish(random.nextInt(disk.store.held()), Store.OK);
        int head = disk.queue.take().head();
        int slot = 0;
        while (!out.get(slot) || headOf[slot] != head) {
          slot++;
          assertFalse(slot == SLOTS, "seed " + seed + ": " + head + " was given back twice");
        }
        assertRead(slot, sectorOf[slot]);
        out.clear(slot);
        ended++;
      }
    }
    assertFalse(disk.queue.hasUsed(), "seed " + seed);
    assertEquals(GuestDriver.RUNNING, disk.driver.get(GuestDriver.STATUS), "seed " + seed);
  }

  @Test
  void whatWasTakenAndGotLostOnTheWayIsBegunOnceMore() {
    disk.start();
    disk.store.hold(true);
    read(0, 10);
    read(1, 11);
    disk.queue.kick();
    awaitHeld(2);
    State saved = board.save(DEVICE);
    State device = saved.state("device");
    State flight = device.state("inFlight");
    List<State> atStore = flight.states("atStore");
    // As if it had stopped between fetching an answer and giving the chain back.
    State torn = flight.with("atStore", atStore.subList(1, 2));
    restartFrom(saved.with("device", device.with("inFlight", torn)));
    TestBoard.await("it knows both", () -> taken() == 2);
    disk.store.finish(1, Store.OK);
    disk.store.finish(0, Store.OK);
    disk.queue.take();
    disk.queue.take();
    assertRead(0, 10);
    assertRead(1, 11);
    assertEquals(2, disk.store.done());
    disk.assertNoGrantIsLeft();
  }

  @Test
  void aRequestWhoseEndWasNotSaidIsBegunOnceMore() {
    disk.start();
    disk.store.hold(true);
    read(0, 10);
    disk.queue.kick();
    awaitHeld(1);
    State saved = board.save(DEVICE);
    State device = saved.state("device");
    State flight = device.state("inFlight");
    State ended = flight.states("requests").getFirst().with("outstanding", 0);
    State torn = flight.with("atStore", List.of()).with("requests", List.of(ended));
    restartFrom(saved.with("device", device.with("inFlight", torn)));
    TestBoard.await("it knows it", () -> taken() == 1);
    disk.store.finish(0, Store.OK);
    disk.queue.take();
    assertRead(0, 10);
    disk.assertNoGrantIsLeft();
  }

  @Test
  void theDriverIsToldOfWhatWasGivenBackJustBeforeTheCrash() {
    disk.start();
    disk.queue.quiet(true);
    read(0, 10);
    disk.queue.kick();
    disk.queue.take();
    State saved = board.save(DEVICE);
    assertFalse(board.wire(TestDisk.SOURCE), "as if it had stopped before it said so");
    restartFrom(saved);
    TestBoard.await("an interrupt", () -> board.wire(TestDisk.SOURCE));
  }

  @Test
  void answersWithoutEndAboutNothingFailTheDriver() {
    disk.start();
    disk.store.mutter(100);
    read(0, 10);
    disk.queue.kick();
    disk.queue.take();
    disk.store.mutter(5_000);
    TestBoard.await(
        "a failure", () -> endpoint().report().condition().contains("about nothing in flight"));
  }

  private int taken() {
    return board.save(DEVICE).state("device").state("inFlight").states("requests").size();
  }

  @Test
  void anOldStateFindsInTheRingsWhatEndedSince() {
    disk.start();
    disk.store.hold(true);
    for (int i = 0; i < 5; i++) {
      read(i, i);
    }
    disk.queue.kick();
    awaitHeld(5);
    State old = board.save(DEVICE);
    disk.store.finish(3, Store.OK);
    disk.store.finish(1, Store.OK);
    disk.queue.take();
    disk.queue.take();
    restartFrom(old);
    for (int i = 0; i < 3; i++) {
      disk.store.finish(0, Store.OK);
      disk.queue.take();
    }
    board.save(DEVICE);
    assertFalse(disk.queue.hasUsed());
    for (int i = 0; i < 5; i++) {
      assertRead(i, i);
    }
  }

  @Test
  void aStateThatIsTooOldForTheRingsEndsInAReset() {
    disk.start();
    State old = board.save(DEVICE);
    disk.request(Request.TYPE_FLUSH, 0);
    disk.request(Request.TYPE_FLUSH, 0);
    restartFrom(old);
    disk.driver.awaitNeedsReset("the rings need not hold all that happened since");
    disk.assertStillWorks();
  }

  @Test
  void anEndThatNobodyToldAndARequestThatTheStoreLostAreFoundByTheCheck() {
    disk.start();
    disk.store.hold(true);
    read(0, 20);
    read(1, 21);
    disk.queue.kick();
    awaitHeld(2);
    disk.store.finishSilently(0);
    disk.store.lose(0);
    disk.store.hold(false);
    for (int found = 0; found < 2; found++) {
      // A look at which the worker is just at work proves nothing either.
      TestBoard.await(
          "a request that is found",
          () -> {
            endpoint().check();
            return disk.queue.hasUsed();
          });
      disk.queue.take();
    }
    assertRead(0, 20);
    assertRead(1, 21);
    disk.assertNoGrantIsLeft();
  }

  @Test
  void aKickThatGotLostIsMadeUpForByTheCheck() {
    disk.start();
    read(0, 30);
    endpoint().check();
    disk.queue.take();
    assertRead(0, 30);
  }

  @Test
  void aRequestThatTheDeviceForgotFailsTheCheck() {
    disk.start();
    disk.store.hold(true);
    read(0, 40);
    disk.queue.kick();
    awaitHeld(1);
    BlockDevice[] opened = new BlockDevice[1];
    long[] rounds = new long[1];
    swapIn(
        (context, saved) -> {
          rounds[0] = endpoint().report().notifications(); // drained: the old worker does no more
          opened[0] = new BlockDevice(context);
          return VirtioMmio.open(context, opened[0], saved);
        });
    // In its first round it takes again what nobody knows of.
    TestBoard.await("its worker began", () -> endpoint().report().notifications() > rounds[0]);
    endpoint().check();
    try (var _ = board.core().hold(List.of(endpoint()), 100_000_000_000L)) {
      opened[0].reset(); // without its transport: what an error of its own would be
    }
    assertThrows(CallFailed.ServerFailed.class, () -> endpoint().check());
  }

  @Test
  void aDeviceThatTakesNothingFailsTheCheck() {
    disk.start();
    swapIn((context, saved) -> VirtioMmio.open(context, new Lazy(new BlockDevice(context)), saved));
    read(0, 40);
    disk.queue.kick();
    TestBoard.await("a failed check", this::fails); // each look counts a turn of its worker
    restart();
    disk.queue.take();
    assertRead(0, 40);
  }

  private boolean fails() {
    try {
      endpoint().check();
      return false;
    } catch (CallFailed.ServerFailed found) {
      return true;
    }
  }

  private void swapIn(Server server) {
    board.core().register("other", server, MmioDevice.class);
    Endpoint endpoint = endpoint();
    try (var _ = board.core().hold(List.of(endpoint), 100_000_000_000L)) {
      endpoint.open("other", endpoint.save()).bind();
    }
  }

  /** Does no work. */
  private record Lazy(BlockDevice device) implements VirtioDevice {
    @Override
    public String schema() {
      return device.schema();
    }

    @Override
    public int type() {
      return device.type();
    }

    @Override
    public long features() {
      return device.features();
    }

    @Override
    public int queues() {
      return device.queues();
    }

    @Override
    public int queueSize() {
      return device.queueSize();
    }

    @Override
    public byte[] config() {
      return device.config();
    }

    @Override
    public void attach(VirtioMmio transport) {
      device.attach(transport);
    }

    @Override
    public boolean takes(int queue) {
      return device.takes(queue);
    }

    @Override
    public void work(long bits) {}

    @Override
    public void reset() {
      device.reset();
    }

    @Override
    public State checkpoint() {
      return device.checkpoint();
    }

    @Override
    public State save() {
      return device.save();
    }

    @Override
    public void restore(State saved) {
      device.restore(saved);
    }
  }
}
