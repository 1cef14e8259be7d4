package duality.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** A statically linked RV64 program, its memory image and its first stack. */
record GuestProgram(long entry, long base, byte[] image) {
  private static final int LOAD = 1;
  private static final int HEADER_BYTES = 56;

  /** Reads the loadable segments of an ELF file. */
  static GuestProgram read(Path file) throws IOException {
    ByteBuffer elf = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    long base = Long.MAX_VALUE;
    long end = 0;
    int headers = (int) elf.getLong(32);
    int count = elf.getShort(56);
    for (int n = 0; n < count; n++) {
      int at = headers + HEADER_BYTES * n;
      if (elf.getInt(at) == LOAD) {
        base = Math.min(base, elf.getLong(at + 16));
        end = Math.max(end, elf.getLong(at + 16) + elf.getLong(at + 40));
      }
    }
    byte[] image = new byte[(int) (end - base)];
    for (int n = 0; n < count; n++) {
      int at = headers + HEADER_BYTES * n;
      if (elf.getInt(at) == LOAD) {
        int offset = (int) elf.getLong(at + 8);
        int to = (int) (elf.getLong(at + 16) - base);
        System.arraycopy(elf.array(), offset, image, to, (int) elf.getLong(at + 32));
      }
    }
    return new GuestProgram(elf.getLong(24), base, image);
  }

  /**
   * What lies at {@code stackPointer} when the program starts: the arguments as the Linux ABI wants
   * them, the first being the program's name.
   */
  static byte[] stack(long stackPointer, String... arguments) {
    int pointers = 8 * (arguments.length + 4);
    byte[][] texts = new byte[arguments.length][];
    int total = pointers;
    for (int n = 0; n < arguments.length; n++) {
      texts[n] =
          Arrays.copyOf(arguments[n].getBytes(StandardCharsets.UTF_8), arguments[n].length() + 1);
      total += texts[n].length;
    }
    ByteBuffer stack = ByteBuffer.allocate(total).order(ByteOrder.LITTLE_ENDIAN);
    stack.putLong(arguments.length);
    int at = pointers;
    for (byte[] text : texts) {
      stack.putLong(stackPointer + at);
      stack.put(at, text);
      at += text.length;
    }
    return stack.array();
  }
}
