package duality.processor.interpreter;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Statically linked RV64 programs of two segments, written without a linker. */
final class TestElf {
  private static final int HEADERS = 64 + 2 * 56;
  private static final int FLAGS_RVC_DOUBLE = 5;

  private TestElf() {}

  /** A program that starts at the first byte of its code. */
  static byte[] of(long codeAddress, byte[] code, long dataAddress, byte[] data) {
    int codeOffset = 4096;
    int dataOffset = codeOffset + (code.length + 4095 & -4096);
    ByteBuffer elf = ByteBuffer.allocate(dataOffset + data.length).order(ByteOrder.LITTLE_ENDIAN);
    elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0}).putLong(0);
    elf.putShort((short) 2).putShort((short) 243).putInt(1);
    elf.putLong(codeAddress).putLong(64).putLong(0);
    elf.putInt(FLAGS_RVC_DOUBLE).putShort((short) 64).putShort((short) 56).putShort((short) 2);
    elf.position(64);
    segment(elf, 5, codeOffset, codeAddress, code.length);
    segment(elf, 6, dataOffset, dataAddress, data.length);
    assert elf.position() == HEADERS;
    elf.put(codeOffset, code).put(dataOffset, data);
    return elf.array();
  }

  private static void segment(ByteBuffer elf, int rights, int offset, long address, int length) {
    elf.putInt(1).putInt(rights).putLong(offset).putLong(address).putLong(address);
    elf.putLong(length).putLong(length).putLong(4096);
  }
}
