package duality.virtio.rng;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.DriverWork;
import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.GuestQueue.Used;
import duality.drivers.testing.TestBoard;
import duality.kernel.Endpoint;
import duality.kernel.State;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class RngDeviceTest extends DeviceContract {
  private static final int SOURCE = 1;
  private static final int SIZE = 16;
  private static final long FREE = 0x10_0000;

  private GuestDriver driver;
  private GuestQueue queue;

  @Override
  protected MmioDevice device(TestBoard board) {
    board.core().register("virtio.rng", new RngServer(), MmioDevice.class);
    MmioDevice made =
        board.child(
            DEVICE,
            MmioDevice.class,
            "virtio.rng",
            Map.of(Slots.SOURCE, Integer.toString(SOURCE)),
            Map.of(
                Slots.INTERRUPTS,
                board.wires(),
                Slots.MEMORY,
                board.memory(),
                Slots.EVENTS,
                board.notification("rng")));
    driver = new GuestDriver(board, made);
    return made;
  }

  @Override
  protected long windowBytes() {
    return 0x200;
  }

  @Override
  protected long[] registers() {
    return new long[] {0x000, 0x010, 0x020, 0x030, 0x038, 0x044, 0x050, 0x064, 0x070, 0x080, 0x100};
  }

  private void start() {
    driver.negotiate(driver.offered());
    queue = driver.queue(0, SIZE, 0x1000);
    driver.start();
  }

  /** Asks for bytes; what came. */
  private String ask(int bytes) {
    int head = queue.add(new Buffer(FREE, bytes, true));
    queue.kick();
    Used used = queue.take();
    assertEquals(head, used.head());
    assertTrue(used.written() > 0 && used.written() <= bytes, () -> used.written() + " written");
    byte[] got = new byte[(int) used.written()];
    board.ram().read(FREE, MemorySegment.ofArray(got), 0, got.length);
    return HexFormat.of().formatHex(got);
  }

  @Test
  void fillsBuffersWithDifferentBytes() {
    assertEquals(4, driver.get(8));
    start();
    String first = ask(64);
    assertEquals(128, first.length());
    assertNotEquals(first, ask(64));
    TestBoard.await("an interrupt", () -> board.wire(SOURCE));
    assertEquals(1, driver.acknowledge());
    int[] seen = new int[256];
    for (int i = 0; i < 200; i++) {
      for (byte each : HexFormat.of().parseHex(ask(512))) {
        seen[each & 0xff]++;
      }
    }
    for (int i = 0; i < 256; i++) {
      int count = seen[i]; // 400 expected, standard deviation 20
      assertTrue(count > 200 && count < 600, "byte " + i + " came " + count + " times of 102400");
    }
    TestBoard.await("all memory is given back", () -> board.openGrants() == 0);
  }

  private static DriverWork.Work counted() {
    return new RngWork()
        .work().stream()
            .filter(each -> each.endpoint().endsWith("/" + DEVICE))
            .findFirst()
            .orElseThrow();
  }

  @Test
  void countsWhatItGives() {
    start();
    DriverWork.Work before = counted();
    for (int i = 1; i <= 10; i++) {
      ask(16 * i);
    }
    DriverWork.Work done = counted().since(before);
    assertEquals(10, done.descriptors());
    assertEquals(10, done.copies());
    assertEquals(16 * 55, done.readBytes());
    assertEquals(0, done.writtenBytes());
    assertTrue(done.notifications() >= 10, "each kick wakes it: " + done);
  }

  @Test
  void aHugeRequestIsFilledInPart() {
    start();
    assertEquals(2 * RngDevice.TURN_BYTES, ask(1 << 20).length());
  }

  /** However fast it asks and kicks: 2 MB/s at most, half of the rests are enough here. */
  @Test
  void aGuestThatAsksAllTheTimeGetsNoMoreThanItsRate() {
    start();
    int turns = 600;
    long begin = System.nanoTime();
    for (int i = 0; i < turns; i++) {
      queue.add(new Buffer(FREE, RngDevice.TURN_BYTES, true));
      queue.kick();
      do {
        queue.kick();
      } while (!queue.hasUsed());
      assertEquals(RngDevice.TURN_BYTES, queue.take().written());
    }
    long least = turns * RngDevice.REST_NANOS / 2;
    long took = System.nanoTime() - begin;
    assertTrue(took > least, () -> turns + " turns within " + took + " ns, less than " + least);
  }

  @Test
  void goesOnAcrossSwapsAndCrashes() {
    start();
    for (int i = 0; i < 20; i++) {
      queue.add(new Buffer(FREE, 100, true));
      board.swap(DEVICE); // not kicked: the successor looks
      assertEquals(100, queue.take().written());
      Endpoint endpoint = board.endpoint(DEVICE);
      endpoint.fail("the test says so");
      try (var _ = board.core().hold(List.of(endpoint), 5_000_000_000L)) {
        State left = Objects.requireNonNull(endpoint.checkpoint(), "it left a checkpoint");
        endpoint.open("virtio.rng", left).bind();
      }
      ask(32);
    }
  }

  @Test
  void buffersThatItCannotWriteNeedAReset() {
    List<Runnable> attacks =
        List.of(
            () -> queue.add(new Buffer(FREE, 16, false)),
            () -> queue.add(new Buffer(FREE, 16, false), new Buffer(FREE, 16, true)),
            () -> queue.add(new Buffer(FREE, 0, true)),
            () -> queue.add(new Buffer(-TestBoard.MEMORY, 16, true)),
            () -> queue.add(new Buffer(TestBoard.MEMORY_BYTES - 8, 16, true)));
    for (Runnable attack : attacks) {
      start();
      attack.run();
      queue.kick();
      driver.awaitNeedsReset("a buffer that cannot be written");
      TestBoard.await("all memory is given back", () -> board.openGrants() == 0);
    }
    start();
    ask(16);
    assertEquals(0, board.endpoint(DEVICE).report().failures());
  }
}
