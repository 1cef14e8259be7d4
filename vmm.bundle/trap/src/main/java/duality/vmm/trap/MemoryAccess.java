package duality.vmm.trap;

import org.jspecify.annotations.Nullable;

/**
 * A load or store instruction taken apart, for accesses to device registers. A record of where its
 * value goes: the engine has left at it, and the monitor finishes it.
 *
 * @param store whether it stores
 * @param width bytes: 1, 2, 4 or 8
 * @param signed whether what is loaded is sign-extended
 * @param value the register that is loaded or stored
 * @param base the register that the address is made from
 * @param offset what is added to it
 * @param bytes length of the instruction
 */
record MemoryAccess(
    boolean store, int width, boolean signed, int value, int base, int offset, int bytes) {
  private static final int SP = 2;

  /** What a loaded value becomes in the register. */
  long extended(long loaded) {
    int unused = 64 - 8 * width;
    return signed ? loaded << unused >> unused : loaded << unused >>> unused;
  }

  /**
   * Takes an instruction apart.
   *
   * @param word the instruction; of a short one the lower half counts
   * @return null when it is no load or store of general registers
   */
  static @Nullable MemoryAccess of(int word) {
    return (word & 3) == 3 ? ofLong(word) : ofShort(word & 0xffff);
  }

  private static @Nullable MemoryAccess ofLong(int w) {
    int funct3 = w >>> 12 & 7;
    int rs1 = w >>> 15 & 31;
    if ((w & 0x7f) == 0x03 && funct3 != 7) {
      return new MemoryAccess(false, 1 << (funct3 & 3), funct3 < 4, w >>> 7 & 31, rs1, w >> 20, 4);
    }
    if ((w & 0x7f) == 0x23 && funct3 < 4) {
      int offset = (w >> 25) << 5 | w >>> 7 & 31;
      return new MemoryAccess(true, 1 << funct3, false, w >>> 20 & 31, rs1, offset, 4);
    }
    return null;
  }

  /** RISC-V Unpriv. "C" extension: lw, ld, sw, sd, and those relative to the stack pointer. */
  private static @Nullable MemoryAccess ofShort(int h) {
    int kind = h >>> 13;
    boolean store = kind >= 6;
    boolean wide = (kind & 1) != 0;
    int width = wide ? 8 : 4;
    if ((kind & 3) < 2) {
      return null;
    }
    if ((h & 3) == 0) {
      int offset =
          (h >>> 10 & 7) << 3
              | (wide ? (h >>> 5 & 3) << 6 : (h >>> 6 & 1) << 2 | (h >>> 5 & 1) << 6);
      return new MemoryAccess(
          store, width, !store, 8 + (h >>> 2 & 7), 8 + (h >>> 7 & 7), offset, 2);
    }
    if ((h & 3) != 2) {
      return null;
    }
    if (store) {
      int offset =
          wide
              ? (h >>> 10 & 7) << 3 | (h >>> 7 & 7) << 6
              : (h >>> 9 & 15) << 2 | (h >>> 7 & 3) << 6;
      return new MemoryAccess(true, width, false, h >>> 2 & 31, SP, offset, 2);
    }
    int offset =
        (h >>> 12 & 1) << 5
            | (wide
                ? (h >>> 5 & 3) << 3 | (h >>> 2 & 7) << 6
                : (h >>> 4 & 7) << 2 | (h >>> 2 & 3) << 6);
    int rd = h >>> 7 & 31;
    return rd == 0 ? null : new MemoryAccess(false, width, true, rd, SP, offset, 2);
  }
}
