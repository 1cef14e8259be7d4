package duality.vmm.xen;

import duality.drivers.BackEnd;
import duality.kernel.CallFailed;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import duality.vmm.board.GuestMemory;
import duality.vmm.board.Parts;
import java.util.List;

/**
 * The grant table: which pages the guest lends to which back half of a split driver. A page that
 * may be written counts as writable as long as it is granted, so no driver can write into a page
 * table for the guest. The back half finds grant N as page N of its window.
 */
final class Grants {
  private static final int FREE = -1;

  private final GuestMemory memory;
  private final Pages pages;
  private final PageTables tables;
  private final List<Parts.SplitDriver> drivers;
  private final int[] driver = new int[BackEnd.GRANTS];
  private final long[] page = new long[BackEnd.GRANTS];
  private final boolean[] writable = new boolean[BackEnd.GRANTS];

  Grants(GuestMemory memory, Pages pages, PageTables tables, List<Parts.SplitDriver> drivers) {
    this.memory = memory;
    this.pages = pages;
    this.tables = tables;
    this.drivers = drivers;
    java.util.Arrays.fill(driver, FREE);
  }

  /** Lends a page; answers a {@link Refusal} or 0. */
  int lend(long reference, long to, long what, boolean write) {
    if (outside(reference) || Long.compareUnsigned(to, drivers.size()) >= 0) {
      return Refusal.NOTHING_THERE;
    }
    int at = (int) reference;
    if (driver[at] != FREE) {
      return Refusal.BUSY;
    }
    int refused = count(what, write);
    if (refused != Refusal.OK) {
      return refused;
    }
    int rights = write ? Memory.READ | Memory.WRITE : Memory.READ;
    int got;
    try {
      got = drivers.get((int) to).window().share(at, memory.space(), what, 1, rights);
    } catch (CallFailed failed) {
      uncount(what, write);
      return Refusal.AGAIN;
    }
    if (got != rights) {
      drivers.get((int) to).window().unmap(at, 1);
      uncount(what, write);
      return Refusal.NO_ROOM;
    }
    driver[at] = (int) to;
    page[at] = what;
    writable[at] = write;
    return Refusal.OK;
  }

  private int count(long what, boolean write) {
    if (write) {
      return tables.take(what, Pages.WRITABLE);
    }
    if (!pages.owned(what)) {
      return Refusal.PERMISSION;
    }
    pages.hold(what);
    return Refusal.OK;
  }

  private void uncount(long what, boolean write) {
    if (write) {
      tables.drop(what);
    } else {
      pages.letGo(what);
    }
  }

  /** Takes a page back, unless its driver uses it. */
  int end(long reference) {
    if (outside(reference) || driver[(int) reference] == FREE) {
      return Refusal.NOTHING_THERE;
    }
    int at = (int) reference;
    Parts.SplitDriver its = drivers.get(driver[at]);
    try {
      if (!its.backEnd().release(at)) {
        return Refusal.BUSY;
      }
      its.window().unmap(at, 1);
    } catch (CallFailed notNow) {
      return Refusal.AGAIN;
    }
    driver[at] = FREE;
    uncount(page[at], writable[at]);
    return Refusal.OK;
  }

  /** Whether a grant is that driver's, and may be written. */
  boolean usable(long reference, long by) {
    return !outside(reference) && driver[(int) reference] == by && writable[(int) reference];
  }

  private static boolean outside(long reference) {
    return Long.compareUnsigned(reference, BackEnd.GRANTS) >= 0;
  }

  /** All grants are no more: the guest's memory was taken away, or it begins anew. */
  void reset() {
    java.util.Arrays.fill(driver, FREE);
    for (Parts.SplitDriver each : drivers) {
      each.backEnd().disconnect();
      each.window().unmap(0, BackEnd.GRANTS);
    }
  }

  State save() {
    long[] flat = new long[3 * BackEnd.GRANTS];
    int count = 0;
    for (int i = 0; i < BackEnd.GRANTS; i++) {
      if (driver[i] != FREE) {
        flat[count++] = i;
        flat[count++] = 2L * driver[i] + (writable[i] ? 1 : 0);
        flat[count++] = page[i];
      }
    }
    return State.of("grants", 1).with("all", java.util.Arrays.copyOf(flat, count));
  }

  /** Counts what is granted; the windows have it already. */
  void restore(State saved) {
    saved.expect("grants", 1);
    long[] flat = saved.numbers("all");
    for (int i = 0; i + 2 < flat.length; i += 3) {
      boolean write = (flat[i + 1] & 1) != 0;
      long to = flat[i + 1] >>> 1;
      if (outside(flat[i])
          || driver[(int) flat[i]] != FREE
          || to >= drivers.size()
          || count(flat[i + 2], write) != Refusal.OK) {
        throw new State.Refused("grants.all has a grant " + flat[i] + " that cannot be");
      }
      driver[(int) flat[i]] = (int) to;
      writable[(int) flat[i]] = write;
      page[(int) flat[i]] = flat[i + 2];
    }
  }
}
