package duality.personality.linux;

import duality.personality.linux.SystemCalls.Arguments;
import org.jspecify.annotations.Nullable;

/** brk, mmap and what belongs to them. */
final class MemoryCalls {
  private static final int SHARED = 1;
  private static final int FIXED = 0x10;
  private static final int ANONYMOUS = 0x20;
  private static final int FIXED_NOREPLACE = 0x100000;
  private static final int DONTNEED = 4;
  private static final int MAY_MOVE = 1;

  private final Linux linux;

  MemoryCalls(Linux linux) {
    this.linux = linux;
  }

  void register(SystemCalls table) {
    table.add(214, "brk", (caller, a) -> caller.space().brk(a.get(0)));
    table.add(215, "munmap", this::unmap);
    table.add(216, "mremap", this::remap);
    table.add(222, "mmap", this::map);
    table.add(226, "mprotect", MemoryCalls::protect);
    table.add(227, "msync", (caller, a) -> 0);
    table.add(233, "madvise", (caller, a) -> a.get(2) == DONTNEED ? Errno.EINVAL : 0);
  }

  private long unmap(Process caller, Arguments a) {
    long answer = caller.space().unmap(a.get(0), a.get(1));
    linux.files().sweep();
    return answer;
  }

  private long remap(Process caller, Arguments a) {
    if ((a.get(3) & ~MAY_MOVE) != 0) {
      return Errno.EINVAL; // nobody says where to
    }
    long answer = caller.space().remap(a.get(0), a.get(1), a.get(2), (a.get(3) & MAY_MOVE) != 0);
    linux.files().sweep();
    return answer;
  }

  private long map(Process caller, Arguments a) throws Failed {
    long flags = a.get(3);
    if ((a.get(2) & ~7L) != 0 || a.get(5) % MainMemory.PAGE != 0) {
      return Errno.EINVAL;
    }
    boolean shared = (flags & 15) == SHARED || (flags & 15) == 3;
    long length = a.get(1);
    RegularFile file = null;
    if ((flags & ANONYMOUS) == 0) {
      file = mapped(caller.files().get(a.number(4)), shared, a.get(2));
    } else if (shared && length > 0 && length <= (long) linux.memory().limit() * MainMemory.PAGE) {
      // Children see it: what is there comes from a file without a name.
      file = linux.files().file(0600);
      file.links = 0;
      file.resize(length, linux.seconds());
    }
    boolean replace = (flags & FIXED_NOREPLACE) == 0;
    boolean fixed = (flags & FIXED) != 0 || !replace;
    long filePage = (flags & ANONYMOUS) != 0 ? 0 : a.get(5) / MainMemory.PAGE;
    long answer =
        caller
            .space()
            .map(a.get(0), length, rights(a.get(2)), fixed, replace, file, filePage, shared);
    if (file != null && file.links == 0 && !linux.files().orphans.contains(file)) {
      linux.files().forget(file);
    }
    return answer;
  }

  private static @Nullable RegularFile mapped(OpenFile open, boolean shared, long protection)
      throws Failed {
    if (!open.mayRead() || (shared && (protection & 2) != 0 && !open.mayWrite())) {
      throw new Failed(Errno.EACCES);
    }
    if (open.node() instanceof RegularFile file) {
      return file;
    }
    if (open.node() instanceof Device device && device.kind == Device.Kind.ZERO) {
      return null;
    }
    throw new Failed(Errno.ENODEV);
  }

  private static long protect(Process caller, Arguments a) {
    return (a.get(2) & ~7L) != 0
        ? Errno.EINVAL
        : caller.space().protect(a.get(0), a.get(1), rights(a.get(2)));
  }

  /** PROT_READ 1, WRITE 2 and EXECUTE 4 are our bits; a page that may be written can be read. */
  private static int rights(long protection) {
    return (int) protection | (int) (protection & 2) >> 1;
  }
}
