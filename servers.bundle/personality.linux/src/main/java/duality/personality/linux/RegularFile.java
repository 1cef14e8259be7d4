package duality.personality.linux;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A file in memory: pages of {@link MainMemory}, of which processes can have the same. */
final class RegularFile extends Node {
  private static final int PAGE = MainMemory.PAGE;
  private static final byte[] ZEROS = new byte[PAGE];

  private final MainMemory memory;

  /** Its pages; -1: a hole. */
  private int[] frames = new int[0];

  private long size;

  /** How many open files lead here. */
  int opened;

  /** What it is as a program, if it was run since it was changed. */
  private @Nullable Elf program;

  RegularFile(long number, int permissions, MainMemory memory, long now) {
    super(number, REGULAR | permissions, now);
    this.memory = memory;
  }

  @Override
  long size() {
    return size;
  }

  /** The page of main memory that has a page of it; -1 when that is a hole, or behind its end. */
  int frame(long index) {
    return index >= 0 && index < frames.length ? frames[(int) index] : -1;
  }

  /** The same, made when it is a hole; -1 behind its end, or without memory. */
  int make(long index) {
    if (index < 0 || index >= (size + PAGE - 1) / PAGE) {
      return -1;
    }
    int page = (int) index;
    if (page >= frames.length) {
      int before = frames.length;
      frames = Arrays.copyOf(frames, Math.max(page + 1, 2 * before));
      Arrays.fill(frames, before, frames.length, -1);
    }
    if (frames[page] < 0) {
      frames[page] = memory.allocate();
    }
    return frames[page];
  }

  /** Reads from {@code offset} on, up to its end; answers how many bytes. */
  int read(long offset, byte[] bytes, int length) {
    int count = (int) Math.clamp(size - offset, 0, length);
    for (int done = 0; done < count; ) {
      long at = offset + done;
      int part = (int) Math.min(PAGE - at % PAGE, count - done);
      int frame = frame(at / PAGE);
      if (frame < 0) {
        Arrays.fill(bytes, done, done + part, (byte) 0);
      } else {
        memory.read(frame, (int) (at % PAGE), bytes, done, part);
      }
      done += part;
    }
    return count;
  }

  /**
   * Writes; answers how many bytes.
   *
   * @throws Failed ENOSPC when there is no memory for one of them, EFBIG beyond what a file can be
   */
  int write(long offset, byte[] bytes, int length, long now) throws Failed {
    if (offset > (long) memory.limit() * PAGE - length) {
      throw new Failed(Errno.EFBIG);
    }
    program = null;
    changed = now;
    int done = 0;
    while (done < length) {
      long at = offset + done;
      int part = (int) Math.min(PAGE - at % PAGE, length - done);
      long sizeBefore = size;
      size = Math.max(size, at + part);
      int frame = make(at / PAGE);
      if (frame < 0) {
        size = sizeBefore;
        if (done == 0) {
          throw new Failed(Errno.ENOSPC);
        }
        break;
      }
      memory.write(frame, (int) (at % PAGE), bytes, done, part);
      done += part;
    }
    return done;
  }

  /** Makes it shorter, or longer with zeros. */
  void resize(long wanted, long now) throws Failed {
    if (wanted < 0 || wanted > (long) memory.limit() * PAGE) {
      throw new Failed(wanted < 0 ? Errno.EINVAL : Errno.EFBIG);
    }
    program = null;
    changed = now;
    for (long index = (wanted + PAGE - 1) / PAGE; index < frames.length; index++) {
      drop((int) index);
    }
    int rest = (int) (wanted % PAGE);
    int last = frame(wanted / PAGE);
    if (rest > 0 && last >= 0) {
      memory.write(last, rest, ZEROS, 0, PAGE - rest);
    }
    size = wanted;
  }

  private void drop(int index) {
    if (frames[index] >= 0) {
      memory.disown(frames[index]);
      frames[index] = -1;
    }
  }

  /** Gives its pages back: it has no name, nobody has it open, nobody maps it. */
  void release() {
    for (int i = 0; i < frames.length; i++) {
      drop(i);
    }
    size = 0;
    program = null;
  }

  /** It as a program. */
  Elf program() throws Elf.Malformed {
    Elf known = program;
    if (known == null) {
      byte[] bytes = new byte[(int) Math.min(size, 1 << 16)];
      read(0, bytes, bytes.length);
      known = Elf.read(bytes, size);
      program = known;
    }
    return known;
  }

  /** Its pages, for a state. */
  long[] frames() {
    long[] numbers = new long[frames.length];
    Arrays.setAll(numbers, i -> frames[i]);
    return numbers;
  }

  /** Fills it from a state; says whether all its pages are there. */
  boolean restore(long bytes, long[] numbers) {
    size = bytes;
    frames = new int[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      if (numbers[i] != -1 && !memory.has(numbers[i])) {
        return false;
      }
      frames[i] = (int) numbers[i];
    }
    return true;
  }
}
