package duality.uart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.drivers.testing.DeviceContract;
import duality.drivers.testing.TestBoard;
import duality.drivers.testing.TestConsole;
import duality.kernel.Notification;
import java.util.Map;
import org.junit.jupiter.api.Test;

class Uart16550Test extends DeviceContract {
  private static final int SOURCE = 1;

  private final TestConsole far = new TestConsole();
  private Console console;

  @Override
  protected MmioDevice device(TestBoard board) {
    Notification events = board.notification("uart");
    console = far.attach(board, "console", events, 0);
    board.core().register("uart", new UartServer(), MmioDevice.class);
    return board.child(
        DEVICE,
        MmioDevice.class,
        "uart",
        Map.of(Slots.SOURCE, Integer.toString(SOURCE)),
        Map.of(Slots.INTERRUPTS, board.wires(), Slots.BACKEND, console, Slots.EVENTS, events));
  }

  @Override
  protected long windowBytes() {
    return 0x100;
  }

  @Override
  protected long[] registers() {
    return new long[] {0, 1, 2, 3, 4, 5, 6, 7};
  }

  @Override
  protected String withoutWhatResetKeeps(String atFirst, String now) {
    return now.replaceAll("output = .*", "output = []"); // left the device already
  }

  private int get(int register) {
    return (int) device().load(register, 1);
  }

  private void set(int register, int value) {
    device().store(register, 1, value);
  }

  private void typed(String text) {
    console.type(text);
    TestBoard.await("input is in the receiver", () -> (get(5) & 1) != 0);
  }

  @Test
  void linuxFindsA16550AWithWorkingFifos() {
    // The steps of the 8250 driver's autoconfig.
    set(1, 0);
    assertEquals(0, get(1));
    set(1, 0x0f);
    assertEquals(0x0f, get(1));
    set(1, 0);
    set(4, 0x1a); // loop, OUT2 and RTS
    assertEquals(0x90, get(6) & 0xf0, "DCD and CTS in loop-back");
    set(4, 0);
    set(2, 1);
    assertEquals(0xc0, get(2) & 0xc0, "FIFOs are there and on");
    set(7, 0x55);
    assertEquals(0x55, get(7));
  }

  @Test
  void theDivisorLatchHidesDataAndInterruptEnable() {
    set(1, 5);
    set(3, 0x83);
    set(0, 0x34);
    set(1, 0x12);
    assertEquals(0x34, get(0));
    assertEquals(0x12, get(1));
    set(3, 3);
    assertEquals(5, get(1));
  }

  @Test
  void whatIsWrittenReachesTheConsoleInOrderAndInFewCalls() {
    StringBuilder expected = new StringBuilder();
    long begun = System.nanoTime();
    for (int i = 0; i < 20_000; i++) {
      char c = (char) (i % 256);
      TestBoard.await("the transmitter is empty", () -> (get(5) & 0x60) == 0x60);
      set(0, c);
      expected.append(c);
    }
    TestBoard.await("all bytes have arrived", () -> far.text().length() == 20_000);
    assertEquals(expected.toString(), far.text());
    // The worker waits for 500 us between two calls: what is written slowly needs more of them.
    long most = Math.max(2_000, (System.nanoTime() - begun) / 250_000);
    assertTrue(far.writes() < most, () -> far.writes() + " calls for 20,000 bytes, not " + most);
  }

  @Test
  void theTransmitterIsBusyWhileTheConsoleIsFull() {
    for (int i = 0; i < 3 * Uart16550.OUTPUT_LIMIT; i++) {
      set(0, 'x'); // without looking whether it is empty, as a careless guest does
    }
    TestBoard.await("it is empty again", () -> (get(5) & 0x60) == 0x60);
    set(0, 'y');
    TestBoard.await("the last byte has arrived", () -> far.text().endsWith("y"));
  }

  @Test
  void inputRaisesTheLineUntilItIsRead() {
    set(1, 1);
    assertFalse(board.wire(SOURCE));
    typed("ab");
    TestBoard.await("the line is high", () -> board.wire(SOURCE));
    assertEquals(4, get(2), "without FIFOs: received data");
    assertEquals('a', get(0));
    assertTrue(board.wire(SOURCE));
    assertEquals('b', get(0));
    assertFalse(board.wire(SOURCE));
    assertEquals(1, get(2));
  }

  @Test
  void belowTheTriggerTheCharacterTimeOutComesInstead() {
    set(2, 0x81); // FIFOs on, trigger at 8
    set(1, 1);
    typed("1234567");
    assertEquals(0xcc, get(2), "time-out");
    console.type("89");
    TestBoard.await("the trigger is reached", () -> get(2) == 0xc4);
    for (char c : "123456789".toCharArray()) {
      assertEquals(c, get(0));
    }
    assertFalse(board.wire(SOURCE));
  }

  @Test
  void aLongPasteArrivesWhole() {
    set(2, 1);
    String text = "all work and no play ".repeat(200);
    console.type(text);
    StringBuilder read = new StringBuilder();
    while (read.length() < text.length()) {
      TestBoard.await("more input", () -> (get(5) & 1) != 0);
      read.append((char) get(0));
    }
    assertEquals(text, read.toString());
  }

  @Test
  void anEmptyTransmitterInterruptsWhenAskedAndReadingTheCauseEndsIt() {
    set(1, 2);
    assertTrue(board.wire(SOURCE));
    assertEquals(2, get(2));
    assertFalse(board.wire(SOURCE));
    set(0, 'x');
    assertTrue(board.wire(SOURCE), "empty again at once");
    set(1, 0);
    assertFalse(board.wire(SOURCE));
  }

  @Test
  void loopBackHearsItselfAndReportsAnOverrun() {
    set(4, 0x10);
    set(1, 4);
    set(0, 'a');
    assertEquals('a', get(0));
    set(0, 'b');
    set(0, 'c');
    assertTrue(board.wire(SOURCE));
    assertEquals(6, get(2));
    assertEquals(0x63, get(5), "empty, overrun, data ready");
    assertFalse(board.wire(SOURCE));
    assertEquals('c', get(0));
    assertEquals("", far.text());
  }

  @Test
  void modemStatusTellsChangesOnce() {
    set(4, 0x13);
    assertEquals(0x30 | 8, get(6), "CTS, DSR; DCD has changed");
    assertEquals(0x30, get(6));
  }

  @Test
  void aSuccessorHasTheInputThatWasFetchedAhead() {
    set(2, 1);
    String text = "0123456789".repeat(20);
    console.type(text);
    TestBoard.await("all input is fetched", () -> far.waitingInput() == 0);
    board.swap(DEVICE);
    StringBuilder read = new StringBuilder();
    while ((get(5) & 1) != 0) {
      read.append((char) get(0));
    }
    assertEquals(text, read.toString());
  }

  @Test
  void aSuccessorGoesOnWithInputAndOutput() {
    set(2, 1);
    set(1, 1);
    typed("in");
    set(0, 'o');
    board.swap(DEVICE);
    assertTrue(board.wire(SOURCE));
    assertEquals('i', get(0));
    board.swap(DEVICE);
    assertEquals('n', get(0));
    set(0, 'k');
    TestBoard.await("output has arrived once", () -> far.text().equals("ok"));
    console.type("!");
    TestBoard.await("more input", () -> (get(5) & 1) != 0);
    assertEquals('!', get(0));
  }

  /** The worker, which waits for more bytes, is sent away by each hold and comes back. */
  @Test
  void outputGoesOnAfterEachHold() {
    for (int i = 1; i <= 200; i++) {
      set(0, 'o');
      board.save(DEVICE);
      int sent = i;
      TestBoard.await(i + " bytes have arrived", () -> far.text().length() == sent);
    }
  }

  @Test
  void inputOfWhichItWasNotToldIsFetchedAfterTheCheck() {
    board.save(DEVICE); // its worker has begun
    console.type("a");
    board.notification("uart").clear(1);
    board.endpoint(DEVICE).check();
    TestBoard.await("input is in the receiver", () -> (get(5) & 1) != 0);
  }
}
