package duality.drivers.testing;

import duality.drivers.MmioDevice;

/**
 * A guest's side of the virtio-mmio transport (VIRTIO 1.2 §4.2): does what a driver does, or what
 * it should not.
 */
public final class GuestDriver {
  public static final int STATUS = 0x070;
  public static final int NEEDS_RESET = 64;
  public static final int RUNNING = 1 | 2 | 8 | 4;

  private static final long EVENT_INDEX = 1L << 29;
  private static final long VERSION_1 = 1L << 32;

  private final TestBoard board;
  private final MmioDevice device;
  private boolean eventIndex;

  /** A driver of the device on the board. */
  public GuestDriver(TestBoard board, MmioDevice device) {
    this.board = board;
    this.device = device;
  }

  /** Reads a register. */
  public int get(int register) {
    return (int) device.load(register, 4);
  }

  /** Writes a register. */
  public void set(int register, int value) {
    device.store(register, 4, value);
  }

  /** The features that the device offers. */
  public long offered() {
    set(0x014, 0);
    long low = get(0x010) & 0xffff_ffffL;
    set(0x014, 1);
    return low | (long) get(0x010) << 32;
  }

  /** From now on event indices are agreed upon, where they are offered; before, flags are used. */
  public void useEventIndex() {
    eventIndex = true;
  }

  boolean usesEventIndex() {
    return eventIndex;
  }

  /** Resets and negotiates, up to FEATURES_OK; answers the status. */
  public int negotiate(long wanted) {
    long features = eventIndex ? wanted : wanted & ~EVENT_INDEX;
    set(STATUS, 0);
    set(STATUS, 1);
    set(STATUS, 1 | 2);
    set(0x024, 0);
    set(0x020, (int) features);
    set(0x024, 1);
    set(0x020, (int) ((features | VERSION_1) >>> 32));
    set(STATUS, 1 | 2 | 8);
    return get(STATUS);
  }

  /** Tells the device where a queue is. */
  public GuestQueue queue(int index, int size, long memoryOffset) {
    GuestQueue queue = new GuestQueue(board, this, index, size, memoryOffset);
    set(0x030, index);
    set(0x038, size);
    address(0x080, queue.descriptors());
    address(0x090, queue.available());
    address(0x0a0, queue.used());
    set(0x044, 1);
    return queue;
  }

  /** Writes a 64-bit address register. */
  public void address(int register, long address) {
    set(register, (int) address);
    set(register + 4, (int) (address >>> 32));
  }

  /** Ends the set-up: DRIVER_OK. */
  public void start() {
    set(STATUS, RUNNING);
  }

  /** Takes and acknowledges what the device interrupted for. */
  public int acknowledge() {
    int why = get(0x060);
    set(0x064, why);
    return why;
  }

  /** Waits until the device is in DEVICE_NEEDS_RESET. */
  public void awaitNeedsReset(String why) {
    TestBoard.await("needs reset: " + why, () -> (get(STATUS) & NEEDS_RESET) != 0);
  }
}
