package duality.vmm.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading kernels: good ones, and everything that a hostile file may say about itself. */
class KernelFileTest {
  private static final long MEMORY = Board.MEMORY;
  private static final long BYTES = 64L << 20;

  @TempDir private Path folder = Path.of("");

  private KernelFile read(byte[] content) throws IOException {
    Path path = folder.resolve("kernel");
    Files.write(path, content);
    try (GuestFile file = new GuestFile(path.toString())) {
      return KernelFile.read(file, MEMORY, BYTES);
    }
  }

  private void refused(byte[] content, String because) {
    CallFailed.BadRequest refusal =
        assertThrows(CallFailed.BadRequest.class, () -> read(content), because);
    assertTrue(
        refusal.getMessage().contains(because), "'" + refusal.getMessage() + "' lacks " + because);
  }

  // ---- Image ----

  private static ByteBuffer image(long textOffset, long imageBytes, int fileBytes) {
    ByteBuffer image = ByteBuffer.allocate(fileBytes).order(ByteOrder.LITTLE_ENDIAN);
    image.putLong(8, textOffset).putLong(16, imageBytes);
    image.putLong(0x30, 0x5643534952L).putInt(0x38, 0x05435352);
    return image;
  }

  @Test
  void anImageGoesWhereItsHeaderSays() throws IOException {
    KernelFile kernel = read(image(0x20_0000, 0x5000, 0x3000).array());
    assertEquals(MEMORY + 0x20_0000, kernel.entry());
    assertEquals(
        List.of(new KernelFile.Segment(0, 0x3000, MEMORY + 0x20_0000, 0x5000)), kernel.segments());
    assertEquals(MEMORY + 0x20_5000, kernel.high(), "the part behind the file counts");
  }

  @Test
  void anImageThatDoesNotFitIsRefused() {
    refused(image(0x20_0000, BYTES, 0x1000).array(), "more memory");
    refused(image(BYTES, 0x1000, 0x1000).array(), "more memory");
    refused(image(-4096, 0x2000, 0x1000).array(), "more memory");
    refused(image(Long.MAX_VALUE, Long.MAX_VALUE, 0x1000).array(), "more memory");
    refused(image(0x20_0000, 0, 0x1000).array(), "it takes 0 bytes");
    refused(image(0x20_0000, -1, 0x1000).array(), "it takes 18446744073709551615 bytes");
    refused(image(0x20_0002, 0x1000, 0x1000).array(), "aligned");
    refused(image(0, 0x1000, 0x1000).putLong(24, 1).array(), "big-endian");
  }

  @Test
  void whatIsNoKernelIsRefused() {
    refused(new byte[0], "only 0 bytes");
    refused(new byte[63], "only 63 bytes");
    refused(new byte[4096], "neither");
    refused(new byte[] {0x1f, (byte) 0x8b}, "only 2 bytes");
    byte[] gzip = new byte[100];
    gzip[0] = 0x1f;
    gzip[1] = (byte) 0x8b;
    refused(gzip, "gzip");
    assertThrows(
        CallFailed.BadRequest.class, () -> new GuestFile(folder.resolve("absent").toString()));
    assertThrows(CallFailed.BadRequest.class, () -> new GuestFile(folder.toString()));
  }

  // ---- ELF ----

  private static ByteBuffer elf(int segments) {
    ByteBuffer elf = ByteBuffer.allocate(0x3000).order(ByteOrder.LITTLE_ENDIAN);
    elf.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1).put(6, (byte) 1);
    elf.putShort(16, (short) 2).putShort(18, (short) 243);
    elf.putLong(24, MEMORY + 0x1000).putLong(32, 64);
    elf.putShort(54, (short) 56).putShort(56, (short) segments);
    for (int i = 0; i < segments; i++) {
      segment(elf, i, 0x1000, MEMORY + 0x1000 + i * 0x1000L, 0x800, 0x1000);
    }
    return elf;
  }

  private static ByteBuffer segment(
      ByteBuffer elf, int number, long offset, long address, long fileBytes, long bytes) {
    int at = 64 + 56 * number;
    elf.putInt(at, 1).putInt(at + 4, 7).putLong(at + 8, offset);
    elf.putLong(at + 16, address).putLong(at + 24, address);
    return elf.putLong(at + 32, fileBytes).putLong(at + 40, bytes).putLong(at + 48, 0x1000);
  }

  @Test
  void anElfGoesToItsPhysicalAddressesAndStartsAtThePhysicalEntry() throws IOException {
    ByteBuffer elf = elf(2);
    long virtual = 0xffffffff80000000L;
    elf.putLong(64 + 16, virtual).putLong(24, virtual + 0x40);
    KernelFile kernel = read(elf.array());
    assertEquals(MEMORY + 0x1040, kernel.entry());
    assertEquals(2, kernel.segments().size());
    assertEquals(MEMORY + 0x1000, kernel.low());
    assertEquals(MEMORY + 0x3000, kernel.high());
  }

  @Test
  void segmentsMayComeInAnyOrderButNotOverlap() throws IOException {
    ByteBuffer elf = elf(2);
    segment(elf, 0, 0x1000, MEMORY + 0x5000, 0x800, 0x1000);
    segment(elf, 1, 0x1000, MEMORY + 0x1000, 0x800, 0x1000);
    assertEquals(MEMORY + 0x1000, read(elf.array()).low());
    segment(elf, 0, 0x1000, MEMORY + 0x1fff, 0x800, 0x1000);
    refused(elf.array(), "overlap");
  }

  @Test
  void hostileElfsAreRefused() {
    refused(elf(1).put(4, (byte) 1).array(), "64-bit");
    refused(elf(1).put(5, (byte) 2).array(), "little-endian");
    refused(elf(1).putShort(18, (short) 62).array(), "machine 62");
    refused(elf(1).putShort(16, (short) 3).array(), "type is 3");
    refused(elf(0).array(), "0 program headers");
    refused(elf(1).putShort(56, (short) -1).array(), "65535 program headers");
    refused(elf(1).putShort(54, (short) 8).array(), "of 8 bytes");
    refused(elf(1).putLong(32, -64).array(), "outside of the file");
    refused(elf(1).putLong(32, 0x2FD0).array(), "outside of the file");
    refused(elf(1).putLong(32, Long.MAX_VALUE).array(), "outside of the file");
    refused(elf(1).putLong(24, 0).array(), "entry");
    refused(elf(1).putLong(24, MEMORY + 0x1001).array(), "entry");
    refused(segment(elf(1), 0, 0x2900, MEMORY + 0x1000, 0x800, 0x1000).array(), "file");
    refused(segment(elf(1), 0, -1, MEMORY + 0x1000, 0x800, 0x1000).array(), "file");
    refused(segment(elf(1), 0, 0, MEMORY + 0x1000, 0x800, 0x700).array(), "in memory");
    refused(segment(elf(1), 0, 0, MEMORY + 0x1000, -1, 0x1000).array(), "in memory");
    refused(segment(elf(1), 0, 0, MEMORY + 0x1000, 0, -1).array(), "in memory");
    refused(segment(elf(1), 0, 0, MEMORY - 1, 0, 0x1000).array(), "outside of memory");
    refused(segment(elf(1), 0, 0, MEMORY, 0, BYTES + 1).array(), "outside of memory");
    refused(segment(elf(1), 0, 0, MEMORY + BYTES, 0, 1).array(), "outside of memory");
    refused(segment(elf(1), 0, 0, -1, 0, 0x1000).array(), "outside of memory");
    refused(segment(elf(1), 0, 0, 0, 0, Long.MAX_VALUE).array(), "outside of memory");
    refused(elf(1).putInt(64, 2).array(), "entry");
  }

  @Test
  void damagedHeadersEitherFitOrAreRefused() throws IOException {
    long seed = Long.getLong("seed", 20260101);
    Random random = new Random(seed);
    for (int round = 0; round < 1_000; round++) {
      ByteBuffer file = random.nextBoolean() ? elf(2) : image(0x20_0000, 0x5000, 0x3000);
      for (int i = 0; i <= random.nextInt(4); i++) {
        int at = random.nextInt(64 + 2 * 56 - 8);
        switch (random.nextInt(3)) {
          case 0 -> file.put(at, (byte) random.nextInt());
          case 1 -> file.putInt(at, random.nextInt());
          default -> file.putLong(at, random.nextLong() >> random.nextInt(64));
        }
      }
      try {
        KernelFile kernel = read(file.array());
        long end = MEMORY;
        for (KernelFile.Segment segment : kernel.segments()) {
          String where = "seed " + seed + ", round " + round + ": " + kernel;
          assertTrue(segment.address() >= end, where);
          assertTrue(segment.fileBytes() <= segment.memoryBytes(), where);
          assertTrue(segment.fileOffset() + segment.fileBytes() <= file.capacity(), where);
          end = segment.end();
          assertTrue(end <= MEMORY + BYTES, where);
        }
        assertTrue(kernel.entry() >= MEMORY && kernel.entry() < end, "entry, seed " + seed);
      } catch (CallFailed.BadRequest refused) {
        // A clear refusal is the other good outcome.
      }
    }
  }

  @Test
  void nanoIsRead() throws IOException {
    try (InputStream nano = KernelFileTest.class.getResourceAsStream("/nano/nano.elf")) {
      assertTrue(nano != null, "nano.elf is on the class path");
      KernelFile kernel = read(nano.readAllBytes());
      assertEquals(0x8020_0000L, kernel.entry());
      assertEquals(0x8020_0000L, kernel.low());
    }
  }

  // ---- places of the rest ----

  @Test
  void ramDiskAndTreeLieAtTheEndOfMemory() {
    Layout layout = Layout.place(MEMORY, BYTES, MEMORY + 0x40_0000, 0x12345);
    assertEquals(MEMORY + BYTES - 0x1_0000, layout.tree());
    assertEquals(0, layout.initrd() % 4096);
    assertTrue(layout.initrd() + 0x12345 <= layout.tree());
    assertTrue(layout.tree() - layout.initrd() - 0x12345 < 4096);
    assertEquals(0, Layout.place(MEMORY, BYTES, MEMORY, 0).initrdRange().length);
  }

  @Test
  void aRamDiskThatMeetsTheKernelIsRefused() {
    long kernelEnd = MEMORY + 0x40_0000;
    long room = BYTES - 0x1_0000 - 0x40_0000 - 4096;
    Layout.place(MEMORY, BYTES, kernelEnd, room);
    assertThrows(
        CallFailed.BadRequest.class, () -> Layout.place(MEMORY, BYTES, kernelEnd, room + 1));
    assertThrows(CallFailed.BadRequest.class, () -> Layout.place(MEMORY, BYTES, MEMORY + BYTES, 0));
    assertThrows(
        CallFailed.BadRequest.class, () -> Layout.place(MEMORY, BYTES, kernelEnd, Long.MAX_VALUE));
  }
}
