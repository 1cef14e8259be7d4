package duality.vmm.trap;

import duality.kernel.Grant;
import duality.kernel.processor.Memory;
import duality.vmm.board.GuestMemory;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A page table of the guest as it was when it was read last: what a processor's translation caches
 * may hold until {@code sfence.vma} (RISC-V Priv. §4.2.1).
 */
final class GuestTable {
  static final int ENTRIES = 512;
  static final int BYTES = 4096;

  static final int V = 1;
  static final int R = 2;
  static final int W = 4;
  static final int X = 8;
  static final int USER = 16;
  static final int A = 64;
  static final int D = 128;
  private static final long RESERVED = 0x1fc0000000000000L;

  /** Svnapot: the page is one of sixteen that belong together. */
  private static final long NAPOT = 1L << 63;

  private static final long MEMORY_TYPE = 3L << 61;

  /** Told of each entry that is another one now. */
  interface Changes {
    void changed(int index, long before);
  }

  /** Guest-physical address. */
  final long address;

  final long[] entries = new long[ENTRIES];
  final @Nullable GuestTable[] below;

  /**
   * Reads a table.
   *
   * @param level 0 for one that has leaves only
   * @throws duality.kernel.CallFailed.BadRequest when there is no memory
   */
  GuestTable(GuestMemory memory, long address, int level) {
    this.address = address;
    below = new @Nullable GuestTable[level == 0 ? 0 : ENTRIES];
    read(memory, entries);
  }

  private void read(GuestMemory memory, long[] to) {
    try (Grant grant = memory.grant(address, BYTES, Memory.READ)) {
      grant.read(0, MemorySegment.ofArray(to), 0, BYTES);
    }
  }

  /** Reads all of it again. */
  void refresh(GuestMemory memory, long[] scratch, Changes changes) {
    read(memory, scratch);
    for (int at = 0; ; at++) {
      int next = Arrays.mismatch(entries, at, ENTRIES, scratch, at, ENTRIES);
      if (next < 0) {
        return;
      }
      at += next;
      change(at, scratch[at], changes);
    }
  }

  /** Reads one entry again; says whether it has changed. */
  boolean refresh(GuestMemory memory, int index, Changes changes) {
    long now;
    try (Grant grant = memory.grant(address + 8L * index, 8, Memory.READ)) {
      now = grant.getLong(0);
    }
    return now != entries[index] && change(index, now, changes);
  }

  private boolean change(int index, long now, Changes changes) {
    long before = entries[index];
    entries[index] = now;
    if (below.length > 0) {
      below[index] = null;
    }
    if ((before & V) != 0) {
      changes.changed(index, before);
    }
    return true;
  }

  /**
   * Sets bits in an entry, as a processor sets A and D, if it is the same in memory yet; the hart,
   * which alone could change it meanwhile, is stopped.
   */
  boolean mark(GuestMemory memory, int index, long bits) {
    try (Grant grant = memory.grant(address + 8L * index, 8, Memory.READ | Memory.WRITE)) {
      if (grant.getLong(0) != entries[index]) {
        return false;
      }
      entries[index] |= bits;
      grant.setLong(0, entries[index]);
      return true;
    }
  }

  /** Whether an entry leads nowhere, whatever is asked of it. */
  static boolean invalid(long entry) {
    long type = entry & MEMORY_TYPE;
    return (entry & V) == 0
        || (entry & (R | W)) == W
        || (entry & RESERVED) != 0
        || type == MEMORY_TYPE
        || !leaf(entry) && (type != 0 || napot(entry));
  }

  /** Whether a valid entry is a leaf. */
  static boolean leaf(long entry) {
    return (entry & (R | X)) != 0;
  }

  /** Whether a leaf is one of sixteen pages that belong together (Svnapot). */
  static boolean napot(long entry) {
    return (entry & NAPOT) != 0;
  }

  /** The guest-physical address that an entry leads to. */
  static long target(long entry) {
    return (entry >>> 10 & 0xfffffffffffL) << 12;
  }
}
