package duality.store.sealed;

import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * A tree of hashes [Merkle 1987] over the entries of all blocks. A leaf holds the entries of its
 * blocks, a node the SHA-256 of each node below it, and who holds the hash of the root can check
 * everything. Zeros stand for what was never written.
 *
 * <p>Nodes are kept in memory once they were read and checked: 4 KiB for each 512 KiB of blocks
 * that were used. On the store below each has two places; a new version goes to the one in which
 * the present is not, so that a crash while the tree is written leaves the tree before whole.
 *
 * <p><em>Concurrency:</em> none; used by one thread at a time.
 */
final class Tree {
  static final int HASH_BYTES = 32;

  /** Which node. */
  private record Place(int level, long index) implements Comparable<Place> {
    @Override
    public int compareTo(Place other) {
      return level != other.level
          ? Integer.compare(level, other.level)
          : Long.compare(index, other.index);
    }

    Place parent() {
      return new Place(level + 1, index / Layout.FAN);
    }

    int atInParent() {
      return (int) (index % Layout.FAN) * Layout.ENTRY;
    }
  }

  /** A node that was checked, and in which of its two places it is. */
  private record Node(byte[] bytes, int half) {}

  /** A tree with changes, which is written and not the present one yet. */
  static final class Next {
    private final TreeMap<Place, byte[]> fresh = new TreeMap<>();
    private byte[] root = {};

    /** Hash of its root. */
    byte[] root() {
      return root.clone();
    }
  }

  private final Layout layout;
  private final Raw raw;
  private final MessageDigest digest;
  private final Map<Place, Node> nodes = new HashMap<>();
  private byte[] root;

  /**
   * A tree.
   *
   * @param root hash of its root, zeros when nothing was ever written
   */
  Tree(Layout layout, Raw raw, byte[] root) {
    this.layout = layout;
    this.raw = raw;
    this.root = root.clone();
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }

  /** Hash of the root. */
  byte[] root() {
    return root.clone();
  }

  /**
   * What has to be known of a block.
   *
   * @throws Tampered when a node on the way there is not what it was
   */
  Entry entry(long block) throws IOException {
    Node leaf = node(new Place(0, block / Layout.FAN));
    return Entry.of(leaf.bytes, (int) (block % Layout.FAN) * Layout.ENTRY);
  }

  private Node node(Place place) throws IOException {
    Node known = nodes.get(place);
    if (known != null) {
      return known;
    }
    byte[] hash = root;
    if (place.level < layout.top()) {
      int at = place.atInParent();
      hash = Arrays.copyOfRange(node(place.parent()).bytes, at, at + HASH_BYTES);
    }
    Node found = read(place, hash);
    nodes.put(place, found);
    return found;
  }

  private Node read(Place place, byte[] hash) throws IOException {
    if (Arrays.equals(hash, new byte[HASH_BYTES])) {
      return new Node(new byte[Layout.BLOCK], 1);
    }
    byte[] pair = new byte[Layout.PAIR];
    raw.read(layout.nodeOffset(place.level, place.index), pair, pair.length);
    for (int half = 0; half < 2; half++) {
      byte[] bytes = Arrays.copyOfRange(pair, half * Layout.BLOCK, (half + 1) * Layout.BLOCK);
      if (MessageDigest.isEqual(hash, hash(place, bytes))) {
        return new Node(bytes, half);
      }
    }
    throw new Tampered(
        "node "
            + place.index
            + " of level "
            + place.level
            + " of the tree is not what was written there last");
  }

  private byte[] hash(Place place, byte[] bytes) {
    digest.update((byte) place.level);
    digest.update(Long.toString(place.index).getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    digest.update((byte) 0);
    return digest.digest(bytes);
  }

  /**
   * Writes a tree with these entries changed, and makes it durable. The present one stays until
   * {@link #become}.
   */
  Next write(Map<Long, Entry> changes) throws IOException {
    Next next = new Next();
    for (Map.Entry<Long, Entry> each : changes.entrySet()) {
      byte[] leaf = copy(next, new Place(0, each.getKey() / Layout.FAN));
      each.getValue().copyTo(leaf, (int) (each.getKey() % Layout.FAN) * Layout.ENTRY);
    }
    next.root = root;
    for (int level = 0; level <= layout.top(); level++) {
      for (Place place : next.fresh.keySet().toArray(Place[]::new)) {
        if (place.level == level) {
          byte[] bytes = copy(next, place);
          byte[] hash = hash(place, bytes);
          if (level == layout.top()) {
            next.root = hash;
          } else {
            byte[] parent = copy(next, place.parent());
            System.arraycopy(hash, 0, parent, place.atInParent(), HASH_BYTES);
          }
          int half = 1 - node(place).half;
          long offset = layout.nodeOffset(level, place.index) + (long) half * Layout.BLOCK;
          raw.write(offset, bytes, bytes.length);
        }
      }
    }
    raw.flush();
    return next;
  }

  private byte[] copy(Next next, Place place) throws IOException {
    byte[] there = next.fresh.get(place);
    if (there == null) {
      there = node(place).bytes.clone();
      next.fresh.put(place, there);
    }
    return there;
  }

  /** The tree that was written is the present one. */
  void become(Next next) {
    next.fresh.forEach(
        (place, bytes) ->
            nodes.compute(place, (same, old) -> new Node(bytes, old == null ? 0 : 1 - old.half)));
    root = next.root;
  }
}
