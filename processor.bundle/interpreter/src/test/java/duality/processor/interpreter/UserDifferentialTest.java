package duality.processor.interpreter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import duality.kernel.processor.Exit;
import duality.kernel.processor.Hart;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Lines;
import duality.processor.interpreter.RandomInstructions.Mix;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random instruction streams, run by the engine and by {@code qemu-riscv64}: every register, every
 * flag and all memory must be the same after each. A stream that is not has as many instructions as
 * possible replaced by nops before it is shown. {@code -Dduality.seed=N} repeats a run, {@code
 * -Dduality.cases=N} makes it longer: streams of each mix.
 */
class UserDifferentialTest {
  private static final long CODE = 0x10000;
  private static final long DATA = 0x4000000;
  private static final int SCRATCH = 4096;

  /** x0 to x31, f0 to f31, fcsr. */
  private static final int BLOCK_LONGS = 65;

  private static final int BLOCK_BYTES = 8 * BLOCK_LONGS;
  private static final int LENGTH = 24;

  /** Streams in one program: more are out of a jump's reach. */
  private static final int BATCH = 5_000;

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Mix.class)
  void engineAndQemuAgree(Mix mix) throws Exception {
    Tool.require("qemu-riscv64");
    long seed = Long.getLong("duality.seed", System.nanoTime());
    int cases = Integer.getInteger("duality.cases", 6 * BATCH);
    System.out.println("UserDifferentialTest " + mix + ": -Dduality.seed=" + seed);
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    for (int done = 0; done < cases; done += BATCH) {
      int count = Math.min(BATCH, cases - done);
      int[] starts = new int[count + 1];
      byte[] code = program(random, mix, count, starts);
      byte[] data = data(random, count);
      byte[] expected = onQemu(code, data);
      byte[] actual = onEngine(code, data);
      compare(mix, seed, code, starts, data, expected, actual);
    }
  }

  /**
   * Two subroutines that load and store all registers, then case after case between calls of them.
   */
  private static byte[] program(RandomGenerator random, Mix mix, int cases, int[] starts) {
    return program(
        cases,
        starts,
        out -> {
          RandomInstructions instructions = new RandomInstructions(random, out);
          for (int k = 0; k < LENGTH; k++) {
            instructions.append(mix);
          }
        });
  }

  private static byte[] program(int cases, int[] starts, Consumer<Words> stream) {
    Words out = new Words();
    int toStart = out.size();
    out.word(0); // a jump over the subroutines, patched below
    int load = out.size();
    out.word(Words.ld(5, RandomInstructions.BLOCK, 8 * 64));
    out.word(Words.csrrw(0, 3, 5));
    for (int r = 0; r < 32; r++) {
      out.word(Words.fld(r, RandomInstructions.BLOCK, 8 * (32 + r)));
      if (r != 0 && r != RandomInstructions.LINK && r != RandomInstructions.BLOCK) {
        out.word(Words.ld(r, RandomInstructions.BLOCK, 8 * r));
      }
    }
    out.word(Words.i(0x67, 0, 0, RandomInstructions.LINK, 0));
    int store = out.size();
    for (int r = 0; r < 32; r++) {
      out.word(Words.fsd(r, RandomInstructions.BLOCK, 8 * (32 + r)));
      if (r != 0 && r != RandomInstructions.LINK && r != RandomInstructions.BLOCK) {
        out.word(Words.sd(r, RandomInstructions.BLOCK, 8 * r));
      }
    }
    out.word(Words.i(0x73, 5, 2, 0, 3));
    out.word(Words.sd(5, RandomInstructions.BLOCK, 8 * 64));
    out.word(Words.addi(RandomInstructions.BLOCK, RandomInstructions.BLOCK, BLOCK_BYTES));
    out.word(Words.i(0x67, 0, 0, RandomInstructions.LINK, 0));
    int start = out.size();
    out.word(0x37 | RandomInstructions.BLOCK << 7 | (int) DATA + SCRATCH); // lui
    for (int n = 0; n < cases; n++) {
      starts[n] = out.size();
      out.word(Words.j(RandomInstructions.LINK, load - out.size()));
      stream.accept(out);
      out.word(Words.j(RandomInstructions.LINK, store - out.size()));
    }
    starts[cases] = out.size();
    int length = SCRATCH + cases * BLOCK_BYTES;
    writeAndExit(out, length);
    byte[] code = out.bytes();
    ByteBuffer.wrap(code)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(toStart, Words.j(0, start - toStart));
    return code;
  }

  /** {@code write(1, DATA, length)} until all is written, {@code exit(0)}. */
  private static void writeAndExit(Words out, int length) {
    out.word(0x37 | 11 << 7 | (int) DATA);
    out.word(0x37 | 12 << 7 | length + 0x800 & 0xfffff000);
    out.word(Words.addi(12, 12, length << 20 >> 20));
    out.word(Words.addi(17, 0, 64));
    out.word(Words.addi(10, 0, 1));
    out.word(0x73);
    out.word(Words.r(0x33, 11, 0, 11, 10, 0));
    out.word(Words.r(0x33, 12, 0, 12, 10, 0x20));
    out.word(Words.b(1, 12, 0, -16));
    out.word(Words.addi(10, 0, 0));
    out.word(Words.addi(17, 0, 93));
    out.word(0x73);
  }

  private static byte[] data(RandomGenerator random, int cases) {
    byte[] data = new byte[SCRATCH + cases * BLOCK_BYTES];
    ByteBuffer buffer = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.position() < SCRATCH) {
      buffer.putLong(SpecialValues.any(random));
    }
    for (int n = 0; n < cases; n++) {
      for (int r = 0; r < 32; r++) {
        boolean base = r == RandomInstructions.BASE || r == RandomInstructions.STACK;
        buffer.putLong(base ? DATA + SCRATCH / 2 : SpecialValues.integer(random));
      }
      for (int r = 0; r < 32; r++) {
        buffer.putLong(SpecialValues.floating(random));
      }
      boolean flagsSet = random.nextInt(4) == 0;
      buffer.putLong((long) random.nextInt(5) << 5 | (flagsSet ? random.nextInt(32) : 0));
    }
    return data;
  }

  private byte[] onQemu(byte[] code, byte[] data) throws Exception {
    Path elf = folder.resolve("program");
    Files.write(elf, TestElf.of(CODE, code, DATA, data));
    Files.setPosixFilePermissions(elf, PosixFilePermissions.fromString("rwxr-xr-x"));
    return Tool.run("qemu-riscv64", elf.toString());
  }

  private static byte[] onEngine(byte[] code, byte[] data) {
    try (Arena arena = Arena.ofConfined()) {
      FlatMemory memory = new FlatMemory(arena, CODE, DATA + data.length + 8192 - CODE & -4096);
      memory.write(CODE, code);
      memory.write(DATA, data);
      Hart hart = new Interpreter().hart(HartMode.USER, memory, new Lines(), System::nanoTime);
      hart.pc(CODE);
      for (; ; ) {
        int exit = hart.run(1_000_000);
        if (exit == Exit.CALL) {
          if (hart.x(17) == 93) {
            return memory.read(DATA, data.length);
          }
          hart.x(10, hart.x(12));
          hart.completeCall();
        } else if (exit != Exit.BUDGET) {
          fail("exit %d, cause %d at pc %x".formatted(exit, hart.exitCause(), hart.pc()));
        }
      }
    }
  }

  private void compare(
      Mix mix, long seed, byte[] code, int[] starts, byte[] data, byte[] expected, byte[] actual)
      throws Exception {
    assertEquals(expected.length, actual.length, "length of the result");
    ByteBuffer before = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer theirs = ByteBuffer.wrap(expected).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer ours = ByteBuffer.wrap(actual).order(ByteOrder.LITTLE_ENDIAN);
    for (int n = 0; n < starts.length - 1; n++) {
      int at = SCRATCH + n * BLOCK_BYTES;
      String differences = differences(before, theirs, ours, at);
      if (!differences.isEmpty()) {
        byte[] stream = Arrays.copyOfRange(code, starts[n] + 4, starts[n + 1] - 4);
        byte[] one = Arrays.copyOf(data, SCRATCH + BLOCK_BYTES);
        System.arraycopy(data, at, one, SCRATCH, BLOCK_BYTES);
        fail(
            "%s with seed %d, stream %d:%n%s  words:%s%n%s"
                .formatted(mix, seed, n, differences, listing(stream), shrunk(stream, one)));
      }
    }
    assertEquals(-1, Arrays.mismatch(expected, 0, SCRATCH, actual, 0, SCRATCH), "scratch memory");
  }

  private static String differences(
      ByteBuffer before, ByteBuffer theirs, ByteBuffer ours, int from) {
    StringBuilder differences = new StringBuilder();
    for (int k = 0; k < BLOCK_LONGS; k++) {
      int at = from + 8 * k;
      if (theirs.getLong(at) != ours.getLong(at)) {
        String name = k < 32 ? "x" + k : k < 64 ? "f" + (k - 32) : "fcsr";
        differences.append(
            "  %s was %016x, is %016x in QEMU, %016x here%n"
                .formatted(name, before.getLong(at), theirs.getLong(at), ours.getLong(at)));
      }
    }
    return differences.toString();
  }

  /** The stream alone, with nops for all that the difference does not need. */
  private String shrunk(byte[] stream, byte[] data) throws Exception {
    String differences = alone(stream, data);
    if (differences.isEmpty()) {
      return "  alone it does the same in both: it needs what streams before it left in memory";
    }
    byte[] small = stream.clone();
    for (int at = 0; at < small.length; at += length(small, at)) {
      byte[] less = small.clone();
      ByteBuffer buffer = ByteBuffer.wrap(less).order(ByteOrder.LITTLE_ENDIAN);
      if (length(less, at) == 4) {
        buffer.putInt(at, 0x13);
      } else {
        buffer.putShort(at, (short) 1);
      }
      String still = alone(less, data);
      if (!still.isEmpty()) {
        small = less;
        differences = still;
      }
    }
    return "  alone and shrunk:%s%n%s".formatted(listing(small), differences);
  }

  private String alone(byte[] stream, byte[] data) throws Exception {
    byte[] code = program(1, new int[2], out -> out.append(stream));
    return differences(
        ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN),
        ByteBuffer.wrap(onQemu(code, data)).order(ByteOrder.LITTLE_ENDIAN),
        ByteBuffer.wrap(onEngine(code, data)).order(ByteOrder.LITTLE_ENDIAN),
        SCRATCH);
  }

  private static int length(byte[] code, int at) {
    return (code[at] & 3) == 3 ? 4 : 2;
  }

  /** The words of a stream; nops are left out. */
  private static String listing(byte[] stream) {
    StringBuilder words = new StringBuilder();
    ByteBuffer buffer = ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < stream.length; at += length(stream, at)) {
      boolean wide = length(stream, at) == 4;
      int word = wide ? buffer.getInt(at) : buffer.getShort(at) & 0xffff;
      if (word != (wide ? 0x13 : 1)) {
        words.append((wide ? " %08x" : " %04x").formatted(word));
      }
    }
    return words.toString();
  }
}
