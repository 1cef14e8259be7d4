package duality.personality.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Assembles programs of a few instructions, so that tests need no compiler: one segment of code and
 * data at {@link #BASE}, readable, writable and executable unless told otherwise.
 */
final class TinyProgram {
  static final long BASE = 0x10000;
  static final int HEADERS = 64 + 2 * 56;
  static final int ENTRY = HEADERS;
  static final int A0 = 10;
  static final int A1 = 11;
  static final int A2 = 12;
  static final int A7 = 17;
  static final int T0 = 5;

  private final List<Integer> words = new ArrayList<>();
  int rights = 7; // p_flags
  long bss;

  /** Loads a constant of up to 32 bits, signed. */
  TinyProgram li(int register, long value) {
    int low = (int) (value << 52 >> 52);
    int high = (int) (value - low);
    word(high & 0xfffff000 | register << 7 | 0x37); // lui
    return word(low << 20 | register << 15 | register << 7 | 0x1b); // addiw
  }

  /** A system call with up to three arguments. */
  TinyProgram call(int number, long... arguments) {
    for (int i = 0; i < arguments.length; i++) {
      li(A0 + i, arguments[i]);
    }
    return li(A7, number).word(0x73);
  }

  TinyProgram exit(int status) {
    return call(93, status);
  }

  /** Ends with what the last call answered, negated if {@code negate}, as status. */
  TinyProgram exitWithAnswer(boolean negate) {
    if (negate) {
      word(0x40a00533); // neg a0, a0
    }
    return li(A7, 93).word(0x73);
  }

  TinyProgram word(int instruction) {
    words.add(instruction);
    return this;
  }

  /** Puts text behind the code; its address is {@link #textAddress}. */
  byte[] elf(String text) {
    byte[] data = text.getBytes(StandardCharsets.UTF_8);
    int size = HEADERS + 4 * words.size() + data.length;
    ByteBuffer file = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
    file.putShort(16, (short) 2).putShort(18, (short) 243).putInt(20, 1);
    file.putLong(24, BASE + ENTRY).putLong(32, 64).putInt(48, 5);
    file.putShort(52, (short) 64).putShort(54, (short) 56).putShort(56, (short) 2);
    file.putInt(64, 1).putInt(68, rights).putLong(72, 0).putLong(80, BASE).putLong(88, BASE);
    file.putLong(96, size).putLong(104, size + bss).putLong(112, 4096);
    file.putInt(120, 0x6474e551).putInt(124, 6); // PT_GNU_STACK
    file.position(HEADERS);
    words.forEach(file::putInt);
    file.put(data);
    return file.array();
  }

  Path write(Path folder, String text) throws IOException {
    return Files.write(folder.resolve("tiny"), elf(text));
  }

  /** Where the text is that {@link #elf} puts behind {@code instructions} instructions. */
  static long textAddress(int instructions) {
    return BASE + HEADERS + 4L * instructions;
  }
}
