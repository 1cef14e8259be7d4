package duality.vmm.xen;

import duality.kernel.Space;
import duality.kernel.processor.Memory;
import java.util.Arrays;

/**
 * The core space of one root table: what the guest's tables say, as far as it was entered or
 * needed. Covered by regions of 1 GiB without a pager, so a missing page comes to the monitor.
 */
final class Root {
  private static final int WINDOW_SHIFT = 18;
  private static final long WINDOW = 1L << WINDOW_SHIFT;
  private static final int ALL = Memory.READ | Memory.WRITE | Memory.EXECUTE;

  /** A guest that uses more than that many GiB has all forgotten and found again. */
  private static final int MOST_WINDOWS = 64;

  final int number;
  final Space space;
  private long[] windows;
  private int count;

  /** Of a core space as a predecessor left it: the regions that are there. */
  Root(int number, Space space, long[] windows) {
    this.number = number;
    this.space = space;
    this.windows = Arrays.copyOf(windows, Math.max(4, windows.length));
    count = windows.length;
  }

  /** Maps pages of guest memory; answers the rights that the first one has now. */
  int map(long page, Space memory, long guestPage, long pages, int rights) {
    long window = page & -WINDOW;
    if (!covers(window)) {
      if (count == MOST_WINDOWS) {
        clear();
      }
      space.region(window, WINDOW, ALL);
      if (count == windows.length) {
        windows = Arrays.copyOf(windows, 2 * count);
      }
      windows[count++] = window;
    }
    return space.share(page, memory, guestPage, pages, rights);
  }

  /** Takes pages away, not across a multiple of 1 GiB. */
  void unmap(long page, long pages) {
    if (covers(page & -WINDOW)) {
      space.unmap(page, pages);
    }
  }

  void clear() {
    while (count > 0) {
      space.removeRegion(windows[count - 1]);
      count--;
    }
  }

  long[] windows() {
    return Arrays.copyOf(windows, count);
  }

  private boolean covers(long window) {
    for (int i = 0; i < count; i++) {
      if (windows[i] == window) {
        return true;
      }
    }
    return false;
  }
}
