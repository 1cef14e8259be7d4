package duality.guests.nano;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.Boot;
import duality.guests.GuestUnavailable;
import duality.guests.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NanoTest {

  /** Where a direct boot enters, which QEMU's `virt` machine and the SBI's users agree on. */
  private static final long ENTRY = 0x8020_0000L;

  @TempDir Path folder;

  @Test
  void theImageIsAnExecutableForRv64() throws IOException {
    ByteBuffer elf = elf();
    assertEquals(0x464c457f, elf.getInt(0), "ELF magic");
    assertEquals(2, elf.get(4), "64-bit class");
    assertEquals(1, elf.get(5), "little-endian");
    assertEquals(2, elf.getShort(16), "type: executable");
    assertEquals(243, elf.getShort(18), "machine: RISC-V");
    assertEquals(ENTRY, elf.getLong(24), "entry");
  }

  @Test
  void segmentsStartAtTheEntryAndDoNotOverlap() throws IOException {
    ByteBuffer elf = elf();
    int headers = Math.toIntExact(elf.getLong(32));
    int headerSize = elf.getShort(54);
    int count = elf.getShort(56);
    assertTrue(count > 0, "no program headers");
    long end = ENTRY;
    for (int i = 0; i < count; i++) {
      int header = headers + i * headerSize;
      assertEquals(1, elf.getInt(header), "segment " + i + " is loadable");
      long offset = elf.getLong(header + 8);
      long virtual = elf.getLong(header + 16);
      long physical = elf.getLong(header + 24);
      long fileSize = elf.getLong(header + 32);
      long memorySize = elf.getLong(header + 40);
      assertEquals(virtual, physical, "nano starts without translation");
      assertTrue(physical >= end, "segment " + i + " overlaps the one before");
      assertTrue(fileSize <= memorySize && offset + fileSize <= elf.capacity(), "segment " + i);
      if (i == 0) {
        assertEquals(ENTRY, physical, "the first segment holds the entry");
      }
      end = physical + memorySize;
    }
  }

  @Test
  void theReadyLineIsInTheImage() throws Exception {
    Boot boot = new Nano(folder).prepare(Progress.NONE);
    String image =
        new String(new UnpackedImage("nano", folder).bytes(), StandardCharsets.ISO_8859_1);
    assertTrue(image.contains(boot.readyLine() + "\n"), "nano never prints " + boot.readyLine());
  }

  @Test
  void preparingUnpacksTheImageOnceAndLeavesNothingElse() throws Exception {
    Nano nano = new Nano(folder.resolve("new"));
    Boot first = nano.prepare(Progress.NONE);
    Boot second = nano.prepare(Progress.NONE);
    assertEquals(first, second);
    assertArrayEquals(
        new UnpackedImage("nano", folder).bytes(), Files.readAllBytes(first.kernel()));
    try (Stream<Path> files = Files.list(folder.resolve("new"))) {
      assertEquals(1, files.count(), "files in the cache");
    }
  }

  @Test
  void aDamagedCopyIsReplaced() throws Exception {
    Nano nano = new Nano(folder);
    Path kernel = nano.prepare(Progress.NONE).kernel();
    Files.writeString(kernel, "damaged");
    nano.prepare(Progress.NONE);
    assertArrayEquals(new UnpackedImage("nano", folder).bytes(), Files.readAllBytes(kernel));
  }

  @Test
  void aFolderThatCannotBeMadeIsAStorageFailure() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    GuestUnavailable failure =
        assertThrows(
            GuestUnavailable.class, () -> new Nano(file.resolve("nano")).prepare(Progress.NONE));
    assertEquals(GuestUnavailable.Reason.STORAGE, failure.reason());
  }

  @Test
  void asManyLinesWereChangedForThePortAsIsSaid() throws Exception {
    Process counting =
        new ProcessBuilder("sh", "src/nano/build.sh", "changed").redirectErrorStream(true).start();
    String said = new String(counting.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, counting.waitFor(), said);
    Matcher counted =
        Pattern.compile("(\\d+) lines changed or added, beside (\\d)(\\d{3}) of nano\\s*$")
            .matcher(said);
    assertTrue(counted.find(), said);
    String all = counted.group(2) + "," + counted.group(3);
    for (String page : List.of("README.md", "../../docs/lab/paravirtual.md")) {
      String text = Files.readString(Path.of(page)).replaceAll("\\s+", " ");
      assertTrue(
          text.contains(counted.group(1) + " lines") && text.contains("beside " + all),
          () -> page + " does not say " + counted.group());
    }
  }

  private ByteBuffer elf() throws IOException {
    return ByteBuffer.wrap(new UnpackedImage("nano", folder).bytes())
        .order(ByteOrder.LITTLE_ENDIAN);
  }
}
