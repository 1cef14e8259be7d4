package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.junit.jupiter.api.Test;

class CpioWriterTest {

  private static final byte[] TEXT = "echo hello\n".getBytes(StandardCharsets.UTF_8);

  private static byte[] sample() throws IOException {
    return CpioWriter.bytes(
        archive -> {
          archive.folder("etc");
          archive.file("etc/rc", 0755, TEXT);
          archive.file("usr/share/deep/file", 0640, new byte[5]);
          archive.link("init", "etc/rc");
          archive.characterDevice("dev/console", 0600, 5, 1);
        });
  }

  private static List<String> decode(byte[] archive) throws IOException {
    List<String> entries = new ArrayList<>();
    try (CpioArchiveInputStream in =
        new CpioArchiveInputStream(new ByteArrayInputStream(archive))) {
      for (CpioArchiveEntry entry; (entry = in.getNextEntry()) != null; ) {
        String content = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        entries.add(
            "%s %o %d %d:%d '%s'"
                .formatted(
                    entry.getName(),
                    entry.getMode(),
                    entry.getNumberOfLinks(),
                    entry.getUID(),
                    entry.getTime(),
                    entry.isDirectory() ? "" : content.strip().replace("\0", "0")));
      }
    }
    return entries;
  }

  @Test
  void anotherDecoderReadsWhatWasWritten() throws IOException {
    assertEquals(
        List.of(
            "etc 40755 2 0:0 ''",
            "etc/rc 100755 1 0:0 'echo hello'",
            "usr 40755 2 0:0 ''",
            "usr/share 40755 2 0:0 ''",
            "usr/share/deep 40755 2 0:0 ''",
            "usr/share/deep/file 100640 1 0:0 '00000'",
            "init 120777 1 0:0 'etc/rc'",
            "dev 40755 2 0:0 ''",
            "dev/console 20600 1 0:0 ''"),
        decode(sample()));
  }

  @Test
  void deviceNumbersAreThere() throws IOException {
    try (CpioArchiveInputStream in =
        new CpioArchiveInputStream(new ByteArrayInputStream(sample()))) {
      for (CpioArchiveEntry entry; (entry = in.getNextEntry()) != null; ) {
        if (entry.getName().equals("dev/console")) {
          assertEquals(5, entry.getRemoteDeviceMaj());
          assertEquals(1, entry.getRemoteDeviceMin());
          return;
        }
      }
    }
    throw new AssertionError("no dev/console");
  }

  @Test
  void theSameEntriesGiveTheSameBytesInWholeBlocks() throws IOException {
    assertArrayEquals(sample(), sample());
    assertEquals(0, sample().length % 512);
  }

  @Test
  void contentOfAnySizeSurvives() throws IOException {
    Random random = new Random(7);
    for (int size = 0; size < 40; size++) {
      byte[] content = new byte[size];
      random.nextBytes(content);
      byte[] archive =
          CpioWriter.bytes(a -> a.file("a" + "b".repeat(content.length), 0644, content));
      try (CpioArchiveInputStream in =
          new CpioArchiveInputStream(new ByteArrayInputStream(archive))) {
        assertEquals(1 + size, in.getNextEntry().getName().length());
        assertArrayEquals(content, in.readAllBytes());
      }
    }
  }

  @Test
  void namesTwiceAndAbsoluteNamesAreRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () ->
            CpioWriter.bytes(
                a -> {
                  a.file("a", 0644, TEXT);
                  a.file("a", 0644, TEXT);
                }));
    assertThrows(
        IllegalArgumentException.class, () -> CpioWriter.bytes(a -> a.file("/a", 0644, TEXT)));
  }
}
