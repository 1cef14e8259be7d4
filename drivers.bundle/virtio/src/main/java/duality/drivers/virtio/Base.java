package duality.drivers.virtio;

import duality.kernel.Grant;
import duality.kernel.State;
import java.util.ArrayList;
import java.util.List;

/**
 * From where on a queue's rings alone tell which chains are outstanding, whatever became of the
 * device: what a successor needs that gets no state of the last moment.
 *
 * <p>As long as chains are given back in the order in which they came, it is all that lies between
 * the two indices. When they are not, it is what was outstanding at some moment, with what became
 * available since, without what was given back since. For that the rings must still hold all that
 * came after that moment: a driver has at most as many chains out as the queue has descriptors, so
 * no entry of the available ring is overwritten before as many chains were given back as had been
 * taken at that moment. Then, at the latest, another base is chosen.
 *
 * @param inOrder whether all up to the used index and none behind it was given back
 * @param used the used index at that moment
 * @param available the index up to which chains had been taken
 * @param outstanding entries of {@link Outstanding} at that moment; empty when in order
 */
record Base(boolean inOrder, int used, int available, long[] outstanding) {
  static final Base START = new Base(true, 0, 0, new long[0]);

  /** Whether the rings may not hold all that came after this base when one more is given back. */
  boolean endsAt(int usedIndex) {
    return (short) (usedIndex + 1 - available) > 0;
  }

  /**
   * What is outstanding, in order, by what the rings hold now.
   *
   * @param size descriptors of the queue
   * @param usedIndex as it is in memory
   * @param availableIndex as it is in memory
   * @throws Malformed when the rings and this base do not fit
   */
  long[] outstanding(
      int size, Grant availableRing, Grant usedRing, int usedIndex, int availableIndex)
      throws Malformed {
    int from = inOrder ? usedIndex : available;
    int open = availableIndex - usedIndex & 0xffff;
    int came = availableIndex - from & 0xffff;
    int went = inOrder ? 0 : usedIndex - used & 0xffff;
    if (open > size || came > size || went > size) {
      throw new Malformed("its rings have gone on too far");
    }
    List<Long> left = new ArrayList<>();
    for (long entry : outstanding) {
      left.add(entry);
    }
    for (int i = 0; i < came; i++) {
      int position = from + i & 0xffff;
      int head = availableRing.getShort(Rings.ENTRIES + 2L * (position & size - 1));
      left.add(Outstanding.Entry.of(position, head));
    }
    for (int i = 0; i < went; i++) {
      int head = usedRing.getInt(Rings.ENTRIES + 8L * (used + i & size - 1));
      if (!removeFirst(left, head)) {
        throw new Malformed("its used ring holds " + head + ", which nobody asked for");
      }
    }
    boolean fits =
        left.size() == open
            && left.stream().allMatch(entry -> Outstanding.Entry.valid(entry, size))
            && left.stream().map(Outstanding.Entry::head).distinct().count() == open;
    if (!fits) {
      throw new Malformed("its rings hold other chains than they say");
    }
    return left.stream().mapToLong(entry -> entry).toArray();
  }

  private static boolean removeFirst(List<Long> entries, int head) {
    for (int i = 0; i < entries.size(); i++) {
      if (Outstanding.Entry.head(entries.get(i)) == head) {
        entries.remove(i);
        return true;
      }
    }
    return false;
  }

  State save() {
    return State.of("virtqueue.base", 1)
        .with("inOrder", inOrder)
        .with("used", used)
        .with("available", available)
        .with("outstanding", outstanding);
  }

  static Base restore(State saved, int size) {
    saved.expect("virtqueue.base", 1);
    long[] outstanding = saved.numbers("outstanding");
    Virtqueue.check(outstanding, size);
    return new Base(
        saved.flag("inOrder"),
        (int) saved.number("used", 0, 0xffff),
        (int) saved.number("available", 0, 0xffff),
        outstanding);
  }
}
