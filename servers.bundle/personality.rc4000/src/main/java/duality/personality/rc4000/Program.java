package duality.personality.rc4000;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The first program: a static RV64 ELF file, linked to {@link MainStorage#BASE} (System V ABI,
 * chapters 4 and 5). Hostile until it is loaded.
 */
final class Program {
  private static final int FILE_HEADER_BYTES = 64;
  private static final int HEADER_BYTES = 56;
  private static final int EXECUTABLE = 2;
  private static final int RISC_V = 243;
  private static final int LOAD = 1;
  private static final int MOST_HEADERS = 128;

  private final byte[] file;
  private final ByteBuffer bytes;

  Program(byte[] file) {
    this.file = file;
    this.bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Why a file cannot be run. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    Malformed(String message) {
      super(message, null, false, false);
    }
  }

  /**
   * Copies it into the storage of a process.
   *
   * @return its entry
   */
  long load(InternalProcess process, MainStorage storage) throws Malformed, MainStorage.BadAddress {
    if (file.length < FILE_HEADER_BYTES
        || !Arrays.equals(file, 0, 6, new byte[] {0x7f, 'E', 'L', 'F', 2, 1}, 0, 6)
        || bytes.getShort(16) != EXECUTABLE
        || bytes.getShort(18) != RISC_V) {
      throw new Malformed("it is no executable ELF file for RV64");
    }
    long headers = bytes.getLong(32);
    int count = Short.toUnsignedInt(bytes.getShort(56));
    if (bytes.getShort(54) != HEADER_BYTES
        || count < 1
        || count > MOST_HEADERS
        || headers < 0
        || headers > file.length - (long) count * HEADER_BYTES) {
      throw new Malformed("its " + count + " program headers are not inside the file");
    }
    for (int i = 0; i < count; i++) {
      int header = (int) headers + i * HEADER_BYTES;
      if (bytes.getInt(header) == LOAD) {
        segment(i, header, process, storage);
      }
    }
    long entry = bytes.getLong(24);
    if ((entry & 1) != 0 || !MainStorage.has(process, entry, 4)) {
      throw new Malformed("its entry 0x" + Long.toHexString(entry) + " is not in its storage");
    }
    return entry;
  }

  private void segment(int index, int header, InternalProcess process, MainStorage storage)
      throws Malformed, MainStorage.BadAddress {
    long offset = bytes.getLong(header + 8);
    long address = bytes.getLong(header + 16);
    long fileBytes = bytes.getLong(header + 32);
    long memoryBytes = bytes.getLong(header + 40);
    if (offset < 0
        || fileBytes < 0
        || fileBytes > file.length
        || offset > file.length - fileBytes) {
      throw new Malformed("segment " + index + " is not inside the file");
    }
    if (memoryBytes < fileBytes || !MainStorage.has(process, address, memoryBytes)) {
      throw new Malformed(
          "segment "
              + index
              + " has "
              + memoryBytes
              + " bytes at 0x"
              + Long.toHexString(address)
              + ", and the storage is 0x"
              + Long.toHexString(MainStorage.BASE)
              + " to 0x"
              + Long.toHexString(MainStorage.BASE + process.pages * MainStorage.PAGE)
              + " (memory)");
    }
    // Behind it are zeros: the storage is fresh.
    storage.write(
        process, address, Arrays.copyOfRange(file, (int) offset, (int) (offset + fileBytes)));
  }
}
