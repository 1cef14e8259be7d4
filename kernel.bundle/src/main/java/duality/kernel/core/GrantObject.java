package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/** Pages of a space, held where they are while a driver works on them. */
final class GrantObject implements Grant {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle SHORTS = SHORT.varHandle();
  private static final VarHandle INTS = INT.varHandle();
  private static final VarHandle LONGS = LONG.varHandle();

  private final SpaceObject space;
  private final long firstPage;
  private final long[] frames;
  private final long skip;
  private final long length;
  private final boolean writable;
  private final AtomicBoolean closed = new AtomicBoolean();

  GrantObject(
      SpaceObject space, long firstPage, long[] frames, long skip, long length, int access) {
    this.space = space;
    this.firstPage = firstPage;
    this.frames = frames;
    this.skip = skip;
    this.length = length;
    this.writable = (access & Memory.WRITE) != 0;
  }

  @Override
  public long sizeBytes() {
    return length;
  }

  private void check(long offset, long width) {
    if (closed.get()) {
      throw new CallFailed.BadRequest("this grant of " + space.name() + " is closed");
    }
    if (offset < 0 || width < 0 || offset > length - width) {
      throw new CallFailed.BadRequest(
          "bytes " + offset + " to " + (offset + width) + " of a grant of " + length);
    }
  }

  private void checkWritable() {
    if (!writable) {
      throw new CallFailed.BadRequest("this grant of " + space.name() + " is for reading only");
    }
  }

  /** The page that holds {@code offset}, as host memory. */
  private MemorySegment page(long offset) {
    return space.pool().slice(frames[(int) ((skip + offset) >>> Memory.PAGE_SHIFT)], 1);
  }

  private long within(long offset) {
    return (skip + offset) & 0xfff;
  }

  /** Whether a value lies in one page and is aligned, so that it is accessed as a whole. */
  private boolean whole(long offset, int width) {
    return ((skip + offset) & (width - 1)) == 0;
  }

  private long bytes(long offset, int width) {
    long value = 0;
    for (int i = width - 1; i >= 0; i--) {
      value = value << 8 | getByte(offset + i);
    }
    return value;
  }

  private void bytes(long offset, int width, long value) {
    for (int i = 0; i < width; i++) {
      setByte(offset + i, (int) (value >>> 8 * i));
    }
  }

  @Override
  public int getByte(long offset) {
    check(offset, 1);
    return page(offset).get(ValueLayout.JAVA_BYTE, within(offset)) & 0xff;
  }

  @Override
  public int getShort(long offset) {
    check(offset, 2);
    return whole(offset, 2)
        ? (short) SHORTS.getAcquire(page(offset), within(offset)) & 0xffff
        : (int) bytes(offset, 2);
  }

  @Override
  public int getInt(long offset) {
    check(offset, 4);
    return whole(offset, 4)
        ? (int) INTS.getAcquire(page(offset), within(offset))
        : (int) bytes(offset, 4);
  }

  @Override
  public long getLong(long offset) {
    check(offset, 8);
    return whole(offset, 8)
        ? (long) LONGS.getAcquire(page(offset), within(offset))
        : bytes(offset, 8);
  }

  @Override
  public void setByte(long offset, int value) {
    check(offset, 1);
    checkWritable();
    page(offset).set(ValueLayout.JAVA_BYTE, within(offset), (byte) value);
  }

  @Override
  public void setShort(long offset, int value) {
    check(offset, 2);
    checkWritable();
    if (whole(offset, 2)) {
      SHORTS.setRelease(page(offset), within(offset), (short) value);
    } else {
      bytes(offset, 2, value);
    }
  }

  @Override
  public void setInt(long offset, int value) {
    check(offset, 4);
    checkWritable();
    if (whole(offset, 4)) {
      INTS.setRelease(page(offset), within(offset), value);
    } else {
      bytes(offset, 4, value);
    }
  }

  @Override
  public void setLong(long offset, long value) {
    check(offset, 8);
    checkWritable();
    if (whole(offset, 8)) {
      LONGS.setRelease(page(offset), within(offset), value);
    } else {
      bytes(offset, 8, value);
    }
  }

  @Override
  public MemorySegment run(long offset, long most) {
    check(offset, 1);
    int page = (int) ((skip + offset) >>> Memory.PAGE_SHIFT);
    long pages = 1;
    while (pages * FramePool.FRAME_BYTES - within(offset) < most
        && page + pages < frames.length
        && frames[(int) (page + pages)] == frames[page] + pages) {
      pages++;
    }
    long available = Math.min(pages * FramePool.FRAME_BYTES - within(offset), length - offset);
    MemorySegment run =
        space.pool().slice(frames[page], pages).asSlice(within(offset), Math.min(most, available));
    return writable ? run : run.asReadOnly();
  }

  @Override
  public void read(long offset, MemorySegment to, long toOffset, long count) {
    check(offset, count);
    for (long done = 0; done < count; ) {
      MemorySegment run = run(offset + done, count - done);
      MemorySegment.copy(run, 0, to, toOffset + done, run.byteSize());
      done += run.byteSize();
    }
  }

  @Override
  public void write(long offset, MemorySegment from, long fromOffset, long count) {
    check(offset, count);
    checkWritable();
    for (long done = 0; done < count; ) {
      MemorySegment run = run(offset + done, count - done);
      MemorySegment.copy(from, fromOffset + done, run, 0, run.byteSize());
      done += run.byteSize();
    }
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      space.unpin(firstPage, frames.length);
      space.closed(this);
    }
  }
}
