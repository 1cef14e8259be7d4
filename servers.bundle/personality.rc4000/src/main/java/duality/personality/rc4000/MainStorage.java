package duality.personality.rc4000;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.Pager;
import duality.kernel.Space;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The storage of all processes: a core space of its own, paged by the task's pager, of which each
 * process has a run of pages. A process sees its storage at {@link #BASE}, wherever it lies; its
 * children's is a part of it.
 *
 * <p><em>Concurrency:</em> none; used under the lock of {@link NucleusTask}.
 */
final class MainStorage {
  /** Where each process finds the first byte of its storage. */
  static final long BASE = 0x10000;

  static final long PAGE = Space.PAGE_BYTES;

  /** The page of {@link #BASE}. */
  static final long BASE_PAGE = BASE / PAGE;

  static final int WORDS_BYTES = 8 * Nucleus.WORDS;
  private static final int ALL = Memory.READ | Memory.WRITE | Memory.EXECUTE;

  /** Pages that are shown with the one that was touched. */
  private static final int AROUND = 16;

  private final Space space;
  private final long pages;

  MainStorage(Space space, long bytes) {
    this.space = space;
    this.pages = bytes / PAGE;
  }

  /** How many pages there are. */
  long pages() {
    return pages;
  }

  /** Lets the pager supply it; nothing of it is backed yet. */
  void cover(Pager pager) {
    space.region(0, pages, ALL, pager);
  }

  /** Gives all of it back. */
  void release() {
    space.removeRegion(0);
  }

  /** Bytes that are backed by frames. */
  long residentBytes() {
    return space.mappedPages() * PAGE;
  }

  /**
   * Shows a process a page that is missing in its space, with some behind it that are there.
   *
   * @return false when it is not of its storage, or there is no memory for it
   */
  boolean show(InternalProcess process, Space to, long page) {
    long index = page - BASE_PAGE;
    if (index < 0 || index >= process.pages) {
      return false;
    }
    long count = Math.min(AROUND, process.pages - index);
    return to.share(page, space, process.firstPage + index, count, ALL) != 0;
  }

  /** Whether all of that is in the storage of a process. */
  static boolean has(InternalProcess process, long address, long bytes) {
    return address >= BASE
        && bytes >= 0
        && bytes <= process.pages * PAGE
        && address - BASE <= process.pages * PAGE - bytes;
  }

  /**
   * Copies out of a process's storage.
   *
   * @throws BadAddress when it is not all in it
   */
  byte[] read(InternalProcess process, long address, int length) throws BadAddress {
    byte[] bytes = new byte[length];
    if (length > 0) {
      try (Grant grant = grant(process, address, length, Memory.READ)) {
        grant.read(0, MemorySegment.ofArray(bytes), 0, length);
      }
    }
    return bytes;
  }

  /** Copies into a process's storage. */
  void write(InternalProcess process, long address, byte[] bytes) throws BadAddress {
    if (bytes.length > 0) {
      try (Grant grant = grant(process, address, bytes.length, Memory.WRITE)) {
        grant.write(0, MemorySegment.ofArray(bytes), 0, bytes.length);
      }
    }
  }

  /** A message or an answer. */
  long[] words(InternalProcess process, long address) throws BadAddress {
    long[] words = new long[Nucleus.WORDS];
    ByteBuffer.wrap(read(process, address, WORDS_BYTES))
        .order(ByteOrder.LITTLE_ENDIAN)
        .asLongBuffer()
        .get(words);
    return words;
  }

  /** Stores a message or an answer. */
  void words(InternalProcess process, long address, long[] words) throws BadAddress {
    ByteBuffer bytes = ByteBuffer.allocate(WORDS_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(words);
    write(process, address, bytes.array());
  }

  private Grant grant(InternalProcess process, long address, long length, int access)
      throws BadAddress {
    if (!has(process, address, length)) {
      throw new BadAddress();
    }
    try {
      return space.grant(process.firstPage * PAGE + address - BASE, length, access);
    } catch (CallFailed.BadRequest e) {
      throw new BadAddress(); // the pager has no more
    }
  }

  /** An address that is not in the process's storage, or for which there is no memory left. */
  static final class BadAddress extends Exception {
    private static final long serialVersionUID = 1;

    BadAddress() {
      super("no such storage", null, false, false);
    }
  }
}
