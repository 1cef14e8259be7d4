package duality.personality.linux;

import java.util.TreeMap;

/** A directory in memory. */
final class Directory extends Node {
  final TreeMap<String, Node> entries = new TreeMap<>();

  /** The one that it is in; itself for the root. */
  Directory parent;

  Directory(long number, int permissions, long now) {
    super(number, DIRECTORY | permissions, now);
    this.parent = this;
    this.links = 2;
  }

  @Override
  long size() {
    return 4096;
  }
}
