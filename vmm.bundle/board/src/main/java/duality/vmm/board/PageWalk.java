package duality.vmm.board;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Memory as a hart sees it, for debuggers: through its page tables (RISC-V Priv. §4.3 to 4.5, Sv39
 * to Sv57, Svnapot), whatever rights they give, and without a trace in them.
 */
final class PageWalk {
  private static final int PAGE = 4096;
  private static final long NOWHERE = -1;
  private static final int VALID = 1;
  private static final int LEAF = 2 | 4 | 8;
  private static final long NAPOT = 1L << 63;
  private static final long MODIFY_PRIVILEGE = 1L << 17;
  private static final int MACHINE = 3;

  private final GuestMemory memory;
  private final long satp;
  private final boolean bare;

  /** Physical addresses. */
  PageWalk(GuestMemory memory) {
    this.memory = memory;
    satp = 0;
    bare = true;
  }

  /** Addresses of data that this hart would access now. */
  PageWalk(GuestMemory memory, HartState hart) {
    this.memory = memory;
    satp = hart.csrs().getOrDefault("satp", 0L);
    long status = hart.csrs().getOrDefault("mstatus", 0L);
    boolean machine =
        hart.privilege() == MACHINE
            && ((status & MODIFY_PRIVILEGE) == 0 || (status >>> 11 & 3) == MACHINE);
    bare = machine || satp >>> 60 < 8 || satp >>> 60 > 10;
  }

  /** As many bytes as there are, at most {@code length}. */
  byte[] read(long address, int length) {
    byte[] bytes = new byte[length];
    int done = 0;
    while (done < length) {
      long at = address + done;
      int part = (int) Math.min(length - done, PAGE - (at & PAGE - 1));
      long there = physical(at);
      if (there == NOWHERE || !read(there, bytes, done, part)) {
        break;
      }
      done += part;
    }
    return Arrays.copyOf(bytes, done);
  }

  private boolean read(long address, byte[] to, int offset, int length) {
    try (Grant grant = memory.grant(address, length, Memory.READ)) {
      grant.read(0, MemorySegment.ofArray(to), offset, length);
      return true;
    } catch (CallFailed.BadRequest none) {
      return false;
    }
  }

  /** Writes all of them, or none. */
  void write(long address, byte[] bytes) {
    for (long at = address & -PAGE; at - address < bytes.length; at += PAGE) {
      if (physical(Math.max(at - address, 0) + address) == NOWHERE) {
        throw new CallFailed.BadRequest(
            "there is no memory at 0x" + Long.toHexString(at) + " for this hart");
      }
    }
    int done = 0;
    while (done < bytes.length) {
      long at = address + done;
      int part = (int) Math.min(bytes.length - done, PAGE - (at & PAGE - 1));
      try (Grant grant = memory.grant(physical(at), part, Memory.WRITE)) {
        grant.write(0, MemorySegment.ofArray(bytes), done, part);
      }
      done += part;
    }
  }

  /** Where an address leads in memory, or {@link #NOWHERE}. */
  private long physical(long address) {
    long there = bare ? address : walk(address);
    return there != NOWHERE && memory.contains(there) ? there : NOWHERE;
  }

  private long walk(long address) {
    int levels = (int) (satp >>> 60) - 5;
    int unused = 52 - 9 * levels;
    if (address << unused >> unused != address) {
      return NOWHERE;
    }
    long table = (satp & 0xfff_ffff_ffffL) << 12;
    for (int level = levels - 1; level >= 0; level--) {
      int shift = 12 + 9 * level;
      long entry = entry(table + ((address >>> shift & 0x1ff) << 3));
      if ((entry & VALID) == 0) {
        return NOWHERE;
      }
      long base = (entry >>> 10 & 0xfff_ffff_ffffL) << 12;
      if ((entry & LEAF) != 0) {
        long inside = (1L << ((entry & NAPOT) != 0 ? 16 : shift)) - 1;
        return base & ~inside | address & inside;
      }
      table = base;
    }
    return NOWHERE;
  }

  private long entry(long address) {
    if (!memory.contains(address)) {
      return 0;
    }
    try (Grant grant = memory.grant(address, Long.BYTES, Memory.READ)) {
      return grant.getLong(0);
    } catch (CallFailed.BadRequest none) {
      return 0;
    }
  }
}
