package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Frame;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A run of frames. Parts are handed on; {@link #reclaim} takes them back, with every mapping of
 * them.
 */
final class FrameObject implements Frame, KernelObject {
  private final Core core;
  private final long first;
  private final long count;

  /** Guarded by this. */
  private final List<FrameObject> parts = new ArrayList<>(0);

  /** Frames of the run that were taken back, by index; guarded by this. */
  private final BitSet lost = new BitSet(0);

  FrameObject(Core core, long first, long count) {
    this.core = core;
    this.first = first;
    this.count = count;
  }

  /** The object behind a capability that a caller passed. */
  static FrameObject of(Frame frame) {
    Object object = frame instanceof Stub stub ? stub.$object(0) : frame;
    if (object instanceof FrameObject made) {
      return made;
    }
    throw new CallFailed.BadRequest("this is not a frame capability of the kernel: " + frame);
  }

  /** Number of the {@code index}th frame, after a check that {@code n} from it on are here. */
  long number(long index, long n) {
    if (index < 0 || n < 1 || index > count - n) {
      throw new CallFailed.BadRequest(
          "frames " + index + " to " + (index + n - 1) + " of a run of " + count);
    }
    synchronized (this) {
      int taken = lost.nextSetBit((int) index);
      if (taken >= 0 && taken < index + n) {
        throw new CallFailed.Revoked(
            "frame " + (first + taken) + " of " + this + " was taken back");
      }
    }
    return first + index;
  }

  @Override
  public long first() {
    return first;
  }

  @Override
  public long count() {
    return count;
  }

  @Override
  public Frame part(long index, long n) {
    FrameObject part = new FrameObject(core, number(index, n), n);
    synchronized (this) {
      parts.add(part);
    }
    return part;
  }

  @Override
  public void reclaim(long index, long n) {
    long from = number(index, n);
    takeFromParts(from, n);
    core.unmapEverywhere(from, n);
    core.pool().discard(from, n);
  }

  /** Parts lose these frames; a part that has none left is forgotten. */
  private synchronized void takeFromParts(long from, long n) {
    parts.removeIf(part -> part.lose(from, n));
  }

  /** These frames are no longer this run's; says whether all are gone. */
  private boolean lose(long from, long n) {
    long start = Math.max(from, first);
    long end = Math.min(from + n, first + count);
    if (start >= end) {
      return false;
    }
    takeFromParts(from, n);
    synchronized (this) {
      lost.set((int) (start - first), (int) (end - first));
      return lost.cardinality() == count;
    }
  }

  @Override
  public void copy(long fromIndex, long toIndex) {
    long from = number(fromIndex, 1);
    long to = number(toIndex, 1);
    core.pool().slice(to, 1).copyFrom(core.pool().slice(from, 1));
  }

  @Override
  public Class<?> kind() {
    return Frame.class;
  }

  @Override
  public String toString() {
    return "frames " + first + " to " + (first + count - 1);
  }
}
