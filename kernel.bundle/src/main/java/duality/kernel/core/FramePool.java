package duality.kernel.core;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The physical memory of the system: one sparse mapping of the host that commits nothing until it
 * is touched. A frame is a number in it.
 *
 * <p>On Linux it is an anonymous mapping made by {@code mmap}, whose pages {@code madvise} gives
 * back; elsewhere a mapping of a sparse temporary file, whose pages are zeroed instead.
 */
final class FramePool {
  static final long FRAME_BYTES = 4096;

  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
  private static final int MADV_DONTNEED = 4;

  final long frames;
  private final MemorySegment memory;
  private final @Nullable MethodHandle madvise;
  private final @Nullable MethodHandle munmap;
  private final @Nullable Arena arena;

  FramePool(long bytes) {
    frames = bytes / FRAME_BYTES;
    if (frames < 1) {
      throw new IllegalArgumentException("a pool of " + bytes + " bytes holds no frame");
    }
    MethodHandle mmap = linux("mmap", true, 6);
    madvise = linux("madvise", false, 3);
    munmap = linux("munmap", false, 2);
    if (mmap != null && madvise != null && munmap != null) {
      arena = null;
      memory = map(mmap, frames * FRAME_BYTES);
    } else {
      arena = Arena.ofShared();
      memory = mapFile(arena, frames * FRAME_BYTES);
    }
  }

  private static MemorySegment map(MethodHandle mmap, long size) {
    long address;
    try {
      address =
          (long)
              mmap.invokeExact(0L, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0L);
    } catch (Throwable e) {
      throw new IllegalStateException("mmap", e);
    }
    if (address == -1) {
      throw new IllegalStateException(
          "the host does not give "
              + (size >> 20)
              + " MiB of address space; try a smaller --memory");
    }
    return MemorySegment.ofAddress(address).reinterpret(size);
  }

  private static @Nullable MethodHandle linux(String name, boolean map, int arguments) {
    if (!System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux")) {
      return null;
    }
    var i = ValueLayout.JAVA_INT;
    var l = ValueLayout.JAVA_LONG;
    FunctionDescriptor shape =
        map
            ? FunctionDescriptor.of(l, l, l, i, i, i, l)
            : arguments == 3 ? FunctionDescriptor.of(i, l, l, i) : FunctionDescriptor.of(i, l, l);
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find(name)
        .map(symbol -> linker.downcallHandle(symbol, shape))
        .orElse(null);
  }

  private static MemorySegment mapFile(Arena arena, long size) {
    try {
      Path file = Files.createTempFile("duality", ".frames");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.SPARSE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        return channel.map(FileChannel.MapMode.READ_WRITE, 0, size, arena);
      }
    } catch (IOException e) {
      throw new IllegalStateException("no room for the frame pool: " + e.getMessage(), e);
    }
  }

  /** Host address of a frame's first byte. */
  long address(long frame) {
    return memory.address() + frame * FRAME_BYTES;
  }

  /** Host memory of frames. */
  MemorySegment slice(long frame, long count) {
    return memory.asSlice(frame * FRAME_BYTES, count * FRAME_BYTES);
  }

  /** Zeroes frames and gives their host memory back. */
  void discard(long frame, long count) {
    MethodHandle advise = madvise;
    if (advise != null) {
      try {
        int failed = (int) advise.invokeExact(address(frame), count * FRAME_BYTES, MADV_DONTNEED);
        if (failed == 0) {
          return;
        }
      } catch (Throwable e) {
        throw new IllegalStateException("madvise", e);
      }
    }
    slice(frame, count).fill((byte) 0);
  }

  /** Ends the pool; nothing may use it any more. */
  void close() {
    if (arena != null) {
      arena.close();
    } else if (munmap != null) {
      try {
        int ignored = (int) munmap.invokeExact(memory.address(), memory.byteSize());
      } catch (Throwable e) {
        throw new IllegalStateException("munmap", e);
      }
    }
  }
}
