package duality.store.sealed;

import java.util.ArrayList;
import java.util.List;

/** A seal that is not written anywhere, on a host that may stop. */
final class MemorySeal implements Seal {
  private byte[] root = new byte[Tree.HASH_BYTES];
  private List<Changes.Change> changes = new ArrayList<>();
  private byte[] durableRoot = root;
  private List<Changes.Change> durableChanges = List.of();

  @Override
  public byte[] root() {
    return root.clone();
  }

  @Override
  public List<Changes.Change> changes() {
    return List.copyOf(changes);
  }

  @Override
  public void add(List<Changes.Change> more) {
    changes.addAll(more);
  }

  @Override
  public void force() {
    durableRoot = root;
    durableChanges = List.copyOf(changes);
  }

  /** What was not made durable is not there any more. */
  void hostStops() {
    root = durableRoot;
    changes = new ArrayList<>(durableChanges);
  }

  @Override
  public void replace(byte[] nextRoot, List<Changes.Change> left) {
    root = nextRoot.clone();
    changes = new ArrayList<>(left);
  }
}
