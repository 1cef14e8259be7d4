package duality.console.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.drivers.Slots;
import duality.drivers.testing.StateText;
import duality.drivers.testing.TestBoard;
import duality.kernel.CallFailed;
import duality.kernel.Notification;
import duality.kernel.State;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HostConsoleTest {
  private TestBoard board;
  private Notification events;
  private Console console;

  @BeforeEach
  void open() {
    board = new TestBoard();
    events = board.notification("events");
    board.core().register("console.host", new HostConsoleServer(), Console.class);
    console = child("console", Map.of());
  }

  @AfterEach
  void close() {
    board.close();
  }

  private Console child(String name, Map<String, String> config) {
    return board.child(name, Console.class, "console.host", config, Map.of(Slots.EVENTS, events));
  }

  @Test
  void outputIsRememberedByPosition() {
    console.written("hello ");
    console.written("world");
    assertEquals(11, console.position());
    assertEquals(0, console.oldest());
    assertEquals("hello world", console.output(0, 100, 0));
    assertEquals("wor", console.output(6, 3, 0));
    assertEquals("", console.output(11, 100, 0));
    assertEquals("", console.output(1_000, 100, 0));
    assertEquals("", console.output(0, -1, 0));
  }

  @Test
  void onlyTheLastOutputIsRemembered() {
    StringBuilder all = new StringBuilder();
    Random random = new Random(1);
    for (int i = 0; i < 500; i++) {
      String part = Integer.toString(i).repeat(random.nextInt(200));
      console.written(part);
      all.append(part);
      assertEquals(all.length(), console.position());
      assertEquals(Math.max(0, all.length() - 65_536), console.oldest());
    }
    String rest = all.substring(all.length() - 65_536);
    assertEquals(rest, console.output(0, 1 << 20, 0), "a forgotten position starts at the oldest");
  }

  @Test
  void oneHugeWriteKeepsItsEnd() {
    console.written("x".repeat(100_000) + "end");
    assertEquals(100_003, console.position());
    assertEquals(100_003 - 65_536, console.oldest());
    assertEquals("end", console.output(100_000, 10, 0));
    console.written("!");
    assertEquals("nd!", console.output(100_001, 10, 0));
  }

  @Test
  void everyByteValueSurvives() {
    StringBuilder bytes = new StringBuilder();
    for (char c = 0; c < 256; c++) {
      bytes.append(c);
    }
    console.written(bytes.toString());
    assertEquals(bytes.toString(), console.output(0, 256, 0));
    console.type(bytes.toString());
    assertEquals(bytes.toString(), console.input(1_000));
  }

  @Test
  void aReaderWaitsForOutput() throws Exception {
    CompletableFuture<String> read = new CompletableFuture<>();
    Thread.ofPlatform()
        .start(
            () -> {
              String text = "";
              while (text.isEmpty()) {
                text = console.output(0, 10, 1_000);
              }
              read.complete(text);
            });
    console.written("late");
    assertEquals("late", read.get(100, TimeUnit.SECONDS));
  }

  @Test
  void aReaderDoesNotWaitForLongerThanASecond() {
    long start = System.nanoTime();
    assertEquals("", console.output(0, 10, Long.MAX_VALUE));
    long millis = (System.nanoTime() - start) / 1_000_000;
    assertTrue(millis >= 900 && millis < 100_000, () -> millis + " ms");
  }

  @Test
  void inputIsTakenInOrderAndAnnounced() {
    assertEquals(1, events.take(-1, 0), "a new console announces itself");
    assertEquals(3, console.type("abc"));
    assertEquals(1, events.take(-1, 0));
    assertEquals("ab", console.input(2));
    assertEquals(1, console.type("d"));
    assertEquals("cd", console.input(100));
    assertEquals("", console.input(100));
    assertEquals("", console.input(-5));
  }

  @Test
  void inputIsAnnouncedByTheBitOfThePort() {
    Console second = child("second", Map.of(Slots.EVENT_BIT, "5"));
    events.take(-1, 0); // both announced themselves
    second.type("x");
    assertEquals(1 << 5, events.take(-1, 0));
  }

  @Test
  void inputBeyondTheLimitIsNotTaken() {
    assertEquals(65_536, console.type("x".repeat(70_000)));
    assertEquals(0, console.type("y"));
    console.input(10);
    assertEquals(10, console.type("z".repeat(11)));
  }

  @Test
  void aSuccessorRemembersEverything() {
    console.written("x".repeat(70_000) + "tail");
    console.type("typed");
    State saved = board.save("console");
    console.written("more");
    console.input(2);
    assertEquals(StateText.of(saved), StateText.of(board.restore("console", saved)));
    assertEquals(70_004, console.position());
    assertEquals("tail", console.output(70_000, 10, 0));
    assertEquals("typed", console.input(100));
  }

  @Test
  void stateThatMakesNoSenseIsRefused() {
    State saved = board.save("console");
    State tooShort = State.of("console", 1).with("position", 1).with("output", new byte[2]);
    for (State wrong :
        new State[] {
          State.of("other", 1),
          State.of("console", 2),
          State.of("console", 1),
          tooShort.with("input", new byte[0]),
          saved.with("input", new byte[70_000]),
          saved.with("position", -1)
        }) {
      assertThrows(CallFailed.class, () -> board.restore("console", wrong));
    }
    assertEquals(0, console.position(), "the old instance serves on");
  }
}
