package duality.vmm.board;

import duality.kernel.State;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.HartState;
import org.jspecify.annotations.Nullable;

/**
 * A machine's hart as its monitor runs it: all that one structure does differently from another.
 * The guest sees the same hart whoever runs it, so a state taken from one is good for the other.
 *
 * <p><em>Concurrency:</em> {@link #trap} comes on the processor that carries the thread, everything
 * else while the thread is at rest; so never two at once, but for {@link #overhead} and {@link
 * #fence}.
 */
public interface VirtualHart {
  /** The whole hart: mode FULL, without firmware. */
  HartState save();

  /** Becomes that, whatever the thread was before. */
  void restore(HartState state);

  /**
   * Goes on with a hart that another monitor, or a predecessor, left at the endpoint.
   *
   * @param state the whole of it
   * @param mode what its thread is now
   */
  void adopt(HartState state, HartMode mode);

  /**
   * What of a hart that runs is not in its thread: privilege, and registers that user mode does not
   * have; the rest of the answer means nothing. Null when all of it is in the thread.
   */
  @Nullable HartState kept();

  /** A call or an exception; what the thread does next, as {@link duality.kernel.TrapHandler}. */
  int trap(int cause, long value);

  /** The timer interrupt becomes pending when {@code time} (unsigned) reaches that value. */
  void timer(long time);

  /**
   * All translations that the guest may have made, or what was decoded of its code, are forgotten
   * before the hart's next instruction. The only method that may be called while the hart runs, by
   * another one of the machine; when it returns, the hart uses nothing of that any more.
   *
   * @param code {@code fence.i}, else {@code sfence.vma}
   */
  void fence(boolean code);

  /**
   * Begins a guest that was loaded.
   *
   * @param state the hart at its first instruction
   * @param tree its device tree
   */
  default void boot(HartState state, long tree) {
    restore(state);
  }

  /**
   * What the monitor knows of its guest beside the hart, for a successor of its own kind. The
   * answer means something to that kind only.
   */
  default State guest() {
    return State.of("none", 1);
  }

  /**
   * Knows of the guest what a predecessor of the same kind knew. Its thread is not touched.
   *
   * @throws State.Refused when that cannot be
   */
  default void guest(State saved) {}

  /** What the monitor had to do for the guest, as a text of several lines; empty for nothing. */
  String overhead();
}
