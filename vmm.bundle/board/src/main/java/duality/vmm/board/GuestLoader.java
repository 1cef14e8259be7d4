package duality.vmm.board;

import duality.kernel.CallFailed;
import java.security.SecureRandom;

/** Brings a guest into memory: kernel, initial RAM disk, device tree. */
final class GuestLoader {
  private static final int SEED_BYTES = 64;

  private GuestLoader() {}

  /**
   * Where a loaded guest starts.
   *
   * @param entry first instruction
   * @param tree device tree
   */
  record Loaded(long entry, long tree) {}

  /**
   * Loads; memory is zero before.
   *
   * @param virtioSlots which virtio-mmio transports there are, as bits
   * @throws CallFailed.BadRequest when a file cannot be read or does not fit
   */
  static Loaded load(GuestMemory memory, MachineSettings settings, int virtioSlots) {
    try (GuestFile file = new GuestFile(settings.kernel())) {
      KernelFile kernel = KernelFile.read(file, Board.MEMORY, memory.bytes());
      Layout layout = loadInitrd(memory, settings.initrd(), kernel.high());
      for (KernelFile.Segment segment : kernel.segments()) {
        memory.load(file, segment.fileOffset(), segment.address(), segment.fileBytes());
      }
      byte[] seed = new byte[SEED_BYTES];
      new SecureRandom().nextBytes(seed);
      byte[] tree =
          BoardTree.write(
              memory.bytes(), settings.commandLine(), layout.initrdRange(), virtioSlots, seed);
      if (tree.length > Layout.TREE_BYTES) {
        throw new IllegalStateException("device tree of " + tree.length + " bytes");
      }
      memory.write(layout.tree(), tree);
      return new Loaded(kernel.entry(), layout.tree());
    }
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
