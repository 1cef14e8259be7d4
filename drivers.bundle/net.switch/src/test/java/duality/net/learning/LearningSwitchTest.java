package duality.net.learning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.DriverWork;
import duality.drivers.MacAddress;
import duality.drivers.Network;
import duality.drivers.testing.TestBoard;
import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Notification;
import duality.kernel.State;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LearningSwitchTest {
  private static final String SWITCH = "switch";
  private static final long A = MacAddress.of("a", 0);
  private static final long B = MacAddress.of("b", 0);
  private static final long C = MacAddress.of("c", 0);
  private static final long ALL = 0xffff_ffff_ffffL;
  private static final long FAR = 0x02_1234_5678_9aL;

  private final AtomicLong now = new AtomicLong();
  private TestBoard board;
  private Network network;

  @BeforeEach
  void setUp() {
    board = new TestBoard();
    board
        .core()
        .register(
            "net.switch",
            (context, saved) -> LearningSwitch.open(context, now::get, saved),
            Network.class);
    network = board.child(SWITCH, Network.class, "net.switch", Map.of(), Map.of());
    for (long card : List.of(A, B, C)) {
      assertTrue(network.plug(card, events(card), 0));
    }
  }

  @AfterEach
  void tearDown() {
    board.close();
  }

  private Notification events(long card) {
    return board.notification(MacAddress.text(card));
  }

  private void put(long at, byte[] bytes) {
    board.ram().write(at, MemorySegment.ofArray(bytes), 0, bytes.length);
  }

  private static byte[] frame(long to, long from, String text) {
    byte[] data = text.getBytes(StandardCharsets.ISO_8859_1);
    byte[] frame = new byte[14 + data.length];
    for (int i = 0; i < 6; i++) {
      frame[i] = (byte) (to >>> 40 - 8 * i);
      frame[6 + i] = (byte) (from >>> 40 - 8 * i);
    }
    frame[12] = 8;
    System.arraycopy(data, 0, frame, 14, data.length);
    return frame;
  }

  private int send(long card, byte[] frame) {
    put(0, frame);
    return network.send(card, board.ram(), 0, frame.length, Network.FIRST | Network.LAST);
  }

  private void send(long to, long from, String text) {
    assertEquals(Network.TAKEN, send(from, frame(to, from, text)));
  }

  /** What waits for a card, each frame's text; fetches it. */
  private String fetch(long card) {
    StringBuilder all = new StringBuilder();
    for (int length; (length = network.receive(card, 0, board.ram(), 4096, 4096)) > 0; ) {
      byte[] bytes = new byte[length - 14];
      board.ram().read(4096 + 14, MemorySegment.ofArray(bytes), 0, bytes.length);
      all.append(new String(bytes, StandardCharsets.ISO_8859_1)).append(';');
    }
    return all.toString();
  }

  private Network.Card card(long card) {
    return network.report().cards().stream()
        .filter(each -> each.address().equals(MacAddress.text(card)))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aFrameGoesWhereItsAddressIsAndNowhereElse() {
    send(B, A, "to b");
    assertEquals("", fetch(A));
    assertEquals("to b;", fetch(B));
    assertEquals("", fetch(C));
    send(ALL, A, "to all");
    send(0x0100_5e00_0001L, A, "to a group");
    assertEquals("", fetch(A), "never back");
    assertEquals("to all;to a group;", fetch(B));
    assertEquals("to all;to a group;", fetch(C));
    send(A, A, "to itself");
    assertEquals("", fetch(A) + fetch(B) + fetch(C));
    assertEquals(0, network.report().flooded());
  }

  private static DriverWork.Work counted(long card) {
    String name = SWITCH + ":" + MacAddress.text(card);
    return new SwitchWork()
        .work().stream()
            .filter(each -> each.endpoint().endsWith("/" + name))
            .findFirst()
            .orElseThrow();
  }

  @Test
  void whoSendsToManyIsCountedForEachCopy() {
    DriverWork.Work a = counted(A);
    DriverWork.Work b = counted(B);
    send(B, A, "to b"); // 18 bytes in, 18 into b's queue, b is told
    send(ALL, A, "to all"); // 20 in, 20 for b, which was told, and 20 for c, which is told
    DriverWork.Work sent = counted(A).since(a);
    assertEquals(5, sent.copies());
    assertEquals(18 + 18 + 20 + 20 + 20, sent.writtenBytes());
    assertEquals(2, sent.notifications());
    assertEquals(0, sent.readBytes());
    assertEquals("to b;to all;", fetch(B));
    DriverWork.Work fetched = counted(B).since(b);
    assertEquals(18 + 20, fetched.readBytes());
    assertEquals(2, fetched.copies());
    assertEquals(0, fetched.writtenBytes());
    for (int i = 0; i < 2 * Port.QUEUE_LIMIT / 1000; i++) {
      send(B, A, "x".repeat(1000));
    }
    DriverWork.Work before = counted(A);
    send(B, A, "x".repeat(1000));
    assertEquals(1, counted(A).since(before).copies(), "what is dropped is not copied on");
  }

  @Test
  void learnsWhatIsBehindACardAndForgetsIt() {
    send(FAR, A, "where?");
    assertEquals("where?;", fetch(B));
    assertEquals("where?;", fetch(C));
    assertEquals(1, network.report().flooded());
    assertEquals(Network.TAKEN, send(C, frame(A, FAR, "here")));
    assertEquals("here;", fetch(A));
    send(FAR, A, "there");
    assertEquals("", fetch(B));
    assertEquals("there;", fetch(C));
    now.addAndGet(AddressTable.AGE_NANOS + 1);
    send(FAR, A, "where now?");
    assertEquals("where now?;", fetch(B));
    network.unplug(C);
    assertEquals(Network.UNPLUGGED, network.waiting(C));
    assertEquals(0, network.report().learned());
  }

  @Test
  void tellsACardOnceThatSomethingWaits() {
    events(B).take(-1, 0);
    send(B, A, "1");
    assertEquals(1, events(B).take(-1, 0));
    send(B, A, "2");
    assertEquals(0, events(B).take(-1, 0), "it has not fetched the first one yet");
    fetch(B);
    send(B, A, "3");
    assertEquals(1, events(B).take(-1, 0));
  }

  @Test
  void whatIsTooMuchIsDroppedAndCounted() {
    byte[] frame = frame(B, A, "x".repeat(1500));
    int fit = Port.QUEUE_LIMIT / (frame.length + 4);
    for (int i = 0; i < fit + 10; i++) {
      assertEquals(Network.TAKEN, send(A, frame));
    }
    assertEquals(10, card(B).dropped());
    assertEquals(fit * (frame.length + 4), card(B).waitingBytes());
    send(C, A, "another card is not concerned");
    assertEquals("another card is not concerned;", fetch(C));
    network.drop(B);
    assertEquals(11, card(B).dropped());
    assertEquals((fit - 1) * 1501, fetch(B).length());
    assertEquals(0, card(B).waitingBytes());
    send(B, A, "again");
    assertEquals("again;", fetch(B));
  }

  @Test
  void framesThatCannotBeAreRefused() {
    send(A, new byte[13]);
    send(A, frame(B, A, "x".repeat(1501)));
    send(A, frame(B, C, "as if from c"));
    send(A, frame(B, ALL, "from a group"));
    send(A, frame(B, 0, "from nobody"));
    assertEquals(5, card(A).refused());
    assertEquals(0, card(A).sentFrames());
    assertEquals("", fetch(B) + fetch(C));
    assertEquals(Network.UNPLUGGED, send(FAR, frame(B, FAR, "from a card that is not there")));
    assertThrows(CallFailed.BadRequest.class, () -> network.plug(ALL, events(A), 0));
    assertThrows(CallFailed.BadRequest.class, () -> network.plug(A, events(A), 32));
    assertEquals(0, board.endpoint(SWITCH).report().failures());
  }

  @Test
  void aFrameCanBeSentAndFetchedInParts() {
    byte[] frame = frame(B, A, "abcdefgh");
    put(0, frame);
    assertEquals(Network.BEGIN_AGAIN, network.send(A, board.ram(), 0, 4, 0));
    assertEquals(Network.TAKEN, network.send(A, board.ram(), 0, 9, Network.FIRST));
    assertEquals(Network.TAKEN, network.send(A, board.ram(), 0, 3, Network.FIRST));
    board.swap(SWITCH);
    assertEquals(Network.TAKEN, network.send(A, board.ram(), 3, 15, 0));
    assertEquals("", fetch(B), "it has no end yet");
    assertEquals(Network.TAKEN, network.send(A, board.ram(), 18, 4, Network.LAST));
    assertEquals(frame.length, network.waiting(B));
    assertEquals(frame.length, network.receive(B, 0, board.ram(), 4096, 20));
    assertEquals(frame.length, network.receive(B, 20, board.ram(), 4096 + 20, 100));
    byte[] got = new byte[frame.length];
    board.ram().read(4096, MemorySegment.ofArray(got), 0, got.length);
    assertArrayEquals(frame, got);
    assertEquals(0, network.waiting(B));
    for (int i = 0; i < 100; i++) {
      network.send(A, board.ram(), 0, 1500, i == 0 ? Network.FIRST : 0);
    }
    board.swap(SWITCH);
    network.send(A, board.ram(), 0, 1, Network.LAST);
    assertEquals(1, card(A).refused(), "one that never ended");
  }

  @Test
  void aCardsCapabilitySpeaksForNoOtherCard() {
    Network ofA = board.badged(network, Network.class, A);
    put(0, frame(B, C, "forged"));
    assertThrows(CallFailed.BadRequest.class, () -> ofA.send(C, board.ram(), 0, 20, 3));
    assertThrows(CallFailed.BadRequest.class, () -> ofA.receive(C, 0, board.ram(), 0, 100));
    assertThrows(CallFailed.BadRequest.class, () -> ofA.unplug(C));
    assertThrows(CallFailed.BadRequest.class, () -> ofA.plug(FAR, events(A), 0));
    put(0, frame(B, A, "true"));
    assertEquals(Network.TAKEN, ofA.send(A, board.ram(), 0, 18, 3));
    assertEquals("true;", fetch(B));
  }

  @Test
  void nothingIsLostInASwap() {
    assertEquals(Network.TAKEN, send(C, frame(A, FAR, "here")));
    for (int i = 0; i < 20; i++) {
      send(B, A, "number " + i);
      if (i % 3 == 0) {
        board.swap(SWITCH);
      }
    }
    StringBuilder expected = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      expected.append("number ").append(i).append(';');
    }
    assertEquals(20, card(A).sentFrames());
    assertEquals(expected.toString(), fetch(B));
    send(FAR, A, "still known");
    assertEquals("still known;", fetch(C));
    events(B).take(-1, 0);
    board.swap(SWITCH);
    send(B, A, "told");
    assertEquals(1, events(B).take(-1, 0));
  }

  @Test
  void knowsItsCardsAfterACrash() {
    send(B, A, "lost");
    Endpoint endpoint = board.endpoint(SWITCH);
    endpoint.fail("the test says so");
    try (var _ = board.core().hold(List.of(endpoint), 5_000_000_000L)) {
      State left = Objects.requireNonNull(endpoint.checkpoint(), "it left a checkpoint");
      endpoint.open("net.switch", left).bind();
    }
    assertEquals("", fetch(B));
    send(B, A, "told");
    assertEquals("told;", fetch(B));
    assertEquals(3, network.report().cards().size());
  }

  @Test
  void aStateThatMakesNoSenseIsRefused() {
    State saved = board.save(SWITCH);
    State card = saved.states("cards").getFirst();
    List<State> wrong =
        List.of(
            saved.with("cards", List.of(card, card)),
            saved.with("cards", List.of(card.with("card", -1))),
            saved.with("cards", List.of(card.with("bit", 32))),
            saved.with("cards", List.of(card.with("queue", new byte[] {1, 2, 3}))),
            saved.with("cards", List.of(card.with("begun", true).with("length", 100))),
            saved.with("cards", List.of(card.with("counts", new long[5]))),
            saved.with("cards", List.of(card.with("learned", new long[] {ALL, 0}))));
    for (State each : wrong) {
      assertThrows(CallFailed.class, () -> board.restore(SWITCH, each));
    }
    send(B, A, "it serves on");
    assertEquals("it serves on;", fetch(B));
  }

  @Test
  void thereIsAnEndToHowManyCardsThereAre() {
    for (int i = 3; i < LearningSwitch.MOST_CARDS; i++) {
      assertTrue(network.plug(MacAddress.of("more", i), events(A), 1));
    }
    assertFalse(network.plug(MacAddress.of("one too many", 0), events(A), 1));
    assertTrue(network.plug(A, events(A), 1), "it is there already");
    assertEquals(LearningSwitch.MOST_CARDS, network.report().cards().size());
  }
}
