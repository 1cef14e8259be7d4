package duality.drivers;

/** Names of the slots and configuration keys that a monitor gives to a device endpoint. */
public final class Slots {
  /** Slot: the machine's guest-physical {@link duality.kernel.Space}, for DMA. */
  public static final String MEMORY = "memory";

  /** Slot: the machine's {@link InterruptController}. */
  public static final String INTERRUPTS = "interrupts";

  /** Slot: the backend: a {@link Store} or {@link Console}. */
  public static final String BACKEND = "backend";

  /**
   * Slot: a {@link duality.kernel.Notification} that a backend signals (bit 0) when it has something:
   * a finished request, or input. Endowed to the device and to its backend.
   */
  public static final String EVENTS = "events";

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
