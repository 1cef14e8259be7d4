package duality.personality.linux;

import duality.kernel.Space;
import duality.kernel.processor.Memory;

/**
 * Puts a program into an empty address space: its segments become areas of its file, so that
 * processes that run the same program have the same pages until one writes.
 */
final class ProgramLoader {
  private static final long PAGE = Space.PAGE_BYTES;

  /** {@code li a7, 139; ecall}: ends a signal handler, by rt_sigreturn. */
  private static final byte[] SIGNAL_RETURN = {
    (byte) 0x93, 0x08, (byte) 0xb0, 0x08, 0x73, 0x00, 0x00, 0x00
  };

  private final AddressSpace space;
  private final RegularFile file;

  /** The page behind the segment before. */
  private long end;

  private ProgramLoader(AddressSpace space, RegularFile file) {
    this.space = space;
    this.file = file;
  }

  /**
   * Checks whether there may be memory enough.
   *
   * @param limitBytes what a process may use
   */
  static void check(Elf program, long stackBytes, long limitBytes) throws Elf.Malformed {
    long pages = stackBytes / PAGE;
    for (Elf.Segment each : program.segments()) {
      pages += AddressSpace.pageAfter(each.end()) - AddressSpace.page(each.address());
    }
    if (pages > limitBytes / PAGE || stackBytes < 16 * PAGE) {
      throw new Elf.Malformed(
          "it needs "
              + (pages * PAGE >> 10)
              + " KiB with its stack, and may use "
              + (limitBytes >> 10)
              + " KiB (memory)");
    }
  }

  /**
   * Loads a checked program, with an empty stack.
   *
   * @throws UserMemory.Fault when there is no memory for what has to be copied
   */
  static void load(AddressSpace space, RegularFile file, Elf program) throws UserMemory.Fault {
    ProgramLoader loader = new ProgramLoader(space, file);
    for (Elf.Segment each : program.segments()) {
      loader.segment(each);
    }
    space.start(program.segments().getLast().end(), program.executableStack());
    long code = AddressSpace.TRAMPOLINE;
    int rights = Memory.READ | Memory.EXECUTE;
    space.protect(code, PAGE, rights | Memory.WRITE);
    space.memory().write(code, SIGNAL_RETURN);
    space.protect(code, PAGE, rights);
  }

  private void segment(Elf.Segment segment) throws UserMemory.Fault {
    long first = AddressSpace.page(segment.address());
    long last = AddressSpace.pageAfter(segment.end());
    if ((segment.address() - segment.offset()) % PAGE != 0 || first < end) {
      copy(segment, first, last);
    } else {
      long behindFile = segment.address() + segment.fileBytes();
      long fileEnd = segment.fileBytes() == 0 ? first : AddressSpace.pageAfter(behindFile);
      if (first < fileEnd) {
        space.put(new Area(first, fileEnd, segment.rights(), file, segment.offset() / PAGE, false));
      }
      if (fileEnd < last) {
        space.put(new Area(fileEnd, last, segment.rights(), null, 0, false));
      }
      if (segment.memoryBytes() > segment.fileBytes() && behindFile < fileEnd * PAGE) {
        // What the file has behind the segment is not the program's: it starts as zeros.
        write(behindFile, new byte[(int) (fileEnd * PAGE - behindFile)], segment.rights());
      }
    }
    end = last;
  }

  /** A segment that does not lie in pages of the file, or shares one with the segment before. */
  private void copy(Elf.Segment segment, long first, long last) throws UserMemory.Fault {
    long own = Math.max(first, end);
    if (own < last) {
      space.put(new Area(own, last, segment.rights(), null, 0, false));
    }
    byte[] chunk = new byte[MainMemory.PAGE];
    for (long done = 0; done < segment.fileBytes(); ) {
      long at = segment.address() + done;
      int part = (int) Math.min(PAGE - at % PAGE, segment.fileBytes() - done);
      file.read(segment.offset() + done, chunk, part);
      byte[] bytes = java.util.Arrays.copyOf(chunk, part);
      // A page of two segments may be used as both of them may.
      int rights = at < end * PAGE ? Memory.READ | Memory.WRITE | Memory.EXECUTE : segment.rights();
      write(at, bytes, rights);
      done += part;
    }
  }

  private void write(long address, byte[] bytes, int rights) throws UserMemory.Fault {
    long page = address / PAGE * PAGE;
    if ((rights & Memory.WRITE) == 0) {
      space.protect(page, PAGE, rights | Memory.WRITE | Memory.READ);
    }
    space.memory().write(address, bytes);
    space.protect(page, PAGE, rights);
  }
}
