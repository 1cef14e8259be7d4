package duality.drivers.virtio;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Memory;

/**
 * A split virtqueue (VIRTIO 1.2 §2.7): where its three parts lie, and how far the device has come
 * in them. Its memory is borrowed only while the device works on it, see {@link #open}.
 *
 * <p><em>Concurrency:</em> not thread-safe; used under the transport's work lock.
 */
public final class Virtqueue {
  static final int LARGEST = 32_768;

  static final long DESCRIPTOR_BYTES = 16;

  private final int mostSize;

  private int size;
  private boolean ready;
  private long descriptorArea;
  private long driverArea;
  private long deviceArea;
  private int nextAvailable;
  private int nextUsed;

  /** A queue that offers at most {@code mostSize} descriptors, a power of two. */
  Virtqueue(int mostSize) {
    if (Integer.bitCount(mostSize) != 1 || mostSize > LARGEST) {
      throw new IllegalArgumentException("a queue of " + mostSize + " descriptors");
    }
    this.mostSize = mostSize;
  }

  /** How many descriptors the driver uses. */
  public int size() {
    return size;
  }

  /** How many descriptors the driver may use. */
  public int mostSize() {
    return mostSize;
  }

  /** Whether the driver has said that it is set up. */
  public boolean ready() {
    return ready;
  }

  int nextAvailable() {
    return nextAvailable;
  }

  void nextAvailable(int index) {
    nextAvailable = index & 0xffff;
  }

  int nextUsed() {
    return nextUsed;
  }

  void nextUsed(int index) {
    nextUsed = index & 0xffff;
  }

  void size(int newSize) {
    size = newSize;
  }

  void descriptorArea(long address) {
    descriptorArea = address;
  }

  void driverArea(long address) {
    driverArea = address;
  }

  void deviceArea(long address) {
    deviceArea = address;
  }

  long descriptorArea() {
    return descriptorArea;
  }

  long driverArea() {
    return driverArea;
  }

  long deviceArea() {
    return deviceArea;
  }

  /** Begins to serve the queue, from the start of its rings. */
  void makeReady() throws Malformed {
    String wrong = wrong();
    if (!wrong.isEmpty()) {
      throw new Malformed(wrong);
    }
    nextAvailable = 0;
    nextUsed = 0;
    ready = true;
  }

  void stop() {
    ready = false;
    nextAvailable = 0;
    nextUsed = 0;
  }

  void reset() {
    stop();
    size = 0;
    descriptorArea = 0;
    driverArea = 0;
    deviceArea = 0;
  }

  /** What is wrong with the set-up (§2.7: powers of two, alignments), or an empty text. */
  private String wrong() {
    if (size < 1 || size > mostSize || Integer.bitCount(size) != 1) {
      return "a queue of " + size + " descriptors";
    }
    if ((descriptorArea & 15) != 0 || (driverArea & 1) != 0 || (deviceArea & 3) != 0) {
      return "a queue that is not aligned";
    }
    return "";
  }

  /**
   * Borrows the queue's memory, to work on it; close the rings soon.
   *
   * @param memory the guest's memory
   * @param indirect whether tables of indirect descriptors were negotiated
   * @throws Malformed when a part of the queue does not lie in memory
   * @throws CallFailed when the memory's pager does not answer
   */
  public Rings open(Space memory, boolean indirect) throws Malformed {
    Grant table = null;
    Grant available = null;
    try {
      table = lend(memory, descriptorArea, DESCRIPTOR_BYTES * size, Memory.READ);
      available = lend(memory, driverArea, 4 + 2L * size, Memory.READ);
      Grant used = lend(memory, deviceArea, 4 + 8L * size, Memory.READ | Memory.WRITE);
      Rings rings = new Rings(this, memory, indirect, table, available, used);
      table = null;
      available = null;
      return rings;
    } finally {
      if (table != null) {
        table.close();
      }
      if (available != null) {
        available.close();
      }
    }
  }

  /**
   * Borrows memory that a guest named.
   *
   * @throws Malformed when it is not memory
   */
  public static Grant lend(Space memory, long address, long length, int access) throws Malformed {
    try {
      return memory.grant(address, length, access);
    } catch (CallFailed.BadRequest outside) {
      throw new Malformed(
          length
              + " bytes at 0x"
              + Long.toHexString(address)
              + " are not memory: "
              + outside.getMessage());
    }
  }

  /**
   * Whether the used ring in memory stands where this queue says: if not, this state is an old one,
   * or the guest wrote where it must not.
   */
  boolean agrees(Space memory) throws Malformed {
    if (!ready) {
      return true;
    }
    try (Grant used = lend(memory, deviceArea, 4, Memory.READ)) {
      return used.getShort(2) == nextUsed;
    }
  }

  State save() {
    return State.of("virtqueue", 1)
        .with("size", size)
        .with("ready", ready)
        .with("descriptorArea", descriptorArea)
        .with("driverArea", driverArea)
        .with("deviceArea", deviceArea)
        .with("nextAvailable", nextAvailable)
        .with("nextUsed", nextUsed);
  }

  void restore(State saved) {
    saved.expect("virtqueue", 1);
    size = (int) saved.number("size", Integer.MIN_VALUE, Integer.MAX_VALUE);
    ready = saved.flag("ready");
    descriptorArea = saved.number("descriptorArea");
    driverArea = saved.number("driverArea");
    deviceArea = saved.number("deviceArea");
    nextAvailable = (int) saved.number("nextAvailable", 0, 0xffff);
    nextUsed = (int) saved.number("nextUsed", 0, 0xffff);
    if (ready && !wrong().isEmpty()) {
      throw new State.Refused("virtqueue is ready, but is " + wrong());
    }
  }
}
