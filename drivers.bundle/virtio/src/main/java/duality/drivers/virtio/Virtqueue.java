package duality.drivers.virtio;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A split virtqueue (VIRTIO 1.2 §2.7): where its three parts lie, and how far the device has come
 * in them. Its memory is borrowed only while the device works on it, see {@link #open}.
 *
 * <p><em>Concurrency:</em> not thread-safe; used under the transport's work lock.
 */
public final class Virtqueue {
  static final int LARGEST = 32_768;

  static final long DESCRIPTOR_BYTES = 16;

  /** Of a legacy driver's used ring, when it says nothing else: as QEMU has it. */
  private static final int USUAL_ALIGNMENT = 4096;

  private final int mostSize;

  private int size;
  private boolean ready;
  private long descriptorArea;
  private long driverArea;
  private long deviceArea;
  private int alignment = USUAL_ALIGNMENT;
  private int nextAvailable;
  private int nextUsed;
  private final Outstanding outstanding = new Outstanding();

  /** Of those that are outstanding, the ones that the device has to begin once more: heads. */
  private final Deque<Integer> again = new ArrayDeque<>();

  /**
   * What a state lacks, in which it was found; set between {@link #restore} and {@link #resume}.
   */
  private Lacking lacking = Lacking.NOTHING;

  private volatile Base base = Base.START;
  private Runnable onNewBase = () -> {};

  /** What a state may lack. */
  private enum Lacking {
    NOTHING,
    /** It is of a version that did not say which chains are outstanding. */
    CHAINS,
    /** It is not of the last moment. */
    INDICES
  }

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

  Outstanding outstanding() {
    return outstanding;
  }

  /** How many chains were taken and not given back. */
  public int taken() {
    return outstanding.count() - again.size();
  }

  boolean isAgain() {
    return !again.isEmpty();
  }

  int nextAgain() {
    return again.element();
  }

  void takeAgain() {
    again.remove();
  }

  /** What is done when a successor needs to know something new, before it becomes true. */
  void onNewBase(Runnable action) {
    onNewBase = action;
  }

  /** A chain is about to be given back. */
  void givesBack(int head) {
    if (!outstanding.has(head)) {
      throw new IllegalStateException("chain " + head + " is given back and was not taken");
    }
    boolean stays = base.inOrder() ? outstanding.oldest() == head : !base.endsAt(nextUsed);
    if (!stays) {
      newBase(new Base(false, nextUsed, nextAvailable, outstanding.entries()));
    }
    outstanding.remove(head);
  }

  /** It was given back. */
  void gaveBack() {
    if (!base.inOrder() && isInOrder()) {
      newBase(new Base(true, nextUsed, nextAvailable, new long[0]));
    }
  }

  private boolean isInOrder() {
    return outstanding.count() == 0 || outstanding.position(outstanding.oldest()) == nextUsed;
  }

  private void newBase(Base next) {
    base = next;
    onNewBase.run();
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

  /** What a legacy driver's used ring is aligned to; nothing that is no power of two counts. */
  void alignment(int bytes) {
    if (Integer.bitCount(bytes) == 1 && bytes >= Integer.BYTES) {
      alignment = bytes;
    }
  }

  /** Lays the three areas out as a legacy driver does (VIRTIO 1.2 §2.7.2). */
  void areasFrom(long address) {
    int entries = Math.clamp(size, 0, LARGEST);
    descriptorArea = address;
    driverArea = address + DESCRIPTOR_BYTES * entries;
    long end = driverArea + 2L * (3 + entries);
    deviceArea = end + alignment - 1 & -(long) alignment;
  }

  /** For a legacy driver: where the queue is that it uses, in pages; or 0. */
  long pageNumber(int pageShift) {
    return ready ? descriptorArea >>> pageShift & 0xffff_ffffL : 0;
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
    begin();
    ready = true;
  }

  void stop() {
    ready = false;
    begin();
  }

  private void begin() {
    nextAvailable = 0;
    nextUsed = 0;
    outstanding.clear(Math.max(0, Math.min(size, mostSize)));
    again.clear();
    base = Base.START;
  }

  void reset() {
    stop();
    size = 0;
    descriptorArea = 0;
    driverArea = 0;
    deviceArea = 0;
    alignment = USUAL_ALIGNMENT;
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
   * @param eventIndex whether event indices were
   * @throws Malformed when a part of the queue does not lie in memory
   * @throws CallFailed when the memory's pager does not answer
   */
  public Rings open(Space memory, boolean indirect, boolean eventIndex) throws Malformed {
    int event = eventIndex ? 2 : 0;
    Grant table = null;
    Grant available = null;
    try {
      table = lend(memory, descriptorArea, DESCRIPTOR_BYTES * size, Memory.READ);
      available = lend(memory, driverArea, 4 + 2L * size + event, Memory.READ);
      Grant used = lend(memory, deviceArea, 4 + 8L * size + event, Memory.READ | Memory.WRITE);
      Rings rings = new Rings(this, memory, indirect, eventIndex, table, available, used);
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
   * After a restart: which chains are outstanding, by the rings and by what was saved.
   *
   * @throws Malformed when these do not fit: the state is an old one, or the guest wrote where it
   *     must not
   */
  BitSet outstanding(Space memory) throws Malformed {
    if (lacking == Lacking.CHAINS) {
      BitSet any = new BitSet();
      any.set(0, size);
      return any; // the device knows
    }
    try (Grant availableRing = lend(memory, driverArea, 4 + 2L * size, Memory.READ);
        Grant usedRing = lend(memory, deviceArea, 4 + 8L * size, Memory.READ)) {
      int used = usedRing.getShort(Rings.INDEX);
      int available = availableRing.getShort(Rings.INDEX);
      Base known = baseFor(used);
      if (known != null) {
        long[] found = known.outstanding(size, availableRing, usedRing, used, available);
        nextUsed = used;
        nextAvailable = available;
        outstanding.clear(size);
        for (long entry : found) {
          outstanding.add(Outstanding.Entry.head(entry), Outstanding.Entry.position(entry));
        }
      }
    }
    BitSet heads = new BitSet();
    for (long entry : outstanding.entries()) {
      heads.set(Outstanding.Entry.head(entry));
    }
    return heads;
  }

  /**
   * From where on what is outstanding is to be found in the rings; null when the state says it.
   *
   * @param used the used index in memory
   */
  private @Nullable Base baseFor(int used) throws Malformed {
    if (lacking == Lacking.INDICES) {
      return base;
    }
    int since = (short) (used - nextUsed);
    boolean whole = (nextAvailable - nextUsed & 0xffff) == outstanding.count();
    if (whole && since == 0) {
      return null;
    }
    if (whole && since > 0 && (short) (used - nextAvailable) <= 0) {
      // Others have served since; all that they gave back is in the rings.
      return new Base(false, nextUsed, nextAvailable, outstanding.entries());
    }
    if (since == 0 || since == -1) {
      return base; // it stopped while it gave a chain back
    }
    throw new Malformed("its used ring does not stand where its state says");
  }

  /**
   * Goes on: what is outstanding and not in flight is shown to the device once more, in order.
   *
   * @param inFlight the heads of those on which the device goes on by itself
   */
  void resume(Space memory, BitSet inFlight) throws Malformed {
    if (lacking == Lacking.CHAINS) {
      try (Grant usedRing = lend(memory, deviceArea, 4, Memory.READ)) {
        int open = nextAvailable - nextUsed & 0xffff;
        if (usedRing.getShort(Rings.INDEX) != nextUsed || inFlight.cardinality() != open) {
          throw new Malformed("its used ring does not stand where its state says");
        }
      }
      inFlight.stream().forEach(head -> outstanding.add(head, -1));
    }
    for (long entry : outstanding.entries()) {
      int head = Outstanding.Entry.head(entry);
      if (!inFlight.get(head)) {
        again.add(head);
      }
    }
    lacking = Lacking.NOTHING;
    boolean inOrder = isInOrder();
    newBase(
        new Base(inOrder, nextUsed, nextAvailable, inOrder ? new long[0] : outstanding.entries()));
  }

  /** Whether chains are available that were not taken. */
  boolean hasMore(Space memory) throws Malformed {
    if (isAgain()) {
      return true;
    }
    try (Grant availableRing = lend(memory, driverArea, 4, Memory.READ)) {
      return availableRing.getShort(Rings.INDEX) != nextAvailable;
    }
  }

  State save() {
    return checkpoint()
        .with("nextAvailable", nextAvailable)
        .with("nextUsed", nextUsed)
        .with("outstanding", outstanding.entries());
  }

  /** What stays true of this queue until a new base is chosen, or the driver sets it up anew. */
  State checkpoint() {
    return State.of("virtqueue", 2)
        .with("size", size)
        .with("ready", ready)
        .with("descriptorArea", descriptorArea)
        .with("driverArea", driverArea)
        .with("deviceArea", deviceArea)
        .with("alignment", alignment)
        .with("base", base.save());
  }

  void restore(State saved) {
    int version = saved.expect("virtqueue", 2);
    size = (int) saved.number("size", Integer.MIN_VALUE, Integer.MAX_VALUE);
    ready = saved.flag("ready");
    descriptorArea = saved.number("descriptorArea");
    driverArea = saved.number("driverArea");
    deviceArea = saved.number("deviceArea");
    if (saved.has("alignment")) {
      alignment((int) saved.number("alignment", 0, Integer.MAX_VALUE));
    }
    if (ready && !wrong().isEmpty()) {
      throw new State.Refused("virtqueue is ready, but is " + wrong());
    }
    begin();
    lacking =
        version == 1 ? Lacking.CHAINS : saved.has("nextUsed") ? Lacking.NOTHING : Lacking.INDICES;
    if (lacking != Lacking.INDICES) {
      nextAvailable = (int) saved.number("nextAvailable", 0, 0xffff);
      nextUsed = (int) saved.number("nextUsed", 0, 0xffff);
    }
    if (lacking != Lacking.CHAINS) {
      base = Base.restore(saved.state("base"), size);
    }
    if (lacking == Lacking.NOTHING) {
      long[] entries = saved.numbers("outstanding");
      check(entries, size);
      for (long entry : entries) {
        outstanding.add(Outstanding.Entry.head(entry), Outstanding.Entry.position(entry));
      }
    }
  }

  /** Entries of a state: heads of this queue, each once. */
  static void check(long[] entries, int size) {
    BitSet heads = new BitSet();
    for (long entry : entries) {
      int head = Outstanding.Entry.head(entry);
      if (!Outstanding.Entry.valid(entry, size) || heads.get(head)) {
        throw new State.Refused("virtqueue: " + entry + " is no chain, or there twice");
      }
      heads.set(head);
    }
  }
}
