package duality.uart;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.drivers.Console;
import duality.drivers.InterruptLine;
import duality.drivers.MmioDevice;
import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A 16550A: National Semiconductor PC16550D, sections 8.1 to 8.8, as far as software can tell it
 * from one with an infinitely fast line.
 *
 * <p>Differences: no baud delays, so the transmitter is empty as long as less than {@link
 * #OUTPUT_LIMIT} bytes wait for the console, and the character time-out interrupt comes at once; no
 * parity, framing or break errors; interrupts do not depend on OUT2.
 */
final class Uart16550 implements MmioDevice, Instance {
  private static final String SCHEMA = "uart";
  private static final int VERSION = 1;

  // Registers, by offset (§8.0, table II).
  private static final int DATA = 0;
  private static final int INTERRUPT_ENABLE = 1;
  private static final int IDENTIFICATION = 2;
  private static final int LINE_CONTROL = 3;
  private static final int MODEM_CONTROL = 4;
  private static final int LINE_STATUS = 5;
  private static final int MODEM_STATUS = 6;
  private static final int SCRATCH = 7;

  private static final int IER_RECEIVED = 1;
  private static final int IER_EMPTY = 2;
  private static final int IER_LINE = 4;
  private static final int IER_MODEM = 8;

  private static final int IIR_NONE = 1;
  private static final int IIR_MODEM = 0;
  private static final int IIR_EMPTY = 2;
  private static final int IIR_RECEIVED = 4;
  private static final int IIR_LINE = 6;
  private static final int IIR_TIMEOUT = 12;

  private static final int FCR_ENABLE = 1;
  private static final int FCR_CLEAR_RECEIVER = 2;
  private static final int FCR_KEPT = 0xc9;

  private static final int LCR_DIVISOR = 0x80;
  private static final int MCR_LOOP = 0x10;
  private static final int MCR_KEPT = 0x1f;

  private static final int LSR_READY = 1;
  private static final int LSR_OVERRUN = 2;
  private static final int LSR_EMPTY = 0x60;

  private static final int[] TRIGGERS = {1, 4, 8, 14};

  /** Bits of the event notification: input came; output waits, or input was used up. */
  private static final long INPUT = 1;

  private static final long OWN = 1L << 32;

  /** Bytes on their way to the console above which the transmitter counts as busy. */
  static final int OUTPUT_LIMIT = 65_536;

  /**
   * Bytes of input fetched ahead of the guest, so that not every FIFO of input costs a worker's
   * turn.
   */
  private static final int AHEAD = 512;

  /** How long the worker waits for more output, and a swap thus at most for the worker. */
  private static final long LINGER_NANOS = 500_000;

  private final Console console;
  private final InterruptLine line;
  private final Notification events;

  private final ReceiveFifo receiver = new ReceiveFifo();
  private int interruptEnable;
  private int fifoControl;
  private int lineControl;
  private int modemControl;
  private int modemDeltas;
  private int scratch;
  private int divisor;
  private boolean overrun;
  private boolean emptyPending;

  private StringBuilder output = new StringBuilder();
  private boolean sending;
  private String ahead = "";
  private int aheadUsed;
  private boolean moreInput = true;

  // For the check: bytes sent, rounds of the worker, whether the console answered last, and the
  // same at the last look.
  private long sent;
  private long rounds;
  private boolean reached = true;
  private long sentAtLook;
  private long roundsAtLook;
  private boolean waited;

  /**
   * The worker's thread, and whether it shall not wait for more bytes. Told by a thread of the
   * kernel while the worker is inside, again each millisecond: to be missed once costs no more.
   */
  private volatile @Nullable Thread lingering;

  private volatile boolean hurried;

  private Uart16550(Context context) {
    console = context.slot(Slots.BACKEND, Console.class);
    line = new InterruptLine(context);
    events =
        context.has(Slots.EVENTS)
            ? context.slot(Slots.EVENTS, Notification.class)
            : context.notification(Slots.EVENTS);
    powerOn();
  }

  static Uart16550 open(Context context, @Nullable State saved) {
    Uart16550 uart = new Uart16550(context);
    if (saved != null) {
      uart.restore(saved);
    }
    context.worker("line", uart.events, INPUT | OWN, bits -> uart.work());
    return uart;
  }

  // The registers.

  @Override
  public synchronized long load(long offset, int width) {
    boolean divisorLatch = (lineControl & LCR_DIVISOR) != 0;
    if (offset < 0 || offset > SCRATCH) {
      return 0;
    }
    switch ((int) offset) {
      case DATA -> {
        return divisorLatch ? divisor & 0xff : receive();
      }
      case INTERRUPT_ENABLE -> {
        return divisorLatch ? divisor >> 8 : interruptEnable;
      }
      case IDENTIFICATION -> {
        int cause = cause();
        if (cause == IIR_EMPTY) {
          emptyPending = false;
          drive();
        }
        return cause | ((fifoControl & FCR_ENABLE) != 0 ? 0xc0 : 0);
      }
      case LINE_CONTROL -> {
        return lineControl;
      }
      case MODEM_CONTROL -> {
        return modemControl;
      }
      case LINE_STATUS -> {
        int status =
            (receiver.isEmpty() ? 0 : LSR_READY)
                | (overrun ? LSR_OVERRUN : 0)
                | (canSend() ? LSR_EMPTY : 0);
        if (overrun) {
          overrun = false;
          drive();
        }
        return status;
      }
      case MODEM_STATUS -> {
        int status = modemLines() | modemDeltas;
        if (modemDeltas != 0) {
          modemDeltas = 0;
          drive();
        }
        return status;
      }
      default -> {
        return scratch;
      }
    }
  }

  @Override
  public synchronized void store(long offset, int width, long wide) {
    boolean divisorLatch = (lineControl & LCR_DIVISOR) != 0;
    int value = (int) wide & 0xff;
    if (offset < 0 || offset > SCRATCH) {
      return;
    }
    switch ((int) offset) {
      case DATA -> {
        if (divisorLatch) {
          divisor = divisor & 0xff00 | value;
        } else {
          send(value);
        }
      }
      case INTERRUPT_ENABLE -> {
        if (divisorLatch) {
          divisor = divisor & 0xff | value << 8;
        } else {
          // Enabling it while the transmitter is empty is itself a cause (§8.6).
          if ((interruptEnable & IER_EMPTY) == 0 && (value & IER_EMPTY) != 0 && canSend()) {
            emptyPending = true;
          }
          interruptEnable = value & 0xf;
        }
      }
      case IDENTIFICATION -> fifoControl(value);
      case LINE_CONTROL -> lineControl = value;
      case MODEM_CONTROL -> modemControl(value & MCR_KEPT);
      case SCRATCH -> scratch = value;
      default -> {
        // Line status and modem status are read-only to software.
      }
    }
    drive();
  }

  @Override
  public synchronized void reset() {
    powerOn();
    drive();
  }

  private void powerOn() {
    receiver.clear();
    interruptEnable = 0;
    fifoControl = 0;
    lineControl = 0;
    modemControl = 0;
    modemDeltas = 0;
    scratch = 0;
    divisor = 12; // 9,600 baud from 1.8432 MHz; only software looks at it
    overrun = false;
    emptyPending = false;
  }

  private int receive() {
    int value = receiver.take();
    refill();
    drive();
    return value;
  }

  private void send(int value) {
    emptyPending = false;
    if ((modemControl & MCR_LOOP) != 0) {
      if (!receiver.add(value, depth())) {
        overrun = true;
        if ((fifoControl & FCR_ENABLE) == 0) {
          receiver.overwriteNewest(value);
        }
      }
      emptyPending = true;
      return;
    }
    if (canSend()) {
      output.append((char) value);
      if (!sending) {
        sending = true;
        events.signal(OWN);
      }
    }
    emptyPending = canSend();
  }

  private void fifoControl(int value) {
    // Switching FIFOs on or off empties them (§8.4).
    if (((fifoControl ^ value) & FCR_ENABLE) != 0 || (value & FCR_CLEAR_RECEIVER) != 0) {
      receiver.clear();
    }
    fifoControl = (value & FCR_ENABLE) != 0 ? value & FCR_KEPT : 0;
    refill();
  }

  private void modemControl(int value) {
    int before = modemLines();
    modemControl = value;
    int after = modemLines();
    int changed = before ^ after;
    modemDeltas |= changed >> 4 & 0b1011;
    if ((changed & 0x40) != 0 && (after & 0x40) == 0) {
      modemDeltas |= 4; // the trailing edge of the ring indicator
    }
    refill();
  }

  /**
   * CTS, DSR, RI and DCD in bits 4 to 7: all but RI present, or looped back from our own outputs.
   */
  private int modemLines() {
    if ((modemControl & MCR_LOOP) == 0) {
      return 0xb0;
    }
    int dtr = modemControl & 1;
    int rts = modemControl >> 1 & 1;
    int out = modemControl >> 2 & 3;
    return rts << 4 | dtr << 5 | out << 6;
  }

  private int depth() {
    return (fifoControl & FCR_ENABLE) != 0 ? ReceiveFifo.CAPACITY : 1;
  }

  private boolean canSend() {
    return output.length() < OUTPUT_LIMIT;
  }

  /** The most urgent cause of an interrupt (§8.5, table IV). */
  private int cause() {
    if ((interruptEnable & IER_LINE) != 0 && overrun) {
      return IIR_LINE;
    }
    if ((interruptEnable & IER_RECEIVED) != 0 && !receiver.isEmpty()) {
      boolean reached =
          (fifoControl & FCR_ENABLE) == 0 || receiver.count() >= TRIGGERS[fifoControl >> 6];
      return reached ? IIR_RECEIVED : IIR_TIMEOUT;
    }
    if ((interruptEnable & IER_EMPTY) != 0 && emptyPending) {
      return IIR_EMPTY;
    }
    if ((interruptEnable & IER_MODEM) != 0 && modemDeltas != 0) {
      return IIR_MODEM;
    }
    return IIR_NONE;
  }

  private void drive() {
    line.set(cause() != IIR_NONE);
  }

  // The line: what goes to the console and comes from it.

  /**
   * Moves input that was fetched ahead into the FIFO; asks the worker for more when it is used up.
   */
  private void refill() {
    if ((modemControl & MCR_LOOP) != 0) {
      return; // the receiver hears the transmitter now; what people type waits
    }
    while (aheadUsed < ahead.length() && receiver.add(ahead.charAt(aheadUsed), depth())) {
      aheadUsed++;
    }
    if (aheadUsed == ahead.length() && moreInput) {
      moreInput = false;
      events.signal(OWN);
    }
  }

  // The console is called without the lock: while its server is replaced the call waits, and harts
  // must still get at the registers.
  private void work() {
    synchronized (this) {
      drive(); // a successor's line knows nothing yet
    }
    fetchInput();
    hurried = false;
    lingering = Thread.currentThread();
    while (writeOut()) {
      if (hurried) {
        events.signal(OWN); // whoever serves then goes on with it
        break;
      }
      // More bytes follow soon as a rule. To wait for them is cheaper than to be woken for each.
      LockSupport.parkNanos(LINGER_NANOS);
    }
    synchronized (this) {
      rounds++;
    }
  }

  @Override
  public void hurry() {
    hurried = true;
    LockSupport.unpark(lingering);
  }

  /** Hands on what was sent so far; whether there is more by now. */
  private boolean writeOut() {
    String bytes;
    synchronized (this) {
      sending = !output.isEmpty();
      if (!sending) {
        return false;
      }
      bytes = output.toString();
    }
    try {
      console.written(bytes);
    } catch (CallFailed unreachable) {
      synchronized (this) {
        sending = false; // the next byte, or the successor, tries again
        reached = false;
      }
      return false;
    }
    synchronized (this) {
      reached = true;
      sent += bytes.length();
      boolean wasFull = !canSend();
      output.delete(0, bytes.length());
      if (wasFull) {
        emptyPending = true;
        drive();
      }
    }
    return true;
  }

  private void fetchInput() {
    synchronized (this) {
      if (aheadUsed < ahead.length()) {
        moreInput = true; // fetched when this is used up
        return;
      }
    }
    String bytes;
    try {
      bytes = console.input(AHEAD);
    } catch (CallFailed unreachable) {
      bytes = "";
    }
    synchronized (this) {
      ahead = bytes;
      aheadUsed = 0;
      moreInput = bytes.length() == AHEAD;
      refill();
      drive();
    }
  }

  /**
   * Has the worker look once more at console and line, should a notification have been lost; what
   * is to be sent then has to be gone at the next look, when the console took something.
   */
  @Override
  public void check() {
    synchronized (this) {
      drive(); // if the controller did not hear it
      boolean waits = !output.isEmpty() && sent == sentAtLook && rounds > roundsAtLook;
      if (waits && waited && reached) {
        throw new IllegalStateException(output.length() + " bytes wait and are not sent");
      }
      waited = !output.isEmpty();
      sentAtLook = sent;
      roundsAtLook = rounds;
    }
    events.signal(INPUT | OWN);
  }

  // State.

  @Override
  public synchronized State save() {
    return State.of(SCHEMA, VERSION)
        .with("interruptEnable", interruptEnable)
        .with("fifoControl", fifoControl)
        .with("lineControl", lineControl)
        .with("modemControl", modemControl)
        .with("modemDeltas", modemDeltas)
        .with("scratch", scratch)
        .with("divisor", divisor)
        .with("overrun", overrun)
        .with("emptyPending", emptyPending)
        .with("receiver", receiver.content())
        .with("output", output.toString().getBytes(ISO_8859_1))
        .with("input", ahead.substring(aheadUsed).getBytes(ISO_8859_1));
  }

  private synchronized void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    interruptEnable = (int) saved.number("interruptEnable", 0, 0xf);
    fifoControl = (int) saved.number("fifoControl", 0, 0xff);
    if ((fifoControl & ~FCR_KEPT) != 0 || fifoControl != 0 && (fifoControl & FCR_ENABLE) == 0) {
      throw new State.Refused("uart.fifoControl is " + fifoControl + ", which is no setting of it");
    }
    lineControl = (int) saved.number("lineControl", 0, 0xff);
    modemControl = (int) saved.number("modemControl", 0, MCR_KEPT);
    modemDeltas = (int) saved.number("modemDeltas", 0, 0xf);
    scratch = (int) saved.number("scratch", 0, 0xff);
    divisor = (int) saved.number("divisor", 0, 0xffff);
    overrun = saved.flag("overrun");
    emptyPending = saved.flag("emptyPending");
    byte[] received = saved.bytes("receiver");
    if (received.length > depth()) {
      throw new State.Refused(
          "uart.receiver holds " + received.length + " bytes, more than " + depth());
    }
    for (byte each : received) {
      receiver.add(each, depth());
    }
    byte[] sent = saved.bytes("output");
    if (sent.length > OUTPUT_LIMIT) {
      throw new State.Refused(
          "uart.output holds " + sent.length + " bytes, more than " + OUTPUT_LIMIT);
    }
    output = new StringBuilder(new String(sent, ISO_8859_1));
    ahead = new String(saved.bytes("input"), ISO_8859_1);
    if (ahead.length() > AHEAD) {
      throw new State.Refused("uart.input holds " + ahead.length() + " bytes, more than " + AHEAD);
    }
    aheadUsed = 0;
  }
}
