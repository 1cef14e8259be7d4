package duality.vmm.board;

import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Pager;
import duality.kernel.Space;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** A machine's memory: one region of one space, and what the monitor puts into it. */
public final class GuestMemory {
  /** Slot that is filled while the region is there; slots outlive an instance. */
  private static final String REGION = "region";

  private static final long FIRST_PAGE = Board.MEMORY / Space.PAGE_BYTES;
  private static final int RIGHTS = Memory.READ | Memory.WRITE | Memory.EXECUTE;
  private static final long RESET_PAGE = Board.RESET / Space.PAGE_BYTES;

  /** Slot that is filled while the page of the reset vector is there. */
  private static final String RESET_REGION = "reset";

  private static final int PIECE_BYTES = 1 << 20;

  /**
   * Pages that a guest's pager gives it together: a kernel touches most of them, one after the
   * other, and each fault is a call.
   */
  private static final String PAGES_AT_A_FAULT = "16";

  private static final String AROUND = "around";

  private final Context context;
  private final Space space;
  private final Pager pager;
  private final long bytes;

  GuestMemory(Context context, Space space, Pager pager, long bytes) {
    this.context = context;
    this.space = space;
    this.pager = pager;
    this.bytes = bytes;
  }

  /** What the pager of a guest of that size is told: its memory, and the page of a reset vector. */
  static Map<String, String> pagerConfig(Context context, long bytes) {
    return Map.of(
        "quota",
        Long.toString(bytes + Space.PAGE_BYTES),
        AROUND,
        context.config(AROUND, PAGES_AT_A_FAULT));
  }

  /** The core space: guest-physical addresses. */
  public Space space() {
    return space;
  }

  /** Whether a guest-physical address is one of memory. */
  public boolean contains(long address) {
    return Long.compareUnsigned(address - Board.MEMORY, bytes) < 0;
  }

  /** Number of its first page. */
  public long firstPage() {
    return FIRST_PAGE;
  }

  /** Size in bytes. */
  public long bytes() {
    return bytes;
  }

  /** Of that, bytes that are backed by frames. */
  long residentBytes() {
    return space.mappedPages() * Space.PAGE_BYTES;
  }

  /** Whether the region is there: the machine was switched on before, by us or a predecessor. */
  boolean present() {
    return context.has(REGION);
  }

  /** Makes all of memory zero: what was there goes back to the pager. */
  void clear() {
    if (present()) {
      space.removeRegion(FIRST_PAGE);
      context.drop(REGION);
    }
    space.region(FIRST_PAGE, bytes / Space.PAGE_BYTES, RIGHTS, pager);
    context.keep(REGION, space);
  }

  /** Gives a page back to the pager; what was in it is lost. Touched again, it is a new one. */
  public void giveBack(long page) {
    space.unmap(page, 1);
    pager.release(space.id(), page, 1);
  }

  /** Puts the first instructions of a hart with firmware where it looks for them. */
  void writeReset(byte[] code) {
    if (context.has(RESET_REGION)) {
      space.removeRegion(RESET_PAGE);
      context.drop(RESET_REGION);
    }
    space.region(RESET_PAGE, 1, RIGHTS, pager);
    context.keep(RESET_REGION, space);
    write(Board.RESET, code);
  }

  /** Copies a part of a file into memory. */
  void load(GuestFile file, long fileOffset, long address, long count) {
    byte[] piece = new byte[(int) Math.min(PIECE_BYTES, count)];
    MemorySegment from = MemorySegment.ofArray(piece);
    for (long done = 0; done < count; ) {
      int part = (int) Math.min(piece.length, count - done);
      file.read(fileOffset + done, piece, part);
      try (Grant grant = space.grant(address + done, part, Memory.WRITE)) {
        grant.write(0, from, 0, part);
      }
      done += part;
    }
  }

  /** Copies bytes into memory. */
  public void write(long address, byte[] bytes) {
    try (Grant grant = space.grant(address, bytes.length, Memory.WRITE)) {
      grant.write(0, MemorySegment.ofArray(bytes), 0, bytes.length);
    }
  }

  /**
   * Lends memory, for reading or writing.
   *
   * @throws duality.kernel.CallFailed.BadRequest when the address is wrong, or the pager refuses
   */
  public Grant grant(long address, long length, int access) {
    return space.grant(address, length, access);
  }
}
