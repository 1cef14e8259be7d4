package duality.store.sealed;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The blocks that were written since the tree was: what each may be. Before a block is written its
 * new entry is noted beside the old ones, when it is written it is the only one. So a crash in the
 * middle, or a write that the store below says it could not do, leaves more than one that is right,
 * and the first time one of them is seen the others are not any more: nobody can go back.
 *
 * <p>The same as a list of records is what the seal remembers.
 */
final class Changes {
  /** So many failed writes of one block are kept apart. */
  private static final int MOST_WAYS = 16;

  /**
   * A record.
   *
   * @param settled whether the block is that and nothing else; else it may be that as well
   */
  record Change(boolean settled, long block, Entry entry) {}

  /** Stands for what the tree has. */
  static final Entry OF_TREE = Entry.of(filled(), 0);

  private static byte[] filled() {
    byte[] all = new byte[Entry.BYTES];
    java.util.Arrays.fill(all, (byte) 0xff);
    return all;
  }

  private final TreeMap<Long, List<Entry>> ways = new TreeMap<>();

  /** Takes a record. */
  void add(Change change) {
    if (change.settled()) {
      ways.put(change.block(), List.of(change.entry()));
      return;
    }
    List<Entry> more = new ArrayList<>(ways.getOrDefault(change.block(), List.of(OF_TREE)));
    if (more.size() >= MOST_WAYS) {
      more.remove(1);
    }
    more.add(change.entry());
    ways.put(change.block(), List.copyOf(more));
  }

  /** What a block may be, the newest last; nothing when the tree knows. */
  @Nullable List<Entry> of(long block) {
    return ways.get(block);
  }

  int blocks() {
    return ways.size();
  }

  /** The blocks of which it is known what they are. */
  Map<Long, Entry> settled() {
    Map<Long, Entry> known = new TreeMap<>();
    ways.forEach(
        (block, entries) -> {
          if (entries.size() == 1 && !entries.getFirst().equals(OF_TREE)) {
            known.put(block, entries.getFirst());
          }
        });
    return known;
  }

  /** Records of the others. */
  List<Change> unsettled() {
    List<Change> records = new ArrayList<>();
    ways.forEach(
        (block, entries) -> {
          if (entries.size() > 1) {
            boolean first = true;
            for (Entry each : entries) {
              if (!first || !each.equals(OF_TREE)) {
                records.add(new Change(first, block, each));
              }
              first = false;
            }
          }
        });
    return records;
  }

  /** Only these are left. */
  void become(List<Change> records) {
    ways.clear();
    records.forEach(this::add);
  }
}
