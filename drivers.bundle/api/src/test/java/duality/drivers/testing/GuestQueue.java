package duality.drivers.testing;

import duality.kernel.Grant;
import java.lang.invoke.VarHandle;

/** A guest's side of a split virtqueue (VIRTIO 1.2 §2.7) in a board's memory. */
public final class GuestQueue {
  public static final int NEXT = 1;
  public static final int WRITE = 2;
  public static final int INDIRECT = 4;

  private final TestBoard board;
  private final GuestDriver driver;
  private final int index;
  private final int size;
  private final long start;
  private int nextDescriptor;
  private int nextAvailable;
  private int nextUsed;

  /**
   * One buffer of a request: where it is in the board's memory, its bytes, whether the device
   * writes.
   */
  public record Buffer(long offset, long length, boolean write) {}

  /** What the device gave back: the head of the chain, and the bytes it says it wrote. */
  public record Used(int head, long written) {}

  GuestQueue(TestBoard board, GuestDriver driver, int index, int size, long start) {
    this.board = board;
    this.driver = driver;
    this.index = index;
    this.size = size;
    this.start = start;
    for (long i = 0; i < 16L * size + 6 + 2L * size + 16 + 8L * size; i++) {
      ram().setByte(start + i, 0);
    }
  }

  private Grant ram() {
    return board.ram();
  }

  /** Guest-physical address of the descriptor table. */
  public long descriptors() {
    return TestBoard.MEMORY + start;
  }

  /** Guest-physical address of the available ring. */
  public long available() {
    return descriptors() + 16L * size;
  }

  /** Guest-physical address of the used ring. */
  public long used() {
    return (available() + 6 + 2L * size + 3) & ~3L;
  }

  private long at(long address) {
    return address - TestBoard.MEMORY;
  }

  /** Writes a descriptor, right or wrong. */
  public void describe(int descriptor, long address, long length, int flags, int next) {
    long at = start + 16L * descriptor;
    ram().setLong(at, address);
    ram().setInt(at + 8, (int) length);
    ram().setShort(at + 12, flags);
    ram().setShort(at + 14, next);
  }

  /** Writes a chain and makes it available; answers its head. Descriptors are used in a circle. */
  public int add(Buffer... buffers) {
    int head = nextDescriptor;
    for (int i = 0; i < buffers.length; i++) {
      boolean last = i == buffers.length - 1;
      int here = nextDescriptor;
      nextDescriptor = (nextDescriptor + 1) % size;
      describe(
          here,
          TestBoard.MEMORY + buffers[i].offset(),
          buffers[i].length(),
          (last ? 0 : NEXT) | (buffers[i].write() ? WRITE : 0),
          last ? 0 : nextDescriptor);
    }
    offer(head);
    return head;
  }

  /** Puts a head into the available ring. */
  public void offer(int head) {
    ram().setShort(at(available()) + 4 + 2L * (nextAvailable % size), head);
    nextAvailable++;
    ram().setShort(at(available()) + 2, nextAvailable);
  }

  /** Puts a head into each place of the available ring, with the device none the wiser. */
  public void fill(int head) {
    for (int i = 0; i < size; i++) {
      ram().setShort(at(available()) + 4 + 2L * i, head);
    }
  }

  /** Makes the available index lie. */
  public void availableIndex(int lie) {
    ram().setShort(at(available()) + 2, lie);
  }

  /** Asks for no interrupts, or for them again. */
  public void quiet(boolean quiet) {
    ram().setShort(at(available()), quiet ? 1 : 0);
  }

  /** Tells the device to look. */
  public void kick() {
    driver.set(0x050, index);
  }

  /** Tells the device to look, unless it has said that it looks anyway (VIRTIO 1.2 §2.7.10). */
  public void kickIfWanted() {
    VarHandle.fullFence();
    boolean wanted =
        driver.usesEventIndex()
            ? ram().getShort(at(used()) + 4 + 8L * size) == (nextAvailable - 1 & 0xffff)
            : ram().getShort(at(used())) == 0;
    if (wanted) {
      kick();
    }
  }

  /** Asks for an interrupt when the device gives back the chain that is {@code chains} ahead. */
  public void interruptAfter(int chains) {
    ram().setShort(at(available()) + 4 + 2L * size, nextUsed + chains - 1);
    VarHandle.fullFence();
  }

  /** Writes anything where event indices are. */
  public void eventIndex(int driver, int device) {
    ram().setShort(at(available()) + 4 + 2L * size, driver);
    ram().setShort(at(used()) + 4 + 8L * size, device);
  }

  /** Whether the device has given back something that was not taken yet. */
  public boolean hasUsed() {
    return ram().getShort(at(used()) + 2) != (nextUsed & 0xffff);
  }

  /** Waits for what the device gives back next. */
  public Used take() {
    TestBoard.await("a used buffer in queue " + index, this::hasUsed);
    long entry = at(used()) + 4 + 8L * (nextUsed % size);
    nextUsed++;
    return new Used(ram().getInt(entry), ram().getInt(entry + 4) & 0xffff_ffffL);
  }
}
