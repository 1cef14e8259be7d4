package duality.vmm.xen;

import duality.kernel.CallFailed;
import duality.kernel.Grant;
import duality.kernel.processor.Memory;
import duality.vmm.board.GuestMemory;
import java.lang.foreign.MemorySegment;

/** Reads and writes what the guest's kernel names by its own addresses. */
final class GuestCopy {
  private final GuestMemory memory;
  private final PageTables tables;

  GuestCopy(GuestMemory memory, PageTables tables) {
    this.memory = memory;
    this.tables = tables;
  }

  /** Copies out of the guest; says whether all of it could be read. */
  boolean read(long address, MemorySegment to, int bytes) {
    for (int done = 0; done < bytes; ) {
      long at = address + done;
      int part = (int) Math.min(bytes - done, 4096 - (at & 4095));
      long real = tables.locate(at, Memory.READ);
      if (real < 0) {
        return false;
      }
      try (Grant grant = memory.grant(real, part, Memory.READ)) {
        grant.read(0, to, done, part);
      } catch (CallFailed.BadRequest noMemory) {
        return false;
      }
      done += part;
    }
    return true;
  }

  /** Copies into the guest; says whether all of it could be written. */
  boolean write(long address, MemorySegment from, int bytes) {
    for (int done = 0; done < bytes; ) {
      long at = address + done;
      int part = (int) Math.min(bytes - done, 4096 - (at & 4095));
      long real = tables.locate(at, Memory.WRITE);
      if (real < 0) {
        return false;
      }
      try (Grant grant = memory.grant(real, part, Memory.WRITE)) {
        grant.write(0, from, done, part);
      } catch (CallFailed.BadRequest noMemory) {
        return false;
      }
      done += part;
    }
    return true;
  }

  /** Words of 64 bits out of the guest, or null. */
  long @org.jspecify.annotations.Nullable [] words(long address, int count) {
    long[] words = new long[count];
    return read(address, MemorySegment.ofArray(words), 8 * count) ? words : null;
  }
}
