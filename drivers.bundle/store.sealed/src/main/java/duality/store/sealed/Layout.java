package duality.store.sealed;

import java.util.ArrayList;
import java.util.List;

/**
 * Where what lies on the store below: first the tree, level by level from its leaves on, each node
 * with room for two versions of it; then the blocks.
 *
 * @param rawBytes what the store below has
 * @param blocks how many blocks of data there are
 * @param counts nodes of each level, leaves first; the last level has one
 */
record Layout(long rawBytes, long blocks, List<Long> counts) {
  /** Bytes of a block, and of a node. */
  static final int BLOCK = 4096;

  /** Bytes that a node has for each thing below it. */
  static final int ENTRY = 32;

  /** Blocks below a leaf, and nodes below a node. */
  static final int FAN = BLOCK / ENTRY;

  /** A node's two places. */
  static final int PAIR = 2 * BLOCK;

  private static final long MOST_BYTES = 1L << 50;

  /**
   * The largest disk that fits.
   *
   * @throws IllegalArgumentException when not even one block does
   */
  static Layout ofRaw(long rawBytes) {
    if (rawBytes < PAIR + BLOCK || rawBytes > MOST_BYTES) {
      throw new IllegalArgumentException(
          rawBytes + " bytes; a sealed disk needs " + (PAIR + BLOCK) + " to " + MOST_BYTES);
    }
    long least = 1;
    long most = rawBytes / BLOCK;
    while (least < most) {
      long blocks = (least + most + 1) >>> 1;
      if (of(rawBytes, blocks).end() <= rawBytes) {
        least = blocks;
      } else {
        most = blocks - 1;
      }
    }
    return of(rawBytes, least);
  }

  private static Layout of(long rawBytes, long blocks) {
    List<Long> counts = new ArrayList<>();
    long nodes = blocks;
    do {
      nodes = Math.ceilDiv(nodes, FAN);
      counts.add(nodes);
    } while (nodes > 1);
    return new Layout(rawBytes, blocks, List.copyOf(counts));
  }

  private long end() {
    return blockOffset(blocks);
  }

  /** Number of the root's level. */
  int top() {
    return counts.size() - 1;
  }

  /** Where a node's first place is; the second is behind it. */
  long nodeOffset(int level, long index) {
    long nodes = index;
    for (int below = 0; below < level; below++) {
      nodes += counts.get(below);
    }
    return nodes * PAIR;
  }

  /** Where a block is. */
  long blockOffset(long block) {
    return nodeOffset(top() + 1, 0) + block * BLOCK;
  }

  /** What it has for guests. */
  long sizeBytes() {
    return blocks * BLOCK;
  }
}
