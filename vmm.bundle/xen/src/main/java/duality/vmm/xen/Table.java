package duality.vmm.xen;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page table that was checked: what is in the guest's memory, which only the monitor changes, and
 * where it is entered in tables of the level above.
 */
final class Table {
  static final int ENTRIES = 512;
  static final int BYTES = 4096;
  static final int TOP = 2;

  static final int V = 1;
  static final int R = 2;
  static final int W = 4;
  static final int X = 8;
  static final int USER = 16;
  private static final int A = 64;
  private static final int D = 128;
  private static final long RESERVED = 0xffc0000000000000L;

  /** An entry of a table above that leads here. */
  record Link(Table table, int index) {}

  final long page;
  final int level;
  final long[] entries = new long[ENTRIES];
  final List<Link> links = new ArrayList<>();

  /** Of a root: the core space that has what it maps, if the guest was there. */
  @Nullable Root root;

  Table(long page, int level) {
    this.page = page;
    this.level = level;
  }

  static boolean valid(long entry) {
    return (entry & V) != 0;
  }

  static boolean leaf(long entry) {
    return (entry & (R | X)) != 0;
  }

  static boolean writable(long entry) {
    return (entry & W) != 0;
  }

  static long target(long entry) {
    return entry >>> 10 & 0xfffffffffffL;
  }

  /** Whether an entry can be in a table of that level at all. Pages of 4 KiB only. */
  static boolean wellFormed(long entry, int level) {
    if (!valid(entry)) {
      return true;
    }
    if ((entry & RESERVED) != 0 || (entry & (R | W)) == W) {
      return false;
    }
    return level == 0 ? leaf(entry) : (entry & (R | W | X | USER | A | D)) == 0;
  }

  /** First address that an entry is for, of those below the table's own first address. */
  static long offset(int index, int level) {
    return (long) index << 12 + 9 * level;
  }

  static int index(long address, int level) {
    return (int) (address >>> 12 + 9 * level) & ENTRIES - 1;
  }

  /** Sv39: bit 38 goes on upwards. */
  static long canonical(long address) {
    return address << 25 >> 25;
  }
}
