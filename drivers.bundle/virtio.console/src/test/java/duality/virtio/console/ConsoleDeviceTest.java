package duality.virtio.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.drivers.DriverWork;
import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.GuestQueue.Used;
import duality.drivers.testing.TestBoard;
import duality.drivers.testing.TestConsole;
import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Notification;
import duality.kernel.State;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ConsoleDeviceTest extends DeviceContract {
  private static final int SOURCE = 1;
  private static final int SIZE = 16;
  private static final int CONTROL_IN = 2;
  private static final int CONTROL_OUT = 3;
  private static final int AGENT_IN = 4;
  private static final int AGENT_OUT = 5;
  private static final int BUFFER_BYTES = 64;
  private static final long FREE = 0x10_0000;

  private final TestConsole[] far = {new TestConsole(), new TestConsole()};
  private final Console[] consoles = new Console[2];
  private final GuestQueue[] queues = new GuestQueue[6];
  private Notification events;
  private GuestDriver driver;

  @Override
  protected MmioDevice device(TestBoard board) {
    events = board.notification("console");
    for (int i = 0; i < 2; i++) {
      consoles[i] = far[i].attach(board, "far" + i, events, i);
    }
    board.core().register("virtio.console", new ConsoleServer(), MmioDevice.class);
    MmioDevice made = make(board, DEVICE, Map.of("name1", "agent"), 0, 1);
    driver = new GuestDriver(board, made);
    return made;
  }

  private MmioDevice make(TestBoard board, String name, Map<String, String> config, int... ports) {
    Map<String, String> all = new java.util.HashMap<>(config);
    all.put(Slots.SOURCE, Integer.toString(SOURCE));
    Map<String, Object> slots = new java.util.HashMap<>();
    slots.put(Slots.INTERRUPTS, board.wires());
    slots.put(Slots.MEMORY, board.memory());
    slots.put(Slots.EVENTS, events);
    for (int port : ports) {
      slots.put(Slots.BACKEND + port, consoles[port]);
    }
    return board.child(name, MmioDevice.class, "virtio.console", all, slots);
  }

  @Override
  protected long windowBytes() {
    return 0x200;
  }

  @Override
  protected long[] registers() {
    return new long[] {
      0x000, 0x010, 0x014, 0x020, 0x024, 0x030, 0x038, 0x044, 0x050, 0x060, 0x064, 0x070, 0x080,
      0x090, 0x0a0, 0x0fc, 0x100, 0x104
    };
  }

  private long freeAt(int queue, int slot) {
    return FREE + (long) queue * SIZE * BUFFER_BYTES + (long) slot * BUFFER_BYTES;
  }

  /** Sets the device up and gives it all receive buffers, as Linux does. */
  private void start() {
    driver.negotiate(driver.offered());
    for (int i = 0; i < queues.length; i++) {
      queues[i] = driver.queue(i, SIZE, 0x1000L * (i + 1));
    }
    driver.start();
    for (int queue : new int[] {0, CONTROL_IN, AGENT_IN}) {
      for (int slot = 0; slot < SIZE; slot++) {
        queues[queue].add(new Buffer(freeAt(queue, slot), BUFFER_BYTES, true));
      }
      queues[queue].kick();
    }
  }

  /** Takes one filled buffer, gives it back to the device, answers what was in it. */
  private String receive(int queue) {
    Used used = queues[queue].take();
    byte[] bytes = new byte[(int) used.written()];
    board.ram().read(freeAt(queue, used.head()), MemorySegment.ofArray(bytes), 0, bytes.length);
    queues[queue].offer(used.head());
    queues[queue].kick();
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private void send(int queue, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    board.ram().write(freeAt(queue, 0), MemorySegment.ofArray(bytes), 0, bytes.length);
    int head = queues[queue].add(new Buffer(freeAt(queue, 0), bytes.length, false));
    queues[queue].kick();
    assertEquals(new Used(head, 0), queues[queue].take());
  }

  private static String message(int port, int event, int value) {
    StringBuilder text = new StringBuilder();
    long packed = new ControlMessage(port, event, value).packed();
    for (int i = 0; i < 8; i++) {
      text.append((char) (packed >>> 8 * i & 0xff));
    }
    return text.toString();
  }

  /** The dialogue of Linux's driver, up to both ports being there and the agent's being open. */
  private void connect() {
    send(CONTROL_OUT, message(-1, ControlMessage.DEVICE_READY, 1));
    assertEquals(message(0, ControlMessage.PORT_ADD, 1), receive(CONTROL_IN));
    assertEquals(message(1, ControlMessage.PORT_ADD, 1), receive(CONTROL_IN));
    send(CONTROL_OUT, message(0, ControlMessage.PORT_READY, 1));
    assertEquals(message(0, ControlMessage.CONSOLE_PORT, 1), receive(CONTROL_IN));
    assertEquals(message(0, ControlMessage.PORT_OPEN, 1), receive(CONTROL_IN));
    send(CONTROL_OUT, message(1, ControlMessage.PORT_READY, 1));
    assertEquals(message(1, ControlMessage.PORT_NAME, 1) + "agent", receive(CONTROL_IN));
    assertEquals(message(1, ControlMessage.PORT_OPEN, 1), receive(CONTROL_IN));
    send(CONTROL_OUT, message(1, ControlMessage.PORT_OPEN, 1));
  }

  @Test
  void isAConsoleWithSeveralPorts() {
    assertEquals(3, driver.get(8));
    assertEquals(1L << 1 | 1L << 28 | 1L << 29 | 1L << 32, driver.offered());
    assertEquals(2, device().load(0x104, 4));
  }

  @Test
  void portsAreIntroducedAndCarryBytesBothWays() {
    start();
    connect();
    send(1, "from the console");
    send(AGENT_OUT, "from the agent");
    assertEquals("from the console", far[0].text());
    assertEquals("from the agent", far[1].text());
    consoles[0].type("to the console");
    consoles[1].type("to the agent");
    assertEquals("to the console", receive(0));
    assertEquals("to the agent", receive(AGENT_IN));
    TestBoard.await("an interrupt", () -> board.wire(SOURCE));
    assertEquals(1, driver.acknowledge());
    TestBoard.await("all memory is given back", () -> board.openGrants() == 0);
  }

  private static DriverWork.Work counted() {
    return new ConsoleWork()
        .work().stream()
            .filter(each -> each.endpoint().endsWith("/" + DEVICE))
            .findFirst()
            .orElseThrow();
  }

  @Test
  void countsWhatGoesThroughItsPorts() {
    DriverWork.Work atFirst = counted();
    start();
    connect();
    // Four messages came and six went; each is counted a moment after it was seen.
    TestBoard.await("all messages are counted", () -> counted().since(atFirst).descriptors() >= 10);
    DriverWork.Work before = counted();
    send(1, "12345");
    send(AGENT_OUT, "1234567890");
    consoles[1].type("123");
    assertEquals("123", receive(AGENT_IN));
    TestBoard.await("three chains", () -> counted().since(before).descriptors() == 3);
    DriverWork.Work done = counted().since(before);
    assertEquals(3, done.copies());
    assertEquals(15, done.writtenBytes());
    assertEquals(3, done.readBytes());
    assertTrue(done.notifications() >= 3, "each kick wakes it: " + done);
  }

  @Test
  void inputWaitsUntilThePortIsOpen() {
    start();
    consoles[0].type("early");
    consoles[1].type("early");
    send(CONTROL_OUT, message(0, ControlMessage.PORT_READY, 1));
    assertEquals("early", receive(0), "a terminal is never said to be open");
    send(CONTROL_OUT, message(1, ControlMessage.PORT_READY, 1));
    assertEquals(5, far[1].waitingInput());
    send(CONTROL_OUT, message(1, ControlMessage.PORT_OPEN, 1));
    assertEquals("early", receive(AGENT_IN));
    send(CONTROL_OUT, message(1, ControlMessage.PORT_OPEN, 0));
    consoles[1].type("late");
    board.save(DEVICE);
    assertFalse(queues[AGENT_IN].hasUsed());
    assertEquals(4, far[1].waitingInput());
  }

  @Test
  void inputThatFillsAllBuffersWaitsForMore() {
    start();
    connect();
    String text = "0123456789".repeat(500);
    consoles[1].type(text);
    StringBuilder read = new StringBuilder();
    while (read.length() < text.length()) {
      read.append(receive(AGENT_IN));
    }
    assertEquals(text, read.toString());
  }

  @Test
  void everythingGoesOnAcrossSwaps() {
    start();
    send(CONTROL_OUT, message(-1, ControlMessage.DEVICE_READY, 1));
    board.swap(DEVICE);
    receive(CONTROL_IN);
    receive(CONTROL_IN);
    connect();
    Random random = new Random(6);
    StringBuilder toGuest = new StringBuilder();
    StringBuilder fromGuest = new StringBuilder();
    StringBuilder heard = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      String out = Integer.toString(random.nextInt());
      send(AGENT_OUT, out);
      fromGuest.append(out);
      String in = Integer.toString(random.nextInt());
      consoles[1].type(in);
      toGuest.append(in);
      if (i % 5 == 0) {
        board.swap(DEVICE);
      }
    }
    while (heard.length() < toGuest.length()) {
      heard.append(receive(AGENT_IN));
    }
    assertEquals(toGuest.toString(), heard.toString());
    assertEquals(fromGuest.toString(), far[1].text());
  }

  /** The instance fails and saves nothing; the next one has what it left before, and the rings. */
  private void crash() {
    Endpoint endpoint = board.endpoint(DEVICE);
    endpoint.fail("the test says so");
    try (var _ = board.core().hold(List.of(endpoint), 5_000_000_000L)) {
      // Asked for when its worker has left: what it stops in the middle of may be done twice.
      State left = Objects.requireNonNull(endpoint.checkpoint(), "it left a checkpoint");
      endpoint.open("virtio.console", left).bind();
    }
  }

  @Test
  void everythingGoesOnAcrossCrashesThatSaveNothing() {
    start();
    crash();
    send(CONTROL_OUT, message(-1, ControlMessage.DEVICE_READY, 1));
    crash();
    receive(CONTROL_IN);
    crash();
    receive(CONTROL_IN);
    connect();
    Random random = new Random(8);
    StringBuilder toGuest = new StringBuilder();
    StringBuilder fromGuest = new StringBuilder();
    StringBuilder heard = new StringBuilder();
    for (int i = 0; i < 300; i++) {
      String out = Integer.toString(random.nextInt());
      send(AGENT_OUT, out);
      fromGuest.append(out);
      String in = Integer.toString(random.nextInt());
      consoles[1].type(in);
      toGuest.append(in);
      if (random.nextInt(5) == 0) {
        heard.append(receive(AGENT_IN));
      }
      if (random.nextInt(4) == 0) {
        crash();
      }
    }
    while (heard.length() < toGuest.length()) {
      heard.append(receive(AGENT_IN));
    }
    assertEquals(toGuest.toString(), heard.toString());
    assertEquals(fromGuest.toString(), far[1].text());
    assertEquals(GuestDriver.RUNNING, driver.get(GuestDriver.STATUS));
  }

  @Test
  void messagesThatWaitForBuffersSurviveACrash() {
    driver.negotiate(driver.offered());
    for (int i = 0; i < queues.length; i++) {
      queues[i] = driver.queue(i, SIZE, 0x1000L * (i + 1));
    }
    driver.start();
    send(CONTROL_OUT, message(-1, ControlMessage.DEVICE_READY, 1));
    crash();
    crash();
    for (int slot = 0; slot < 4; slot++) {
      queues[CONTROL_IN].add(new Buffer(freeAt(CONTROL_IN, slot), BUFFER_BYTES, true));
    }
    queues[CONTROL_IN].kick();
    assertEquals(message(0, ControlMessage.PORT_ADD, 1), receive(CONTROL_IN));
    assertEquals(message(1, ControlMessage.PORT_ADD, 1), receive(CONTROL_IN));
  }

  @Test
  void aLookMakesUpForSignalsAndKicksThatWereLost() {
    start();
    connect();
    board.save(DEVICE); // its worker is at rest, and has no reason to run
    far[1].typeUnannounced("unannounced");
    board.endpoint(DEVICE).check();
    assertEquals("unannounced", receive(AGENT_IN));
    byte[] bytes = {'k'};
    board.ram().write(freeAt(1, 0), MemorySegment.ofArray(bytes), 0, 1);
    int head = queues[1].add(new Buffer(freeAt(1, 0), 1, false)); // and no kick
    board.endpoint(DEVICE).check();
    assertEquals(new Used(head, 0), queues[1].take());
    assertEquals("k", far[0].text());
  }

  @Test
  void answersWaitForBuffersAndNoneIsLost() {
    driver.negotiate(driver.offered());
    for (int i = 0; i < queues.length; i++) {
      queues[i] = driver.queue(i, SIZE, 0x1000L * (i + 1));
    }
    driver.start();
    // A guest that asks without listening is heard only up to a limit.
    byte[] ready = message(0, ControlMessage.DEVICE_READY, 1).getBytes(StandardCharsets.ISO_8859_1);
    board.ram().write(FREE, MemorySegment.ofArray(ready), 0, 8);
    int asked = 0;
    for (int round = 0; round < 10; round++) {
      for (int i = 0; i < 10; i++) {
        queues[CONTROL_OUT].add(new Buffer(FREE, 8, false));
        asked++;
        queues[CONTROL_OUT].kick();
        board.save(DEVICE);
        if (!queues[CONTROL_OUT].hasUsed()) {
          break;
        }
        queues[CONTROL_OUT].take();
      }
    }
    assertTrue(asked < 60, "it was heard without end");
    board.swap(DEVICE);
    List<String> answers = new ArrayList<>();
    for (int slot = 0; slot < SIZE; slot++) {
      queues[CONTROL_IN].add(new Buffer(freeAt(CONTROL_IN, slot), BUFFER_BYTES, true));
    }
    queues[CONTROL_IN].kick();
    for (int i = 0; i < 2 * asked; i++) {
      answers.add(receive(CONTROL_IN));
    }
    for (int i = 0; i < answers.size(); i++) {
      assertEquals(message(i % 2, ControlMessage.PORT_ADD, 1), answers.get(i));
    }
  }

  @Test
  void withoutThePortsFeatureThereIsOneTerminal() {
    driver.negotiate(0);
    queues[0] = driver.queue(0, SIZE, 0x1000);
    queues[1] = driver.queue(1, SIZE, 0x2000);
    driver.start();
    queues[0].add(new Buffer(freeAt(0, 0), BUFFER_BYTES, true));
    consoles[0].type("in");
    assertEquals("in", receive(0));
    send(1, "out");
    assertEquals("out", far[0].text());
  }

  @Test
  void aPortWithoutABackendIsNotThere() {
    board.remove(DEVICE); // which had the same events
    driver = new GuestDriver(board, make(board, "agent-only", Map.of("name1", "agent"), 1));
    start();
    send(CONTROL_OUT, message(-1, ControlMessage.DEVICE_READY, 1));
    assertEquals(message(1, ControlMessage.PORT_ADD, 1), receive(CONTROL_IN));
    send(CONTROL_OUT, message(0, ControlMessage.PORT_READY, 1));
    board.save("agent-only");
    assertFalse(queues[CONTROL_IN].hasUsed());
    String said = assertThrows(CallFailed.class, () -> make(board, "none", Map.of())).getMessage();
    assertTrue(said.contains("no console in slots backend0 to backend1"), said);
  }

  @Test
  void aTerminalOfAKnownSizeTellsIt() {
    board.remove(DEVICE); // which had the same events
    Map<String, String> size = Map.of("columns", "132", "rows", "43");
    driver = new GuestDriver(board, make(board, "sized", size, 0));
    assertEquals(1, driver.offered() & 1);
    start();
    send(CONTROL_OUT, message(0, ControlMessage.PORT_READY, 1));
    receive(CONTROL_IN);
    assertEquals(
        message(0, ControlMessage.RESIZE, 0) + "\u0084\0+\0", receive(CONTROL_IN), "132 by 43");
  }

  @Test
  void strangeControlMessagesAreIgnored() {
    start();
    send(CONTROL_OUT, "short");
    send(CONTROL_OUT, message(77, ControlMessage.PORT_READY, 1));
    send(CONTROL_OUT, message(0, 99, 1));
    send(CONTROL_OUT, message(0, ControlMessage.DEVICE_READY, 0));
    connect();
  }

  @Test
  void malformedQueuesNeedAReset() {
    long ram = TestBoard.MEMORY + FREE;
    record Attack(String what, int queue, Runnable ring) {}
    Attack[] attacks = {
      new Attack(
          "output that is no memory",
          AGENT_OUT,
          () -> {
            queues[AGENT_OUT].describe(0, 0x1000, 10, 0, 0);
            queues[AGENT_OUT].offer(0);
          }),
      new Attack(
          "output of a gigabyte",
          1,
          () -> {
            queues[1].describe(0, ram, 1 << 30, 0, 0);
            queues[1].offer(0);
          }),
      new Attack(
          "a circle",
          1,
          () -> {
            queues[1].describe(0, ram, 1, GuestQueue.NEXT, 0);
            queues[1].offer(0);
          }),
      new Attack("an index that lies", AGENT_OUT, () -> queues[AGENT_OUT].availableIndex(500)),
      new Attack(
          "control messages that are no memory",
          CONTROL_OUT,
          () -> {
            queues[CONTROL_OUT].describe(0, -1, 8, 0, 0);
            queues[CONTROL_OUT].offer(0);
          }),
    };
    for (Attack attack : attacks) {
      start();
      connect();
      for (int i = 0; i < SIZE; i++) {
        queues[attack.queue].describe(i, ram, 1, 0, 0);
      }
      attack.ring.run();
      queues[attack.queue].kick();
      driver.awaitNeedsReset(attack.what);
      TestBoard.await("all memory is given back", () -> board.openGrants() == 0);
    }
    start();
    connect();
    assertEquals(0, board.endpoint(DEVICE).report().failures());
  }

  @Test
  void badReceiveBuffersNeedAReset() {
    long[][] wrong = {{TestBoard.MEMORY, 64, 0}, {0x1000, 64, 2}, {-1, 64, 2}};
    for (long[] each : wrong) {
      driver.negotiate(driver.offered());
      for (int i = 0; i < queues.length; i++) {
        queues[i] = driver.queue(i, SIZE, 0x1000L * (i + 1));
      }
      driver.start();
      queues[CONTROL_IN].describe(0, each[0], each[1], (int) each[2], 0);
      queues[CONTROL_IN].offer(0);
      send(CONTROL_OUT, message(-1, ControlMessage.DEVICE_READY, 1));
      driver.awaitNeedsReset("a bad control buffer");
    }
    start();
    connect();
    consoles[1].type("kept");
    assertEquals("kept", receive(AGENT_IN));
  }
}
