package duality.store.sealed;

import java.io.IOException;
import java.util.List;

/** The trusted place: what is in it nobody else can change. */
interface Seal {
  /** Hash of the tree's root. */
  byte[] root();

  /** What changed since, in order. */
  List<Changes.Change> changes();

  /**
   * Remembers more changes. Safe when this process dies; when the host does, after {@link #force}.
   */
  void add(List<Changes.Change> changes) throws IOException;

  /** Makes all durable. */
  void force() throws IOException;

  /** Remembers another root, and these changes only: all of it or nothing. As {@link #add}. */
  void replace(byte[] root, List<Changes.Change> changes) throws IOException;
}
