package duality.vmm.board;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a hart with firmware executes first, as on QEMU's {@code virt}: six instructions that jump
 * to the firmware with a0 = the hart's number, a1 = the device tree, a2 = what OpenSBI's {@code
 * fw_dynamic} wants to know of the next stage ({@code include/sbi/fw_dynamic.h}, version 2).
 */
final class ResetVector {
  private static final int[] CODE = {
    0x00000297, // auipc t0, 0
    0x02828613, // addi a2, t0, 40
    0xf1402573, // csrr a0, mhartid
    0x0202b583, // ld a1, 32(t0)
    0x0182b283, // ld t0, 24(t0)
    0x00028067 // jr t0
  };
  private static final long MAGIC = 0x4942534f;
  private static final long VERSION = 2;
  private static final long SUPERVISOR = 1;
  private static final int WORDS_BEHIND = 8;

  private ResetVector() {}

  static byte[] code(GuestLoader.Loaded guest) {
    ByteBuffer code =
        ByteBuffer.allocate(4 * CODE.length + 8 * WORDS_BEHIND).order(ByteOrder.LITTLE_ENDIAN);
    for (int word : CODE) {
      code.putInt(word);
    }
    code.putLong(guest.entry()).putLong(guest.tree());
    // Options: none; the hart that boots: 0.
    code.putLong(MAGIC).putLong(VERSION).putLong(guest.next()).putLong(SUPERVISOR);
    return code.putLong(0).putLong(0).array();
  }
}
