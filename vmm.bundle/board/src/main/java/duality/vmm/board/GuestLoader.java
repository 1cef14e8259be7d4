package duality.vmm.board;

import duality.kernel.CallFailed;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;

/** Brings a guest into memory: firmware, kernel, initial RAM disk, device tree. */
final class GuestLoader {
  private static final int SEED_BYTES = 64;

  /** Where firmware expects the next stage when nobody says otherwise. */
  private static final long NEXT = Board.MEMORY + (2 << 20);

  private GuestLoader() {}

  /**
   * Where a loaded guest starts.
   *
   * @param entry first instruction
   * @param tree device tree
   * @param next where firmware goes on
   */
  record Loaded(long entry, long tree, long next) {}

  /** A file and what of it is to be loaded. */
  private record Part(GuestFile file, KernelFile content) implements AutoCloseable {
    @Override
    public void close() {
      file.close();
    }
  }

  /**
   * Loads; memory is zero before.
   *
   * @param virtioSlots which virtio-mmio transports there are, as bits
   * @throws CallFailed.BadRequest when a file cannot be read or does not fit
   */
  static Loaded load(GuestMemory memory, MachineSettings settings, int virtioSlots) {
    boolean none = settings.firmware().equals(MachineSettings.NO_FIRMWARE);
    boolean firmware = settings.startsInMachineMode() && !none;
    List<Part> parts = new ArrayList<>();
    try {
      if (firmware) {
        parts.add(part(settings.firmware(), Board.MEMORY, memory));
      }
      if (!settings.kernel().isEmpty()) {
        // Firmware may be asked to start what has no header that says where it belongs.
        long otherwise = none ? Board.MEMORY : firmware ? NEXT : KernelFile.NOWHERE;
        parts.add(part(settings.kernel(), otherwise, memory));
      }
      long end = end(parts);
      Layout layout = loadInitrd(memory, settings.initrd(), end);
      for (Part part : parts) {
        for (KernelFile.Segment segment : part.content.segments()) {
          memory.load(part.file, segment.fileOffset(), segment.address(), segment.fileBytes());
        }
      }
      writeTree(memory, settings, layout, virtioSlots);
      long next = settings.kernel().isEmpty() ? NEXT : parts.getLast().content.entry();
      return new Loaded(parts.getFirst().content.entry(), layout.tree(), next);
    } finally {
      parts.forEach(Part::close);
    }
  }

  private static Part part(String path, long otherwise, GuestMemory memory) {
    GuestFile file = new GuestFile(path);
    try {
      return new Part(file, KernelFile.read(file, Board.MEMORY, memory.bytes(), otherwise));
    } catch (CallFailed refused) {
      file.close();
      throw refused;
    }
  }

  /** The address behind all parts, which must not overlap. */
  private static long end(List<Part> parts) {
    long end = 0;
    for (Part part : parts) {
      for (Part other : parts) {
        if (other != part
            && other.content.low() < part.content.high()
            && part.content.low() < other.content.high()) {
          throw new CallFailed.BadRequest(
              other.file.path()
                  + " and "
                  + part.file.path()
                  + " overlap at 0x"
                  + Long.toHexString(Math.max(part.content.low(), other.content.low())));
        }
      }
      end = Math.max(end, part.content.high());
    }
    return end;
  }

  private static void writeTree(
      GuestMemory memory, MachineSettings settings, Layout layout, int virtioSlots) {
    byte[] seed = new byte[SEED_BYTES];
    new SecureRandom().nextBytes(seed);
    byte[] tree =
        BoardTree.write(
            memory.bytes(),
            settings.cpus(),
            settings.commandLine(),
            layout.initrdRange(),
            virtioSlots,
            seed,
            settings.startsInMachineMode());
    if (tree.length > Layout.TREE_BYTES) {
      throw new IllegalStateException("device tree of " + tree.length + " bytes");
    }
    memory.write(layout.tree(), tree);
  }

  private static Layout loadInitrd(GuestMemory memory, String path, long kernelEnd) {
    if (path.isEmpty()) {
      return Layout.place(Board.MEMORY, memory.bytes(), kernelEnd, 0);
    }
    try (GuestFile file = new GuestFile(path)) {
      Layout layout = Layout.place(Board.MEMORY, memory.bytes(), kernelEnd, file.length());
      memory.load(file, 0, layout.initrd(), file.length());
      return layout;
    }
  }
}
