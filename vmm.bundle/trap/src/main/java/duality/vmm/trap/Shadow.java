package duality.vmm.trap;

import duality.kernel.Space;
import duality.kernel.processor.Memory;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * A core space that stands for a guest's page tables in one mode: what the guest may reach there is
 * mapped, as far as it was reached. It is covered by regions of 1 GiB without a pager, made when
 * they are needed; a missing page comes to the monitor as a page fault.
 */
final class Shadow {
  private static final int WINDOW_SHIFT = 18;
  private static final long WINDOW = 1L << WINDOW_SHIFT;
  private static final int ALL = Memory.READ | Memory.WRITE | Memory.EXECUTE;

  /** A guest that touches more than that many GiB has them forgotten. */
  private static final int MOST_WINDOWS = 64;

  /** The core keeps books for each 512 pages of which one is mapped, some KiB. */
  private static final int PIECE_SHIFT = 9;

  /** A guest that touches more of those has all forgotten: 2 GiB of memory in use. */
  static final int MOST_PIECES = 1024;

  final Space space;
  private long[] windows = new long[4];
  private int count;
  private final Set<Long> pieces = new HashSet<>();

  Shadow(Space space) {
    this.space = space;
  }

  /**
   * Maps pages of guest-physical memory.
   *
   * @param page first page here
   * @param guestPage first page there
   * @return the rights that the first one has now
   */
  int map(long page, Space memory, long guestPage, long pages, int rights) {
    if (pieces.size() == MOST_PIECES && !pieces.contains(page >>> PIECE_SHIFT)) {
      clear();
    }
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
    pieces.add(page >>> PIECE_SHIFT);
    return space.share(page, memory, guestPage, pages, rights);
  }

  /** Takes pages away, at most 1 GiB, and not across a multiple of it. */
  void unmap(long page, long pages) {
    if (covers(page & -WINDOW)) {
      space.unmap(page, pages);
    }
  }

  /** Takes all pages away. */
  void clear() {
    while (count > 0) {
      space.removeRegion(windows[count - 1]);
      count--;
    }
    pieces.clear();
  }

  /** How many pieces the core keeps books for. */
  int pieces() {
    return pieces.size();
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
