package duality.store.sealed;

import duality.store.sealed.Changes.Change;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A disk of blocks of 4 KiB that are encrypted and authenticated one by one, on a store that is not
 * trusted. What comes back from there is right, or an error.
 *
 * <p><em>Concurrency:</em> none; used by one thread at a time. It may be left in the middle of
 * anything by an unchecked exception of the store below, and goes on being right.
 */
final class SealedDisk {
  /** Most blocks in one request. */
  static final int MOST_BLOCKS = 64;

  /** Most bytes of a request, wherever it begins. */
  static final int MOST_BYTES = (MOST_BLOCKS - 1) * Layout.BLOCK;

  /** After so many changed blocks the tree is written. */
  private static final int MOST_CHANGES = 2_048;

  /** And after so many records of changes, of the same blocks perhaps. */
  private static final int MOST_RECORDS = 4 * MOST_CHANGES;

  private final Layout layout;
  private final BlockCipher cipher;
  private final Seal seal;
  private final Raw raw;
  private final Tree tree;
  private final Changes changes = new Changes();
  private final boolean readOnly;

  /** How many records of changes the seal has. */
  private int records;

  /**
   * A disk.
   *
   * @param readOnly whether the seal is to stay as it is
   */
  SealedDisk(Layout layout, BlockCipher cipher, Seal seal, Raw raw, boolean readOnly) {
    this.layout = layout;
    this.cipher = cipher;
    this.seal = seal;
    this.raw = raw;
    this.readOnly = readOnly;
    tree = new Tree(layout, raw, seal.root());
    seal.changes().forEach(changes::add);
    records = seal.changes().size();
  }

  /**
   * Reads.
   *
   * @param length at most {@link #MOST_BYTES}
   * @throws Tampered when something of it is not what was written; then nothing was read
   */
  void read(long offset, byte[] into, int length) throws IOException {
    long first = offset / Layout.BLOCK;
    byte[] plain = readBlocks(first, count(offset, length));
    System.arraycopy(plain, (int) (offset - first * Layout.BLOCK), into, 0, length);
  }

  private static int count(long offset, int length) {
    long first = offset / Layout.BLOCK;
    return (int) (Math.ceilDiv(offset + length, Layout.BLOCK) - first);
  }

  private byte[] readBlocks(long first, int count) throws IOException {
    List<List<Entry>> ways = new ArrayList<>();
    boolean all = true;
    for (int i = 0; i < count; i++) {
      List<Entry> each = ways(first + i);
      ways.add(each);
      all &= each.size() == 1 && each.getFirst().isNone();
    }
    byte[] plain = new byte[count * Layout.BLOCK];
    if (all) {
      return plain;
    }
    byte[] sealed = new byte[plain.length];
    raw.read(layout.blockOffset(first), sealed, sealed.length);
    for (int i = 0; i < count; i++) {
      open(first + i, ways.get(i), sealed, plain, i * Layout.BLOCK);
    }
    return plain;
  }

  /** What a block may be. */
  private List<Entry> ways(long block) throws IOException {
    List<Entry> known = changes.of(block);
    if (known == null) {
      return List.of(tree.entry(block));
    }
    if (!known.contains(Changes.OF_TREE)) {
      return known;
    }
    List<Entry> all = new ArrayList<>(known);
    all.set(all.indexOf(Changes.OF_TREE), tree.entry(block));
    return all;
  }

  private void open(long block, List<Entry> ways, byte[] sealed, byte[] plain, int at)
      throws IOException {
    for (Entry each : ways.reversed()) {
      if (each.isNone() || cipher.open(block, each, sealed, at, plain, at)) {
        if (each.isNone()) {
          Arrays.fill(plain, at, at + Layout.BLOCK, (byte) 0);
        }
        if (ways.size() > 1) {
          note(List.of(new Change(true, block, each)));
        }
        return;
      }
    }
    throw new Tampered("block " + block + " is not what was written there last");
  }

  /**
   * Writes.
   *
   * @param length at most {@link #MOST_BYTES}
   * @throws IOException when it may be written or not
   */
  void write(long offset, byte[] from, int length) throws IOException {
    if (length == 0) {
      return;
    }
    long first = offset / Layout.BLOCK;
    int count = count(offset, length);
    int begin = (int) (offset - first * Layout.BLOCK);
    byte[] plain = new byte[count * Layout.BLOCK];
    // What stays of the blocks at both ends has to be known.
    if (begin != 0 || count == 1 && length < Layout.BLOCK) {
      System.arraycopy(readBlocks(first, 1), 0, plain, 0, Layout.BLOCK);
    }
    int last = count - 1;
    if (last > 0 && (begin + length) % Layout.BLOCK != 0) {
      System.arraycopy(readBlocks(first + last, 1), 0, plain, last * Layout.BLOCK, Layout.BLOCK);
    }
    System.arraycopy(from, 0, plain, begin, length);
    if (changes.blocks() + count > MOST_CHANGES || records > MOST_RECORDS) {
      commit();
    }
    byte[] sealed = new byte[plain.length];
    List<Change> before = new ArrayList<>();
    List<Change> after = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Entry entry = cipher.seal(first + i, plain, i * Layout.BLOCK, sealed, i * Layout.BLOCK);
      before.add(new Change(false, first + i, entry));
      after.add(new Change(true, first + i, entry));
    }
    note(before);
    raw.write(layout.blockOffset(first), sealed, sealed.length);
    note(after);
  }

  private void note(List<Change> more) throws IOException {
    if (!readOnly) {
      seal.add(more);
    }
    records += more.size();
    more.forEach(changes::add);
  }

  /** Makes what was written durable. */
  void flush() throws IOException {
    raw.flush();
    if (!readOnly) {
      seal.force();
    }
  }

  /** Writes the tree, so that little has to be remembered beside it. */
  void commit() throws IOException {
    seal.force(); // the tree before the present one, which is overwritten now, is not needed then
    Tree.Next next = tree.write(changes.settled());
    List<Change> left = changes.unsettled();
    seal.replace(next.root(), left);
    tree.become(next);
    changes.become(left);
    records = left.size();
    if (left.size() > MOST_CHANGES) {
      throw new IOException("too many writes have failed");
    }
  }
}
