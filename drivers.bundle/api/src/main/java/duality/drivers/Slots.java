package duality.drivers;

/** Names of the slots and configuration keys that a monitor gives to a device endpoint. */
public final class Slots {
  /** Slot: the machine's guest-physical {@link duality.kernel.Space}, for DMA. */
  public static final String MEMORY = "memory";

  /** Slot: the machine's {@link InterruptController}. */
  public static final String INTERRUPTS = "interrupts";

  /**
   * Slot: the backend: a {@link Store}, {@link Console} or {@link Network}. A device with several
   * ports has one slot for each: {@code backend0}, {@code backend1} and so on.
   */
  public static final String BACKEND = "backend";

  /**
   * Slot: a {@link duality.kernel.Notification} that a backend signals when it has something: a
   * finished request, or input. Endowed to the device with all rights and to its backend with at
   * least WRITE. Bits 0 to 31 are the backends' (see {@link #EVENT_BIT}), bits 32 to 63 the
   * device's own.
   */
  public static final String EVENTS = "events";

  /**
   * Configuration of a backend: number of the bit of {@link #EVENTS} that it signals, 0 to 31; 0
   * when it is not there. Port N of a device with several ports expects bit N.
   */
  public static final String EVENT_BIT = "event";

  /** Slot prefix: the {@link duality.kernel.Notification} with the interrupt lines of hart N. */
  public static final String HART = "hart";

  /** Slot of {@link Finish} notices: a notification whose bits are {@link Finish}'s. */
  public static final String FINISH = "finish";

  /** Configuration: the device's interrupt source number at the controller. */
  public static final String SOURCE = "source";

  /** Configuration: number of harts. */
  public static final String HARTS = "harts";

  private Slots() {}
}
