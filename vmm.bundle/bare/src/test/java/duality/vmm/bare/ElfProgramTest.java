package duality.vmm.bare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/** Files that lie: reading one ends in a program or in {@link ElfProgram.Malformed}. */
class ElfProgramTest {
  @Test
  void neverFailsInAnotherWay() {
    long seed = Long.getLong("duality.seed", System.nanoTime());
    System.out.println("ElfProgramTest: -Dduality.seed=" + seed);
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    long[] odd = {
      0, 1, -1, 63, 64, 1 << 16, Integer.MAX_VALUE, Long.MIN_VALUE, Long.MAX_VALUE, 120
    };
    int read = 0;
    for (int n = 0; n < 20_000; n++) {
      byte[] file = valid();
      ByteBuffer elf = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
      for (int changes = random.nextInt(4); changes > 0; changes--) {
        int at = 8 * random.nextInt(3, file.length / 8);
        long value = random.nextBoolean() ? odd[random.nextInt(odd.length)] : random.nextLong();
        switch (random.nextInt(3)) {
          case 0 -> elf.putLong(at, value);
          case 1 -> elf.putInt(at + 4, (int) value);
          default -> elf.putShort(at + 2 * random.nextInt(4), (short) value);
        }
      }
      byte[] cut = Arrays.copyOf(file, random.nextInt(4) == 0 ? n % file.length : file.length);
      try {
        ElfProgram program = ElfProgram.read(cut, BareMemory.BASE, BareMemory.BYTES);
        read++;
        for (ElfProgram.Segment segment : program.segments()) {
          assertTrue(segment.offset() + segment.fileBytes() <= cut.length, "inside the file");
        }
      } catch (ElfProgram.Malformed e) {
        assertTrue(String.valueOf(e.getMessage()).startsWith("it"), e.getMessage());
      }
    }
    assertTrue(read > 1000, "programs that could be read: " + read);
  }

  @Test
  void headersBelowTheTextAreLeftOut() throws Exception {
    byte[] file = Arrays.copyOf(valid(), 8192);
    ByteBuffer elf = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    elf.putLong(72, 0).putLong(80, BareMemory.BASE - 4096).putLong(88, BareMemory.BASE - 4096);
    elf.putLong(96, 8192).putLong(104, 8192);
    ElfProgram program = ElfProgram.read(file, BareMemory.BASE, BareMemory.BYTES);
    assertEquals(BareMemory.BASE, program.segments().getFirst().address());
    assertEquals(4096, program.segments().getFirst().offset());
    assertEquals(4096, program.segments().getFirst().fileBytes());
    assertEquals(BareMemory.BASE, program.entry());
  }

  /** One segment of 64 bytes, two sections: symbols with {@code tohost}, and their names. */
  private static byte[] valid() {
    ByteBuffer elf = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
    elf.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1);
    elf.putShort(18, (short) 243).putLong(24, BareMemory.BASE);
    elf.putLong(32, 64).putShort(54, (short) 56).putShort(56, (short) 1);
    elf.putLong(40, 128).putShort(58, (short) 64).putShort(60, (short) 2).putShort(62, (short) 1);
    elf.putInt(64, 1).putLong(72, 400).putLong(80, BareMemory.BASE).putLong(88, BareMemory.BASE);
    elf.putLong(96, 64).putLong(104, 4096);
    elf.putInt(132, 2).putLong(152, 256).putLong(160, 48).putInt(168, 1);
    elf.putInt(196, 3).putLong(216, 320).putLong(224, 16);
    elf.putInt(280, 1).putShort(286, (short) 1).putLong(288, BareMemory.BASE + 64);
    elf.put(321, "tohost".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    return elf.array();
  }
}
