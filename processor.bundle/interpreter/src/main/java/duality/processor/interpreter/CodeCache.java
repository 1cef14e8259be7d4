package duality.processor.interpreter;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The decoded pages by host address. When there are too many all are forgotten. */
final class CodeCache {
  /** 2,048 pages are 8 MiB of code and about 40 MiB of heap. */
  private static final int LIMIT = 4096;

  /**
   * Changes at each {@code fence.i}, {@code sfence.vma} of everything, and whenever frames may have
   * got other contents.
   */
  int stamp;

  // Open addressing, linear probing; never more than half full.
  private final @Nullable CodePage[] slots = new @Nullable CodePage[2 * LIMIT];
  private int count;

  /** The page at a host address, as memory was at the last fence or later. */
  CodePage page(long host) {
    int at = (int) (host * 0x9e3779b97f4a7c15L >>> 40) & slots.length - 1;
    for (CodePage page; (page = slots[at]) != null; at = at + 1 & slots.length - 1) {
      if (page.host == host) {
        if (page.stamp != stamp) {
          page.validate();
          page.stamp = stamp;
        }
        return page;
      }
    }
    if (count == LIMIT) {
      Arrays.fill(slots, null);
      count = 0;
      return page(host);
    }
    CodePage page = new CodePage(host);
    page.stamp = stamp;
    slots[at] = page;
    count++;
    return page;
  }
}
