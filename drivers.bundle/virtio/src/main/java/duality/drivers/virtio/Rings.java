package duality.drivers.virtio;

import duality.kernel.Grant;
import duality.kernel.Space;
import duality.kernel.processor.Memory;
import java.lang.invoke.VarHandle;

/**
 * A virtqueue's memory while a device works on it: takes chains from the available ring and puts
 * them into the used ring.
 *
 * <p>Who wants to hear of what is said by flags, or, where event indices were negotiated, by the
 * index from which on (§2.7.7, §2.7.10). An index that is left behind says that nothing is wanted.
 *
 * <p>Each value of the guest's is read once and checked before use, because the guest may change it
 * at any moment. Order (§2.7.13, §2.7.8): the available index is read with acquire before entries,
 * the used index is written with release after them, and a full fence stands between writing one of
 * our fields and reading the driver's that it is compared with.
 *
 * <p>Not thread-safe.
 */
public final class Rings implements AutoCloseable {
  private static final int FLAG_NEXT = 1;
  private static final int FLAG_WRITE = 2;
  private static final int FLAG_INDIRECT = 4;

  /** Used ring: the device needs no kicks. Available ring: the driver needs no interrupts. */
  private static final int FLAG_QUIET = 1;

  static final long INDEX = 2;
  static final long ENTRIES = 4;

  private final Virtqueue queue;
  private final Space memory;
  private final boolean indirect;
  private final boolean eventIndex;
  private final int mask;
  private final Grant table;
  private final Grant available;
  private final Grant used;
  private boolean completed;

  /** The used index at which it was last looked whether the driver wants to hear of it. */
  private int lookedAt;

  /** Head of the chain that was shown last. */
  private int next;

  Rings(
      Virtqueue queue,
      Space memory,
      boolean indirect,
      boolean eventIndex,
      Grant table,
      Grant available,
      Grant used) {
    this.queue = queue;
    this.memory = memory;
    this.indirect = indirect;
    this.eventIndex = eventIndex;
    this.mask = queue.size() - 1;
    this.table = table;
    this.available = available;
    this.used = used;
    this.lookedAt = queue.nextUsed();
  }

  /**
   * Reads the next available chain without taking it.
   *
   * @param chain where to put it
   * @return false when there is none
   * @throws Malformed when the ring or the chain breaks a rule
   */
  public boolean next(Chain chain) throws Malformed {
    if (queue.isAgain()) {
      int again = queue.nextAgain();
      chain.start(again, queue.outstanding().position(again));
      read(chain, again);
      return true;
    }
    int waiting = available.getShort(INDEX) - queue.nextAvailable() & 0xffff;
    if (waiting == 0) {
      return false;
    }
    if (waiting > queue.size()) {
      throw new Malformed(
          waiting + " chains available in a queue of " + queue.size() + " descriptors");
    }
    int head = available.getShort(ENTRIES + 2L * (queue.nextAvailable() & mask));
    if (head >= queue.size()) {
      throw new Malformed("chain " + head + " in a queue of " + queue.size() + " descriptors");
    }
    if (queue.outstanding().has(head)) {
      throw new Malformed("chain " + head + " is available and not given back");
    }
    next = head;
    chain.start(head, queue.nextAvailable());
    read(chain, head);
    return true;
  }

  /** Takes the chain that {@link #next} showed: the next one comes after it. */
  public void take() {
    if (queue.isAgain()) {
      queue.takeAgain();
      return;
    }
    queue.outstanding().add(next, queue.nextAvailable());
    queue.nextAvailable(queue.nextAvailable() + 1);
  }

  /**
   * Gives a chain back to the driver.
   *
   * @param head the chain's head
   * @param written bytes written into its buffers, 0 to 2^32 - 1
   * @throws IllegalStateException when it was not taken, or given back before
   */
  public void complete(int head, long written) {
    queue.givesBack(head);
    long entry = ENTRIES + 8L * (queue.nextUsed() & mask);
    used.setInt(entry, head);
    used.setInt(entry + 4, (int) written);
    queue.nextUsed(queue.nextUsed() + 1);
    used.setShort(INDEX, queue.nextUsed());
    completed = true;
    queue.gaveBack();
  }

  /** Asks the driver not to kick while the device is looking anyway. */
  public void mute() {
    if (!eventIndex) {
      used.setShort(0, FLAG_QUIET);
    }
  }

  /**
   * Asks for kicks again.
   *
   * @return whether chains came in the meantime, for which there may be none
   */
  public boolean unmute() {
    if (eventIndex) {
      used.setShort(ENTRIES + 8L * queue.size(), queue.nextAvailable());
    } else {
      used.setShort(0, 0);
    }
    VarHandle.fullFence();
    return queue.isAgain() || available.getShort(INDEX) != queue.nextAvailable();
  }

  /**
   * Whether chains were completed since the rings were opened and the driver wants to hear of it.
   */
  public boolean interruptWanted() {
    if (!completed) {
      return false;
    }
    completed = false;
    VarHandle.fullFence();
    if (!eventIndex) {
      return (available.getShort(0) & FLAG_QUIET) == 0;
    }
    int wanted = available.getShort(ENTRIES + 2L * queue.size());
    int since = queue.nextUsed() - lookedAt & 0xffff;
    int behind = queue.nextUsed() - wanted - 1 & 0xffff;
    lookedAt = queue.nextUsed();
    return behind < since; // the chain that it waits for is among those given back since
  }

  @Override
  public void close() {
    table.close();
    available.close();
    used.close();
  }

  private void read(Chain chain, int head) throws Malformed {
    int index = head;
    // A chain is no longer than the queue (§2.7.5.3.1): more means that it goes in circles.
    for (int steps = 0; steps < queue.size(); steps++) {
      long at = Virtqueue.DESCRIPTOR_BYTES * index;
      int flags = table.getShort(at + 12);
      if ((flags & FLAG_INDIRECT) != 0) {
        readIndirect(chain, at, flags);
        return;
      }
      chain.add(table.getLong(at), table.getInt(at + 8) & 0xffff_ffffL, (flags & FLAG_WRITE) != 0);
      if ((flags & FLAG_NEXT) == 0) {
        return;
      }
      index = table.getShort(at + 14);
      if (index >= queue.size()) {
        throw new Malformed(
            "chain " + head + " goes on at descriptor " + index + " of " + queue.size());
      }
    }
    throw new Malformed("chain " + head + " never ends");
  }

  /** The rest of the chain lies in a table elsewhere (§2.7.5.3). */
  private void readIndirect(Chain chain, long at, int flags) throws Malformed {
    long length = table.getInt(at + 8) & 0xffff_ffffL;
    long entries = length / Virtqueue.DESCRIPTOR_BYTES;
    if (!indirect
        || (flags & FLAG_NEXT) != 0
        || length % Virtqueue.DESCRIPTOR_BYTES != 0
        || entries < 1
        || entries > queue.size()) {
      throw new Malformed(
          "chain "
              + chain.head()
              + " has an indirect table of "
              + length
              + " bytes, flags "
              + flags);
    }
    try (Grant there = Virtqueue.lend(memory, table.getLong(at), length, Memory.READ)) {
      long index = 0;
      for (int steps = 0; steps < entries; steps++) {
        long entry = Virtqueue.DESCRIPTOR_BYTES * index;
        int flag = there.getShort(entry + 12);
        if ((flag & FLAG_INDIRECT) != 0) {
          throw new Malformed("chain " + chain.head() + " has a table inside a table");
        }
        chain.add(
            there.getLong(entry), there.getInt(entry + 8) & 0xffff_ffffL, (flag & FLAG_WRITE) != 0);
        if ((flag & FLAG_NEXT) == 0) {
          return;
        }
        index = there.getShort(entry + 14);
        if (index >= entries) {
          throw new Malformed(
              "chain " + chain.head() + " goes on at entry " + index + " of " + entries);
        }
      }
    }
    throw new Malformed("chain " + chain.head() + " never ends in its indirect table");
  }
}
