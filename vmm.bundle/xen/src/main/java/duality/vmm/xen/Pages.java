package duality.vmm.xen;

import java.util.BitSet;

/**
 * What each page of the guest's memory is used as, counted [BDF+03 §3.3.3]. A page has one type at
 * a time: a page table of a level, or writable. Its type changes only when nobody uses it as what
 * it was. A page that is held at all cannot be given away.
 */
final class Pages {
  static final int NONE = 0;

  /** Types of page tables are their levels plus this. */
  static final int TABLE = 1;

  static final int WRITABLE = 4;

  private final long first;
  private final int count;
  private final byte[] types;
  private final int[] typed;
  private final int[] held;
  private final BitSet pinned = new BitSet();
  private final BitSet given = new BitSet();

  Pages(long first, int count) {
    this.first = first;
    this.count = count;
    types = new byte[count];
    typed = new int[count];
    held = new int[count];
  }

  /** How many pages of memory there are, given away or not. */
  int count() {
    return count;
  }

  long first() {
    return first;
  }

  private int index(long page) {
    return Math.toIntExact(page - first);
  }

  /** Whether a page is the guest's now. */
  boolean owned(long page) {
    return Long.compareUnsigned(page - first, count) < 0 && !given.get(index(page));
  }

  int type(long page) {
    return typed[index(page)] == 0 ? NONE : types[index(page)];
  }

  /** Says that an untyped page is of a type from now on, and used once as that. */
  void begin(long page, int type) {
    int at = index(page);
    if (typed[at] != 0) {
      throw new IllegalStateException("page " + page + " is used as type " + types[at]);
    }
    types[at] = (byte) type;
    typed[at] = 1;
    held[at]++;
  }

  /** One use more of a page as what it is. */
  void again(long page) {
    int at = index(page);
    typed[at]++;
    held[at]++;
  }

  /** One use less; says whether that was the last one as this type. */
  boolean end(long page) {
    int at = index(page);
    if (typed[at] <= 0 || held[at] <= 0) {
      throw new IllegalStateException("page " + page + " is not used");
    }
    held[at]--;
    return --typed[at] == 0;
  }

  /** One use more, as whatever it is. */
  void hold(long page) {
    held[index(page)]++;
  }

  void letGo(long page) {
    int at = index(page);
    if (held[at] <= 0) {
      throw new IllegalStateException("page " + page + " is not held");
    }
    held[at]--;
  }

  int held(long page) {
    return held[index(page)];
  }

  int typed(long page) {
    return typed[index(page)];
  }

  boolean pinned(long page) {
    return pinned.get(index(page));
  }

  void pinned(long page, boolean is) {
    pinned.set(index(page), is);
  }

  /** Numbers of the pages that are pinned. */
  long[] allPinned() {
    return pinned.stream().mapToLong(at -> first + at).toArray();
  }

  /** Gives a page away that nobody holds, or takes it back. */
  void given(long page, boolean is) {
    given.set(index(page), is);
  }

  boolean given(long page) {
    return Long.compareUnsigned(page - first, count) < 0 && given.get(index(page));
  }

  int givenCount() {
    return given.cardinality();
  }

  long[] allGiven() {
    return given.stream().mapToLong(at -> first + at).toArray();
  }
}
