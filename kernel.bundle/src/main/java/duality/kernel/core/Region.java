package duality.kernel.core;

import duality.kernel.Pager;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A run of pages of a space with one pager, or none: the page table, in chunks of 512 entries made
 * when the first page of a chunk is mapped.
 *
 * <p>An entry is {@code (frame + 1) << 3 | rights}, 0 when the page is missing; a page can be
 * mapped without any right. Entries are written under the space's monitor and read by engines
 * without it (acquire and release).
 */
final class Region {
  private static final int CHUNK = 512;
  private static final VarHandle ENTRIES = MethodHandles.arrayElementVarHandle(long[].class);

  final long first;
  final long pages;
  final @Nullable Pager pager;
  final int rights;
  private final @Nullable Chunk[] chunks;

  /**
   * Page table entries; how many grants hold each page; and rights that were taken from it by
   * {@link SpaceObject#protect} (the last two guarded by the space).
   */
  private static final class Chunk {
    final long[] entries = new long[CHUNK];
    final int[] pins = new int[CHUNK];
    final byte[] taken = new byte[CHUNK];
  }

  Region(long first, long pages, int rights, @Nullable Pager pager) {
    this.first = first;
    this.pages = pages;
    this.rights = rights;
    this.pager = pager;
    chunks = new Chunk[Math.toIntExact((pages + CHUNK - 1) / CHUNK)];
  }

  static long entryOf(long frame, int rights) {
    return (frame + 1) << 3 | rights;
  }

  /** The frame of an entry that is not 0. */
  static long frameOf(long entry) {
    return (entry >>> 3) - 1;
  }

  boolean contains(long page) {
    return Long.compareUnsigned(page - first, pages) < 0;
  }

  long entry(long page) {
    long index = page - first;
    Chunk chunk = chunks[(int) (index / CHUNK)];
    return chunk == null ? 0 : (long) ENTRIES.getAcquire(chunk.entries, (int) (index % CHUNK));
  }

  /** Sets an entry; answers the old one. Under the space's monitor. */
  long entry(long page, long value) {
    long index = page - first;
    if (value == 0 && chunks[(int) (index / CHUNK)] == null) {
      return 0;
    }
    // A new chunk is published by the release store of the entry: a reader that finds the chunk
    // without an
    // entry takes the page for missing and asks again.
    Chunk chunk = chunk(index);
    return (long) ENTRIES.getAndSetRelease(chunk.entries, (int) (index % CHUNK), value);
  }

  private Chunk chunk(long index) {
    Chunk chunk = chunks[(int) (index / CHUNK)];
    if (chunk == null) {
      chunk = new Chunk();
      chunks[(int) (index / CHUNK)] = chunk;
    }
    return chunk;
  }

  /** Rights that a mapping of the page may have now. Under the space's monitor. */
  int rightsAt(long page) {
    long index = page - first;
    Chunk chunk = chunks[(int) (index / CHUNK)];
    return chunk == null ? rights : rights & ~chunk.taken[(int) (index % CHUNK)];
  }

  /** Sets those rights, at most the region's. Under the space's monitor. */
  void rightsAt(long page, int fewer) {
    long index = page - first;
    if (fewer != rights || chunks[(int) (index / CHUNK)] != null) {
      chunk(index).taken[(int) (index % CHUNK)] = (byte) (rights & ~fewer);
    }
  }

  /** Changes how many grants hold the page; answers the new number. Under the space's monitor. */
  int pin(long page, int change) {
    long index = page - first;
    Chunk chunk = chunks[(int) (index / CHUNK)];
    if (chunk == null) {
      return 0;
    }
    return chunk.pins[(int) (index % CHUNK)] += change;
  }

  /** The next page at or after {@code page} in a chunk that has entries, or past the end. */
  long skipEmpty(long page) {
    long index = page - first;
    while (index < pages && chunks[(int) (index / CHUNK)] == null) {
      index = (index / CHUNK + 1) * CHUNK;
    }
    return first + Math.min(index, pages);
  }
}
