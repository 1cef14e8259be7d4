package duality.personality.linux;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * What a program finds on its stack when it starts: the number of arguments, pointers to them, to
 * the environment, and the auxiliary vector (System V ABI, RISC-V psABI, "Process initialization";
 * numbers of include/uapi/linux/auxvec.h).
 */
final class InitialStack {
  private static final long AT_NULL = 0;
  private static final long AT_PHDR = 3;
  private static final long AT_PHENT = 4;
  private static final long AT_PHNUM = 5;
  private static final long AT_PAGESZ = 6;
  private static final long AT_ENTRY = 9;
  private static final long AT_UID = 11;
  private static final long AT_EUID = 12;
  private static final long AT_GID = 13;
  private static final long AT_EGID = 14;
  private static final long AT_HWCAP = 16;
  private static final long AT_CLKTCK = 17;
  private static final long AT_SECURE = 23;
  private static final long AT_RANDOM = 25;
  private static final long AT_EXECFN = 31;

  /** One bit for each letter of the instruction set: a, c, d, f, i, m. */
  private static final long HWCAP_IMAFDC =
      1
          | 1 << ('c' - 'a')
          | 1 << ('d' - 'a')
          | 1 << ('f' - 'a')
          | 1 << ('i' - 'a')
          | 1 << ('m' - 'a');

  private final byte[] bytes;
  private final long end;
  private int low;

  private InitialStack(long end, int size) {
    this.end = end;
    this.bytes = new byte[size];
    this.low = size;
  }

  /**
   * Prepares the stack.
   *
   * @param stackBytes size of the whole stack
   * @param file the program's name
   * @throws Elf.Malformed when arguments and environment are more than a quarter of the stack
   */
  static InitialStack of(
      long stackBytes,
      Elf program,
      String file,
      List<String> arguments,
      List<String> environment,
      RandomGenerator random)
      throws Elf.Malformed {
    long size = 1024 + file.length() + 8L * (arguments.size() + environment.size());
    for (List<String> texts : List.of(arguments, environment)) {
      for (String text : texts) {
        size += text.length() + 1;
      }
    }
    if (size > stackBytes / 4) {
      throw new Elf.Malformed(
          "arguments and environment are "
              + size
              + " bytes; at most "
              + stackBytes / 4
              + " fit on its stack");
    }
    InitialStack stack = new InitialStack(AddressSpace.HIGHEST, (int) size);
    stack.fill(program, file, arguments, environment, random);
    return stack;
  }

  /** Writes it into a new program's memory; answers the stack pointer. */
  long write(AddressSpace space) throws UserMemory.Fault {
    space.memory().write(address(), bytes, low, bytes.length - low);
    return address();
  }

  private void fill(
      Elf program,
      String file,
      List<String> arguments,
      List<String> environment,
      RandomGenerator random) {
    long name = text(file);
    List<Long> argumentsAt = arguments.stream().map(this::text).toList();
    List<Long> environmentAt = environment.stream().map(this::text).toList();
    byte[] seed = new byte[16];
    random.nextBytes(seed);
    long seedAt = push(seed);

    List<Long> words = new ArrayList<>();
    words.add((long) arguments.size());
    words.addAll(argumentsAt);
    words.add(0L);
    words.addAll(environmentAt);
    words.add(0L);
    long[] auxiliary = {
      AT_PHDR, program.headers(),
      AT_PHENT, Elf.HEADER_BYTES,
      AT_PHNUM, program.headerCount(),
      AT_PAGESZ, 4096,
      AT_ENTRY, program.entry(),
      AT_UID, 0,
      AT_EUID, 0,
      AT_GID, 0,
      AT_EGID, 0,
      AT_HWCAP, HWCAP_IMAFDC,
      AT_CLKTCK, 100,
      AT_SECURE, 0,
      AT_RANDOM, seedAt,
      AT_EXECFN, name,
      AT_NULL, 0,
    };
    for (long each : auxiliary) {
      words.add(each);
    }
    // The stack pointer is aligned to 16 bytes (psABI, "Integer calling convention").
    low = (low & ~15) - (8 * words.size() + 15 & ~15);
    ByteBuffer at = UserMemory.numbers(8 * words.size());
    words.forEach(at::putLong);
    System.arraycopy(at.array(), 0, bytes, low, at.capacity());
  }

  /** A text, one character a byte. */
  private long text(String text) {
    byte[] latin = text.getBytes(StandardCharsets.ISO_8859_1);
    byte[] ended = new byte[latin.length + 1];
    System.arraycopy(latin, 0, ended, 0, latin.length);
    return push(ended);
  }

  private long push(byte[] more) {
    low -= more.length;
    System.arraycopy(more, 0, bytes, low, more.length);
    return address();
  }

  private long address() {
    return end - bytes.length + low;
  }
}
