package duality.personality.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Programs come from anywhere: what is wrong with one is said, and nothing else happens. */
class ElfTest {
  private static byte[] good() {
    return new TinyProgram().exit(0).elf("text");
  }

  private static byte[] with(Consumer<ByteBuffer> change) {
    ByteBuffer file = ByteBuffer.wrap(good()).order(ByteOrder.LITTLE_ENDIAN);
    change.accept(file);
    return file.array();
  }

  @Test
  void aProgramIsReadAsItIs() throws Elf.Malformed {
    Elf elf = Elf.read(good());
    assertEquals(TinyProgram.BASE + TinyProgram.ENTRY, elf.entry());
    assertEquals(TinyProgram.BASE + 64, elf.headers(), "headers are in the segment");
    assertEquals(2, elf.headerCount());
    assertEquals(1, elf.segments().size());
    assertEquals(7, elf.segments().getFirst().rights());
    assertEquals(good().length, elf.segments().getFirst().fileBytes());
    assertEquals(false, elf.executableStack());
  }

  @Test
  void aPositionIndependentProgramIsPutHigh() throws Elf.Malformed {
    Elf elf = Elf.read(with(f -> f.putShort(16, (short) 3)));
    long base = Elf.POSITION_INDEPENDENT_BASE;
    assertEquals(base + TinyProgram.BASE, elf.segments().getFirst().address());
    assertEquals(base + TinyProgram.BASE + TinyProgram.ENTRY, elf.entry());
  }

  @Test
  void hostileFilesAreRefusedWithTheReason() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("no ELF", new byte[0]);
    files.put("no ELF file", "#!/bin/sh\n".repeat(20).getBytes());
    files.put("RV64", with(f -> f.put(4, (byte) 1)));
    files.put("RV64 ", with(f -> f.put(5, (byte) 2)));
    files.put("machine 62", with(f -> f.putShort(18, (short) 62)));
    files.put("type is 1", with(f -> f.putShort(16, (short) 1)));
    files.put("RV64E", with(f -> f.putInt(48, 8)));
    files.put("0 program headers", with(f -> f.putShort(56, (short) 0)));
    files.put("65535 program headers", with(f -> f.putShort(56, (short) -1)));
    files.put("of 55 bytes", with(f -> f.putShort(54, (short) 55)));
    files.put("offset 9223372036854775807", with(f -> f.putLong(32, Long.MAX_VALUE)));
    files.put("offset -1", with(f -> f.putLong(32, -1)));
    files.put("dynamically linked", with(f -> f.putInt(120, 3)));
    files.put("bytes at offset 1000000", with(f -> f.putLong(72, 1_000_000)));
    files.put("bytes at offset -5", with(f -> f.putLong(72, -5)));
    files.put("has -1 bytes", with(f -> f.putLong(96, -1)));
    files.put("9223372036854775807 bytes at", with(f -> f.putLong(96, Long.MAX_VALUE)));
    files.put("less than it has in the file", with(f -> f.putLong(104, 1)));
    files.put("bytes at 0x0", with(f -> f.putLong(80, 0)));
    files.put("0x3ffffff000, or less", with(f -> f.putLong(104, Long.MAX_VALUE)));
    files.put("bytes at 0xffff", with(f -> f.putLong(80, -4096)));
    files.put("bytes at 0x7fffffffffffffff", with(f -> f.putLong(80, Long.MAX_VALUE)));
    files.put("its entry 0x5", with(f -> f.putLong(24, 5)));
    files.put("is odd", with(f -> f.putLong(24, TinyProgram.BASE + TinyProgram.ENTRY + 1)));
    files.put("in no executable segment", with(f -> f.putInt(68, 6)));
    files.put(
        "segment 1 overlaps",
        with(
            f -> {
              f.putInt(120, 1).putInt(124, 4).putLong(128, 0).putLong(136, TinyProgram.BASE + 8);
              f.putLong(152, 8).putLong(160, 8);
            }));
    files.forEach(
        (what, file) -> {
          Elf.Malformed refused =
              assertThrows(Elf.Malformed.class, () -> Elf.read(file), "file with: " + what);
          String message = String.valueOf(refused.getMessage());
          assertTrue(message.contains(what.strip()), what + " is not in: " + message);
        });
  }

  @Test
  void randomDamageIsReadOrRefusedAndNothingElse() {
    long seed = 20_250_101;
    Random random = new Random(seed);
    for (int round = 0; round < 20_000; round++) {
      byte[] file = good();
      for (int i = 0; i <= random.nextInt(4); i++) {
        file[random.nextInt(TinyProgram.HEADERS)] = (byte) random.nextInt();
      }
      if (random.nextInt(4) == 0) {
        file = java.util.Arrays.copyOf(file, random.nextInt(file.length));
      }
      try {
        for (Elf.Segment each : Elf.read(file).segments()) {
          assertTrue(
              each.offset() >= 0
                  && each.offset() + each.fileBytes() <= file.length
                  && each.address() >= AddressSpace.LOWEST
                  && each.end() <= AddressSpace.HIGHEST,
              () -> "accepted " + each);
        }
      } catch (Elf.Malformed e) {
        // Refused, as it should be.
      } catch (RuntimeException e) {
        fail("round " + round + " of seed " + seed, e);
      }
    }
  }
}
