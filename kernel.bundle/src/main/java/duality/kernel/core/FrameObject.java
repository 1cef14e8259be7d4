package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Frame;
import java.util.ArrayList;
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

  private volatile boolean reclaimed;

  FrameObject(Core core, long first, long count) {
    this.core = core;
    this.first = first;
    this.count = count;
  }

  /** The object behind a capability that a caller passed. */
  static FrameObject of(Frame frame) {
    Object object = frame instanceof Stub stub ? stub.kernelObject() : frame;
    if (object instanceof FrameObject made) {
      return made;
    }
    throw new CallFailed.BadRequest("this is not a frame capability of the kernel: " + frame);
  }

  /** Number of the {@code index}th frame, after a check that {@code n} from it on are here. */
  long number(long index, long n) {
    if (reclaimed) {
      throw new CallFailed.Revoked(this + " was reclaimed");
    }
    if (index < 0 || n < 1 || index > count - n) {
      throw new CallFailed.BadRequest(
          "frames " + index + " to " + (index + n - 1) + " of a run of " + count);
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
    synchronized (this) {
      parts.removeIf(
          part -> {
            boolean touches = part.first < from + n && from < part.first + part.count;
            boolean within = from <= part.first && part.first + part.count <= from + n;
            if (within) {
              part.end();
            }
            return touches && within;
          });
    }
    core.unmapEverywhere(from, n);
    core.pool().discard(from, n);
  }

  private synchronized void end() {
    reclaimed = true;
    parts.forEach(FrameObject::end);
    parts.clear();
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
