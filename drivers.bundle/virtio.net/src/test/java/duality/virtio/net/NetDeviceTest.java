package duality.virtio.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.DriverWork;
import duality.drivers.MacAddress;
import duality.drivers.MmioDevice;
import duality.drivers.Network;
import duality.drivers.Slots;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.GuestQueue.Used;
import duality.drivers.testing.TestBoard;
import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.State;
import duality.net.learning.SwitchServer;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A card on a real switch; the test is the guest, and another card at the same switch. */
class NetDeviceTest extends DeviceContract {
  private static final String SWITCH = "switch";
  private static final int SOURCE = 1;
  private static final int SIZE = 16;
  private static final int BUFFER_BYTES = 2048;
  private static final long RECEIVE_AT = 0x10_0000;
  private static final long SEND_AT = 0x20_0000;
  private static final long SCRATCH = 0x30_0000;
  private static final long CARD = MacAddress.of("guest", 0);
  private static final long OTHER = MacAddress.of("other", 0);

  private Network network;
  private GuestDriver driver;
  private GuestQueue receive;
  private GuestQueue transmit;

  @Override
  protected MmioDevice device(TestBoard board) {
    board.core().register("virtio.net", new NetServer(), MmioDevice.class);
    board.core().register("net.switch", new SwitchServer(), Network.class);
    network = board.child(SWITCH, Network.class, "net.switch", Map.of(), Map.of());
    assertTrue(network.plug(OTHER, board.notification("other"), 0));
    MmioDevice made = make(board, DEVICE, MacAddress.text(CARD));
    driver = new GuestDriver(board, made);
    return made;
  }

  private MmioDevice make(TestBoard board, String name, String mac) {
    return board.child(
        name,
        MmioDevice.class,
        "virtio.net",
        Map.of(Slots.SOURCE, Integer.toString(SOURCE), "mac", mac),
        Map.of(
            Slots.INTERRUPTS,
            board.wires(),
            Slots.MEMORY,
            board.memory(),
            Slots.EVENTS,
            board.notification("net"),
            Slots.BACKEND,
            board.badged(network, Network.class, CARD)));
  }

  @Override
  protected long windowBytes() {
    return 0x200;
  }

  @Override
  protected long[] registers() {
    return new long[] {
      0x000, 0x010, 0x014, 0x020, 0x024, 0x030, 0x038, 0x044, 0x050, 0x060, 0x064, 0x070, 0x080,
      0x090, 0x0a0, 0x0fc, 0x100, 0x104, 0x108
    };
  }

  /** A reset, and all of it: what waited for the driver before is gone. */
  private void negotiate() {
    driver.negotiate(driver.offered());
    TestBoard.await("it is pulled out", () -> network.waiting(CARD) == Network.UNPLUGGED);
  }

  /** Sets the card up and gives it receive buffers, as Linux does. */
  private void start() {
    negotiate();
    receive = driver.queue(0, SIZE, 0x1000);
    transmit = driver.queue(1, SIZE, 0x2000);
    driver.start();
    for (int i = 0; i < SIZE; i++) {
      receive.add(new Buffer(RECEIVE_AT + (long) i * BUFFER_BYTES, BUFFER_BYTES, true));
    }
    receive.kick();
    TestBoard.await("the card is plugged in", () -> network.waiting(CARD) >= 0);
  }

  private static byte[] frame(long to, long from, byte[] data) {
    byte[] frame = new byte[14 + data.length];
    for (int i = 0; i < 6; i++) {
      frame[i] = (byte) (to >>> 40 - 8 * i);
      frame[6 + i] = (byte) (from >>> 40 - 8 * i);
    }
    System.arraycopy(data, 0, frame, 14, data.length);
    return frame;
  }

  private void put(long at, byte[] bytes) {
    board.ram().write(at, MemorySegment.ofArray(bytes), 0, bytes.length);
  }

  private byte[] get(long at, int count) {
    byte[] bytes = new byte[count];
    board.ram().read(at, MemorySegment.ofArray(bytes), 0, count);
    return bytes;
  }

  /** The guest sends, in buffers of these lengths, header included. */
  private void send(byte[] frame, int... lengths) {
    put(SEND_AT, new byte[NetDevice.HEADER_BYTES]);
    put(SEND_AT + NetDevice.HEADER_BYTES, frame);
    Buffer[] buffers = new Buffer[lengths.length];
    long at = SEND_AT;
    for (int i = 0; i < lengths.length; i++) {
      buffers[i] = new Buffer(at, lengths[i], false);
      at += lengths[i];
    }
    int head = transmit.add(buffers);
    transmit.kick();
    assertEquals(new Used(head, 0), transmit.take());
  }

  private void send(byte[] frame) {
    send(frame, NetDevice.HEADER_BYTES + frame.length);
  }

  /** What came to the other card; fetches it. */
  private byte[] atOther() {
    TestBoard.await("a frame for the other card", () -> network.waiting(OTHER) > 0);
    return get(SCRATCH, network.receive(OTHER, 0, board.ram(), SCRATCH, 4096));
  }

  /** The other card sends. */
  private void fromOther(byte[] frame) {
    put(SCRATCH, frame);
    assertEquals(
        Network.TAKEN,
        network.send(OTHER, board.ram(), SCRATCH, frame.length, Network.FIRST | Network.LAST));
  }

  /** What came to the guest; gives the buffer back. */
  private byte[] atGuest() {
    Used used = receive.take();
    long at = RECEIVE_AT + (long) used.head() * BUFFER_BYTES;
    byte[] header = new byte[NetDevice.HEADER_BYTES];
    header[10] = 1; // one buffer
    assertArrayEquals(header, get(at, header.length), "header");
    byte[] frame = get(at + header.length, (int) used.written() - header.length);
    put(at, new byte[BUFFER_BYTES]);
    receive.offer(used.head());
    receive.kickIfWanted();
    return frame;
  }

  private byte[] data(Random random) {
    byte[] data = new byte[random.nextInt(1501)];
    random.nextBytes(data);
    return data;
  }

  @Test
  void isACardWithItsAddress() {
    assertEquals(1, driver.get(8));
    assertTrue(
        (driver.offered() & (1L << 3 | 1L << 5 | 1L << 16)) == (1L << 3 | 1L << 5 | 1L << 16));
    for (int i = 0; i < 6; i++) {
      assertEquals(CARD >>> 40 - 8 * i & 0xff, device().load(0x100 + i, 1));
    }
    assertEquals(1, device().load(0x106, 2), "link up");
    assertEquals(1500, device().load(0x10a, 2), "MTU");
    assertThrows(CallFailed.BadRequest.class, () -> make(board, "x", "01:00:00:00:00:00"));
    assertThrows(CallFailed.BadRequest.class, () -> make(board, "y", ""));
  }

  @Test
  void framesGoBothWays() {
    start();
    Random random = new Random(3);
    for (int i = 0; i < 100; i++) {
      byte[] out = frame(OTHER, CARD, data(random));
      send(out);
      assertArrayEquals(out, atOther());
      byte[] in = frame(CARD, OTHER, data(random));
      fromOther(in);
      assertArrayEquals(in, atGuest());
    }
    TestBoard.await("an interrupt", () -> board.wire(SOURCE));
    assertEquals(1, driver.acknowledge());
    TestBoard.await("all memory is given back", () -> board.openGrants() == 0);
  }

  private static DriverWork.Work counted() {
    return new NetWork()
        .work().stream()
            .filter(each -> each.endpoint().endsWith("/" + DEVICE))
            .findFirst()
            .orElseThrow();
  }

  @Test
  void countsTheBuffersThatItMoves() {
    start();
    DriverWork.Work before = counted();
    byte[] out = frame(OTHER, CARD, new byte[100]);
    send(out);
    atOther();
    send(out, 12, 14, 100);
    atOther();
    fromOther(frame(CARD, OTHER, new byte[50]));
    atGuest();
    DriverWork.Work done = counted().since(before);
    assertEquals(1 + 3 + 1, done.descriptors());
    assertEquals(0, done.copies(), "the switch makes and counts them");
    assertTrue(done.notifications() >= 3, "each frame wakes it: " + done);
  }

  @Test
  void aFrameMayLieInManyBuffers() {
    start();
    byte[] out = frame(OTHER, CARD, new byte[] {1, 2, 3, 4, 5, 6});
    int[][] layouts = {{12, 20}, {12, 14, 6}, {5, 7, 20}, {20, 12}, {1, 1, 11, 1, 18}, {31, 1}};
    for (int[] lengths : layouts) {
      send(out, lengths);
      assertArrayEquals(out, atOther());
    }
    for (int i = 0; i < SIZE; i++) {
      fromOther(frame(CARD, OTHER, new byte[0]));
      receive.take(); // all ordinary buffers are used up
    }
    for (int[] lengths : layouts) {
      put(SEND_AT, new byte[64]);
      Buffer[] buffers = new Buffer[lengths.length];
      long at = SEND_AT;
      for (int i = 0; i < lengths.length; i++) {
        buffers[i] = new Buffer(at, lengths[i], true);
        at += lengths[i];
      }
      byte[] in = frame(CARD, OTHER, new byte[] {9, 8, 7, 6, 5, 4});
      fromOther(in);
      int head = receive.add(buffers);
      receive.kick();
      assertEquals(new Used(head, 32), receive.take());
      assertArrayEquals(in, get(SEND_AT + 12, 20));
      assertEquals(1, board.ram().getShort(SEND_AT + 10), "number of buffers");
    }
  }

  @Test
  void framesWaitForBuffersAndTooLargeOnesAreDropped() {
    start();
    for (int i = 0; i < SIZE + 5; i++) {
      fromOther(frame(CARD, OTHER, new byte[] {(byte) i}));
    }
    for (int i = 0; i < SIZE + 5; i++) {
      assertEquals(i, atGuest()[14], "in order");
    }
    for (int i = 0; i < SIZE; i++) {
      fromOther(frame(CARD, OTHER, new byte[0]));
      receive.take();
    }
    fromOther(frame(CARD, OTHER, new byte[1000]));
    fromOther(frame(CARD, OTHER, new byte[10]));
    receive.add(new Buffer(SEND_AT, 100, true));
    receive.kick();
    assertEquals(12 + 24, receive.take().written(), "the small one");
    assertEquals(1, dropped());
  }

  private long dropped() {
    return card().dropped();
  }

  private Network.Card card() {
    return network.report().cards().stream()
        .filter(each -> each.address().equals(MacAddress.text(CARD)))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void framesThatCannotBeAreRefusedAndNothingStops() {
    start();
    send(new byte[0]);
    send(new byte[13]);
    send(frame(OTHER, CARD, new byte[1501]));
    send(frame(OTHER, OTHER, new byte[10]));
    int head = transmit.add(new Buffer(SEND_AT, TestBoard.MEMORY_BYTES - SEND_AT, false));
    transmit.kick();
    assertEquals(head, transmit.take().head(), "two megabytes");
    byte[] good = frame(OTHER, CARD, new byte[10]);
    send(good);
    assertArrayEquals(good, atOther());
    assertEquals(4, card().refused(), "the empty one was not worth a call");
  }

  @Test
  void buffersThatMakeNoSenseNeedAReset() {
    List<Runnable> attacks =
        List.of(
            () -> transmit.add(new Buffer(SEND_AT, 11, false)),
            () -> transmit.add(new Buffer(SEND_AT, 100, true)),
            () -> transmit.add(new Buffer(-TestBoard.MEMORY, 100, false)),
            () -> transmit.add(new Buffer(SEND_AT, 12, false), new Buffer(1L << 40, 20, false)),
            () -> transmit.offer(SIZE),
            () -> transmit.availableIndex(SIZE + 1));
    for (Runnable attack : attacks) {
      start();
      attack.run();
      transmit.kick();
      driver.awaitNeedsReset("a frame that cannot be read");
    }
    List<Buffer> rooms =
        List.of(
            new Buffer(SEND_AT, 11, true),
            new Buffer(SEND_AT, 100, false),
            new Buffer(-TestBoard.MEMORY, 2000, true));
    for (Buffer room : rooms) {
      negotiate();
      receive = driver.queue(0, SIZE, 0x1000);
      driver.queue(1, SIZE, 0x2000);
      driver.start();
      receive.add(room);
      TestBoard.await("the card is plugged in", () -> network.waiting(CARD) >= 0);
      fromOther(frame(CARD, OTHER, new byte[10]));
      driver.awaitNeedsReset("a buffer that cannot be written");
      TestBoard.await("all memory is given back", () -> board.openGrants() == 0);
    }
    start();
    byte[] good = frame(OTHER, CARD, new byte[10]);
    send(good);
    assertArrayEquals(good, atOther());
    assertEquals(0, board.endpoint(DEVICE).report().failures());
    assertEquals(0, board.endpoint(SWITCH).report().failures());
  }

  @Test
  void randomRingsNeverFailCardOrSwitch() {
    long seed = Long.getLong("duality.seed", 20265);
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      driver.negotiate(driver.offered());
      GuestQueue[] queues = {driver.queue(0, SIZE, 0x1000), driver.queue(1, SIZE, 0x2000)};
      driver.start();
      for (GuestQueue queue : queues) {
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
      }
      fromOther(frame(CARD, OTHER, data(random)));
      if (random.nextInt(5) == 0) {
        board.swap(random.nextBoolean() ? DEVICE : SWITCH);
      }
    }
    driver.set(GuestDriver.STATUS, 0);
    TestBoard.await("all memory is given back", () -> board.openGrants() == 0);
    assertEquals(0, board.endpoint(DEVICE).report().failures(), () -> "seed " + seed);
    assertEquals(0, board.endpoint(SWITCH).report().failures(), () -> "seed " + seed);
    start();
    byte[] good = frame(OTHER, CARD, new byte[10]);
    while (network.receive(OTHER, 0, board.ram(), SCRATCH, 4096) > 0) {
      // What random frames came through goes away.
    }
    send(good);
    assertArrayEquals(good, atOther());
  }

  @Test
  void nothingIsLostWhileCardAndSwitchAreSwapped() {
    start();
    Random random = new Random(5);
    for (int i = 0; i < 200; i++) {
      byte[] out = frame(OTHER, CARD, data(random));
      byte[] in = frame(CARD, OTHER, data(random));
      fromOther(in);
      board.swap(i % 2 == 0 ? DEVICE : SWITCH);
      send(out);
      assertArrayEquals(out, atOther());
      board.swap(i % 3 == 0 ? DEVICE : SWITCH);
      assertArrayEquals(in, atGuest());
    }
    assertEquals(0, dropped());
  }

  private void crash(String name, String server) {
    Endpoint endpoint = board.endpoint(name);
    endpoint.fail("the test says so");
    try (var _ = board.core().hold(List.of(endpoint), 5_000_000_000L)) {
      State left = Objects.requireNonNull(endpoint.checkpoint(), "it left a checkpoint");
      endpoint.open(server, left).bind();
    }
  }

  @Test
  void goesOnAfterCrashesOfCardAndSwitch() {
    start();
    for (int i = 0; i < 50; i++) {
      crash(i % 2 == 0 ? DEVICE : SWITCH, i % 2 == 0 ? "virtio.net" : "net.switch");
      byte[] out = frame(OTHER, CARD, new byte[] {(byte) i});
      send(out);
      assertArrayEquals(out, atOther());
      byte[] in = frame(CARD, OTHER, new byte[] {(byte) i});
      fromOther(in);
      assertArrayEquals(in, atGuest());
    }
  }

  @Test
  void aSwitchThatForgotTheCardGetsItPluggedInAgain() {
    start();
    network.unplug(CARD);
    byte[] out = frame(OTHER, CARD, new byte[] {7});
    send(out);
    assertArrayEquals(out, atOther());
    byte[] in = frame(CARD, OTHER, new byte[] {8});
    fromOther(in);
    assertArrayEquals(in, atGuest());
  }

  @Test
  void aCardWhoseDriverIsResetIsPulledOut() {
    start();
    driver.set(GuestDriver.STATUS, 0);
    TestBoard.await("it is unplugged", () -> network.waiting(CARD) == Network.UNPLUGGED);
    start();
    byte[] out = frame(OTHER, CARD, new byte[] {7});
    send(out);
    assertArrayEquals(out, atOther());
  }

  @Test
  void aCardThatEndsIsPulledOut() {
    start();
    board.remove(DEVICE);
    assertEquals(Network.UNPLUGGED, network.waiting(CARD));
  }

  @Test
  void withoutItsNetworkTheLinkIsDownAndFramesAreLost() {
    start();
    driver.acknowledge();
    board.remove(SWITCH);
    send(frame(OTHER, CARD, new byte[10]));
    TestBoard.await("the link is down", () -> device().load(0x106, 2) == 0);
    assertEquals(2, driver.acknowledge() & 2, "a configuration change");
    assertFalse((driver.get(GuestDriver.STATUS) & GuestDriver.NEEDS_RESET) != 0);
    send(frame(OTHER, CARD, new byte[10]));
    board.swap(DEVICE);
    send(frame(OTHER, CARD, new byte[10]));
    TestBoard.await("the link is still down", () -> device().load(0x106, 2) == 0);
  }

  @Test
  void anotherCardsStateIsRefused() {
    State saved = board.save(DEVICE);
    State wrong = saved.with("device", saved.state("device").with("card", OTHER));
    assertThrows(CallFailed.class, () -> board.restore(DEVICE, wrong));
  }
}
