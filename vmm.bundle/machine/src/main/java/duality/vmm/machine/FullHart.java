package duality.vmm.machine;

import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.TrapHandler;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Lines;
import duality.vmm.board.Parts;
import duality.vmm.board.VirtualHart;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The hart that the engine itself makes of a thread: M, S and U mode, page tables and traps are the
 * engine's business, and all of it is in the thread.
 */
final class FullHart implements VirtualHart {
  private static final int CALL_FROM_S = 9;

  private final Parts parts;
  private final KernelThread thread;
  private final Notification lines;

  FullHart(Parts parts) {
    this.parts = parts;
    thread = parts.thread();
    lines = thread.lines();
  }

  @Override
  public HartState save() {
    return thread.save();
  }

  @Override
  public void restore(HartState state) {
    thread.enter(HartMode.FULL, parts.memory().space());
    thread.restore(state);
  }

  @Override
  public void adopt(HartState state, HartMode mode) {
    if (mode != HartMode.FULL) {
      restore(state);
      parts.dropShadows();
      parts.context().removeSpace(Parts.NOWHERE);
    }
  }

  @Override
  public @Nullable HartState kept() {
    return null;
  }

  @Override
  public int trap(int cause, long value) {
    if (cause == CALL_FROM_S) {
      return parts.machine().firmware();
    }
    parts
        .machine()
        .halt(
            "hart stopped by cause "
                + cause
                + " (value 0x"
                + Long.toHexString(value)
                + ") at pc 0x"
                + Long.toHexString(thread.pc()));
    return TrapHandler.SUSPEND;
  }

  @Override
  public void timer(long time) {
    // The hart has Sstc: its own comparison register is the timer, whoever sets it.
    HartState state = thread.save();
    Map<String, Long> csrs = new HashMap<>(state.csrs());
    csrs.put("stimecmp", time);
    thread.restore(
        new HartState(
            state.mode(),
            state.firmware(),
            state.pc(),
            state.privilege(),
            state.waiting(),
            state.x(),
            state.f(),
            csrs,
            state.timeOffsetNanos()));
  }

  @Override
  public void fence(boolean code) {
    lines.signal(code ? Lines.FENCE_CODE : Lines.FENCE);
  }

  @Override
  public String overhead() {
    return "";
  }
}
