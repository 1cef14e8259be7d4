package duality.drivers;

import duality.kernel.CallFailed;
import duality.kernel.Context;

/**
 * The wire from one device to its interrupt controller: tells the controller when the level
 * changes, and only then.
 *
 * <p>When the controller does not answer, the level counts as unknown and is sent again at the next
 * {@link #set}, so that a device never fails because of its controller.
 *
 * <p><em>Concurrency:</em> not thread-safe. The device calls it under the lock of the registers
 * from which the level follows, so that levels arrive in their order.
 *
 * <p><em>After a swap:</em> a new line knows nothing and sends the first level that it is given.
 */
public final class InterruptLine {
  private static final int UNKNOWN = -1;

  private final InterruptController controller;
  private final int source;
  private int sent = UNKNOWN;

  /**
   * The line that the context describes: controller in slot {@link Slots#INTERRUPTS}, number in
   * configuration {@link Slots#SOURCE}.
   *
   * @throws CallFailed.BadRequest when the slot is empty or the number is not one
   */
  public InterruptLine(Context context) {
    this(
        context.slot(Slots.INTERRUPTS, InterruptController.class),
        Settings.number(context, Slots.SOURCE, 1, 1023, -1));
  }

  /** The line to {@code source} of {@code controller}. */
  public InterruptLine(InterruptController controller, int source) {
    this.controller = controller;
    this.source = source;
  }

  /** The wire has this level from now on. */
  public void set(boolean asserted) {
    int wanted = asserted ? 1 : 0;
    if (sent == wanted) {
      return;
    }
    sent = UNKNOWN;
    try {
      controller.level(source, asserted);
      sent = wanted;
    } catch (CallFailed unreachable) {
      // Stays unknown: the next change of a register tries again.
    }
  }
}
