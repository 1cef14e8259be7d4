package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.junit.jupiter.api.Test;

class InitramfsTest {

  private static final Map<String, byte[]> MODULES =
      Map.of(
          "net.ko", Packages.module("depends=mid", "alias=virtio:d1v*"),
          "mid.ko", Packages.module("depends=low"),
          "low.ko", Packages.module("depends="),
          "fs.ko", Packages.module("depends=low,net", "softdep=pre: crypto-sum"),
          "sum-generic.ko", Packages.module("depends=", "alias=crypto-sum"));

  private static Initramfs initramfs(String busybox, Optional<byte[]> agent) {
    return new Initramfs("6.1-x", busybox.getBytes(StandardCharsets.UTF_8), MODULES, agent);
  }

  private static Map<String, String> files(Initramfs initramfs) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (CpioArchiveInputStream in =
        new CpioArchiveInputStream(new ByteArrayInputStream(initramfs.bytes()))) {
      for (CpioArchiveEntry entry; (entry = in.getNextEntry()) != null; ) {
        files.put(entry.getName(), new String(in.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    return files;
  }

  @Test
  void everythingABootNeedsIsThere() throws IOException {
    Map<String, String> files = files(initramfs("bb", Optional.of(new byte[] {'a'})));
    assertEquals("bb", files.get("bin/busybox"));
    assertEquals("bin/busybox", files.get("init"));
    assertEquals("a", files.get("sbin/agent"));
    assertTrue(files.containsKey("dev/console"));
    assertTrue(files.get("etc/console").contains("duality: ready"));
    for (String line : files.get("etc/inittab").lines().toList()) {
      // Each program that init is told to run is in the archive, or an applet of busybox.
      String program = line.replaceFirst(".*:/?", "");
      if (!line.startsWith("#") && !program.startsWith("sbin/")) {
        assertTrue(files.containsKey(program), line);
      }
    }
  }

  @Test
  void withoutAnAgentThereIsNone() throws IOException {
    assertFalse(files(initramfs("bb", Optional.empty())).containsKey("sbin/agent"));
  }

  @Test
  void modulesAreListedWithAllTheyNeedTheFarthestLast() throws IOException {
    Map<String, String> files = files(initramfs("bb", Optional.empty()));
    List<String> lines = files.get("lib/modules/6.1-x/modules.dep").lines().toList();
    assertTrue(lines.contains("net.ko: mid.ko low.ko"), lines.toString());
    assertTrue(lines.contains("low.ko:"), lines.toString());
    assertTrue(lines.contains("fs.ko: sum-generic.ko net.ko mid.ko low.ko"), lines.toString());
    assertTrue(files.get("lib/modules/6.1-x/modules.alias").contains("alias virtio:d1v* net\n"));
    assertTrue(
        files.get("lib/modules/6.1-x/modules.alias").contains("alias crypto-sum sum_generic\n"));
  }

  @Test
  void wishesThatGoInCirclesEnd() {
    KernelModule a = new KernelModule("a", List.of(), List.of("b"), List.of());
    KernelModule b = new KernelModule("b", List.of(), List.of("a"), List.of());
    assertEquals(
        "a.ko: b.ko\nb.ko: a.ko\n",
        Initramfs.dependencies(
            Map.of("a.ko", a, "b.ko", b).entrySet().stream()
                .collect(
                    TreeMap::new, (m, e) -> m.put(e.getKey(), e.getValue()), TreeMap::putAll)));
  }

  @Test
  void theSamePartsGiveTheSameBytesAndKey() throws IOException {
    assertArrayEquals(
        initramfs("bb", Optional.empty()).bytes(), initramfs("bb", Optional.empty()).bytes());
    assertEquals(initramfs("bb", Optional.empty()).key(), initramfs("bb", Optional.empty()).key());
  }

  @Test
  void otherPartsGiveAnotherKey() throws IOException {
    String key = initramfs("bb", Optional.empty()).key();
    assertNotEquals(key, initramfs("b2", Optional.empty()).key());
    assertNotEquals(key, initramfs("bb", Optional.of(new byte[1])).key());
    assertNotEquals(
        initramfs("bb", Optional.of(new byte[2])).key(),
        initramfs("bb", Optional.of(new byte[1])).key());
  }
}
