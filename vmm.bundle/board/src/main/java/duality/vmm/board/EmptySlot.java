package duality.vmm.board;

import duality.drivers.MmioDevice;

/**
 * A virtio-mmio transport without a device behind it: device number 0 (VIRTIO 1.2 §4.2.2). Kernels
 * that have no device tree look into all eight of QEMU's.
 */
final class EmptySlot implements MmioDevice {
  private static final long MAGIC = 0x7472_6976; // "virt"
  private static final long VENDOR = 0x554d_4551; // "QEMU"

  private final long version;

  EmptySlot(boolean legacy) {
    version = legacy ? 1 : 2;
  }

  @Override
  public long load(long offset, int width) {
    if (width != 4) {
      return 0;
    }
    return switch ((int) offset) {
      case 0x000 -> MAGIC;
      case 0x004 -> version;
      case 0x00c -> VENDOR;
      default -> 0;
    };
  }

  @Override
  public void store(long offset, int width, long value) {
    // Nobody is there.
  }

  @Override
  public void reset() {
    // It has no state.
  }
}
