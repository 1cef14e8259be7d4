package duality.vmm.board;

import duality.kernel.CallFailed;

/**
 * Where the initial RAM disk and the device tree go: both at the end of memory, so that nothing
 * lies below the kernel that it could take for free memory. (Linux 6.12 uses what is below it; what
 * the device tree names, itself included, it reserves.)
 *
 * @param initrd guest-physical address of the RAM disk, 0 when there is none
 * @param initrdBytes its size
 * @param tree guest-physical address of the device tree
 */
record Layout(long initrd, long initrdBytes, long tree) {
  /** Room that is left for the device tree; aligned to it, so that it never crosses 2 MiB. */
  static final int TREE_BYTES = 64 * 1024;

  private static final long PAGE = 4096;

  /**
   * Places both.
   *
   * @param memory first byte of memory
   * @param memoryBytes its size
   * @param kernelEnd address behind the kernel
   * @param initrdBytes size of the RAM disk, 0 for none
   * @throws CallFailed.BadRequest when memory is too small
   */
  static Layout place(long memory, long memoryBytes, long kernelEnd, long initrdBytes) {
    long tree = (memory + memoryBytes - TREE_BYTES) & -(long) TREE_BYTES;
    long room = tree - kernelEnd;
    if (room < 0 || initrdBytes > room - PAGE) {
      throw new CallFailed.BadRequest(
          "the guest does not fit into "
              + memoryBytes
              + " bytes of memory: its kernel ends at byte "
              + (kernelEnd - memory)
              + ", its initial RAM disk has "
              + initrdBytes
              + " bytes, and "
              + TREE_BYTES
              + " are for the device tree; give it more memory");
    }
    long initrd = initrdBytes == 0 ? 0 : (tree - initrdBytes) & -PAGE;
    return new Layout(initrd, initrdBytes, tree);
  }

  /** First address and end of the RAM disk, or nothing. */
  long[] initrdRange() {
    return initrdBytes == 0 ? new long[0] : new long[] {initrd, initrd + initrdBytes};
  }
}
