package duality.personality.linux;

import java.util.BitSet;

/**
 * A run of pages that is one region of the core space. Its books only; {@link AddressSpace} acts.
 */
final class Area {
  private final long page;
  private final int pages;

  /** Pages that were unmapped again: nothing is there, until something is mapped over them. */
  private final BitSet gone = new BitSet();

  /** Pages that are mapped without any right. */
  private final BitSet closed = new BitSet();

  Area(long page, int pages) {
    this.page = page;
    this.pages = pages;
  }

  long page() {
    return page;
  }

  int pages() {
    return pages;
  }

  long endPage() {
    return page + pages;
  }

  /** How many pages the program may access. */
  int accessible() {
    return pages - gone.cardinality() - closed.cardinality();
  }

  boolean isAllGone() {
    return gone.cardinality() == pages;
  }

  boolean isGone(long at) {
    return gone.get((int) (at - page));
  }

  /** Notes that pages were unmapped. */
  void unmapped(long from, long to) {
    gone.set((int) (from - page), (int) (to - page));
    closed.clear((int) (from - page), (int) (to - page));
  }

  /** Notes that pages are mapped, with rights or without any. */
  void mapped(long from, long to, boolean withRights) {
    gone.clear((int) (from - page), (int) (to - page));
    closed.set((int) (from - page), (int) (to - page), !withRights);
  }

  /** Both sets as words, for the state. */
  long[] goneWords() {
    return gone.toLongArray();
  }

  long[] closedWords() {
    return closed.toLongArray();
  }

  /** Fills both sets from a state; says whether they can be. */
  boolean restore(long[] goneWords, long[] closedWords) {
    gone.or(BitSet.valueOf(goneWords));
    closed.or(BitSet.valueOf(closedWords));
    return gone.length() <= pages && closed.length() <= pages && !gone.intersects(closed);
  }
}
