package duality.personality.rc4000;

import duality.kernel.Notification;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import duality.kernel.processor.Memory;
import java.util.HashMap;
import java.util.Map;

/**
 * A process and the place in which it runs.
 *
 * <p>Its thread leaves the engine for its own line: that is how the nucleus makes it look at what
 * has changed. To be stopped it loses its pages as well, at once; so nothing of it is executed
 * after its parent's call.
 */
final class Running {
  private static final int SIE = 0x104;
  private static final int STIMECMP = 0x14d;
  private static final int STACK_POINTER = 2;
  private static final int A0 = 10;
  private static final long NANOS_PER_TICK = 100;

  final InternalProcess process;
  final Slot slot;
  private final Notification lines;

  /** Whether its thread was ever let run. */
  boolean launched;

  private long timeOffsetNanos;

  Running(InternalProcess process, Slot slot) {
    this.process = process;
    this.slot = slot;
    this.lines = slot.thread().lines();
  }

  /**
   * Prepares the registers of a new process, in a place that is at rest.
   *
   * @param kept bytes at the end of its storage that its stack begins below
   * @param arguments values of a0 and those behind it
   */
  void begin(long entry, long kept, long... arguments) {
    HartState before = slot.thread().save();
    Map<String, Long> csrs = new HashMap<>(before.csrs());
    csrs.remove("fcsr");
    long[] x = new long[32];
    x[STACK_POINTER] = MainStorage.BASE + process.pages * MainStorage.PAGE - kept;
    System.arraycopy(arguments, 0, x, A0, arguments.length);
    slot.thread()
        .restore(
            new HartState(
                HartMode.USER,
                false,
                entry,
                0,
                false,
                x,
                new long[32],
                csrs,
                before.timeOffsetNanos()));
    slot.space()
        .region(MainStorage.BASE_PAGE, process.pages, Memory.READ | Memory.WRITE | Memory.EXECUTE);
    slot.thread().csr(SIE, Lines.SSIP | Lines.STIP);
    resumed(before.timeOffsetNanos(), false);
  }

  /** What a predecessor knew. */
  void resumed(long timeOffset, boolean wasLaunched) {
    timeOffsetNanos = timeOffset;
    launched = wasLaunched;
  }

  long timeOffsetNanos() {
    return timeOffsetNanos;
  }

  /** It may have to go on, or to stay. */
  void changed() {
    if (!process.isStarted()) {
      if (launched) {
        slot.space().unmap(MainStorage.BASE_PAGE, process.pages);
        kick();
      }
    } else if (launched) {
      kick();
    } else {
      launched = true;
      slot.thread().resume();
    }
  }

  /** Makes it come to the nucleus from wherever it is. */
  void kick() {
    lines.signal(Lines.SSIP);
  }

  /** A kick or its timer brought it: both are over. */
  void kicked() {
    lines.clear(Lines.SSIP);
    slot.thread().csr(STIMECMP, -1);
  }

  /** Lets it come at that time of the host's monotonic clock. */
  void comeAt(long nanos) {
    // Rounded up, and by one more: it must not come before its time.
    slot.thread().csr(STIMECMP, Math.max(1, (nanos - timeOffsetNanos) / NANOS_PER_TICK + 2));
  }

  /** It is no more. */
  void end() {
    slot.space().removeRegion(MainStorage.BASE_PAGE);
    kick();
  }
}
