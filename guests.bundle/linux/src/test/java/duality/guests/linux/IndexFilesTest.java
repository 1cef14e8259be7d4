package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Release files and indexes of packages, and the form both are written in. */
class IndexFilesTest {

  private static final String HASH = "0123456789abcdef".repeat(4);

  private static final String RELEASE =
      """
      Origin: Debian
      Suite: stable
      Version: 13.7
      Codename: trixie
      Date: Sat, 12 Sep 2026 07:55:41 UTC
      Acquire-By-Hash: yes
      MD5Sum:
       0123456789abcdef0123456789abcdef 7 main/binary-riscv64/Packages.xz
      SHA256:
       %s 9385284 main/binary-riscv64/Packages.xz
       %s       118 main/binary-riscv64/Release
      """
          .formatted(HASH, HASH);

  private static final String PACKAGES =
      """
      Package: aaa
      Filename: not looked at

      Package: linux-image-riscv64
      Version: 6.12.107-1
      Depends: base (>= 1) | other, linux-image-6.12.107-riscv64 (= 6.12.107-1)
      Description: meta
       package
      Filename: pool/m.deb
      Size: 1436
      SHA256: %s

      Package: linux-image-6.12.107-riscv64
      Version: 6.12.107-1
      Filename: pool/l.deb
      Size: 112012420
      SHA256: %s
      """
          .formatted(HASH, HASH);

  private static PackageIndex index(String text) throws IOException {
    return PackageIndex.read(
        new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)),
        name -> name.startsWith("linux-image-"));
  }

  @Test
  void aReleaseFileIsRead() throws MalformedPackage {
    ReleaseFile release = ReleaseFile.parse(RELEASE);
    assertEquals("Debian", release.origin());
    assertEquals("trixie", release.codename());
    assertEquals(Instant.parse("2026-09-12T07:55:41Z"), release.date());
    assertTrue(release.byHash());
    assertEquals(
        new ReleaseFile.Listed(9385284, HASH),
        release.files().get("main/binary-riscv64/Packages.xz"));
  }

  @Test
  void aReleaseFileWithoutUsableHashesIsRefused() {
    for (String bad :
        List.of(
            "",
            RELEASE.replaceFirst("(?s)SHA256:.*", ""),
            RELEASE.replace(HASH, "0123"),
            RELEASE.replace("9385284", "-1"),
            RELEASE.replace("12 Sep", "42 Sep"),
            RELEASE + "SHA256:\n",
            RELEASE + "\n" + RELEASE)) {
      assertThrows(MalformedPackage.class, () -> ReleaseFile.parse(bad), bad);
    }
  }

  @Test
  void theNewestKernelIsFoundBehindTheMetapackage() throws IOException {
    PackageIndex.Listed kernel = index(PACKAGES).behind("linux-image-riscv64");
    assertEquals("linux-image-6.12.107-riscv64", kernel.name());
    assertEquals("pool/l.deb", kernel.path());
    assertEquals(new ReleaseFile.Listed(112012420, HASH), kernel.file());
  }

  @Test
  void whatIsNotThereIsSaid() throws IOException {
    PackageIndex index = index(PACKAGES);
    assertThrows(MalformedPackage.class, () -> index.find("aaa"));
    assertThrows(
        MalformedPackage.class,
        () ->
            index(PACKAGES.replace("linux-image-6.12.107-riscv64 (", "x ("))
                .behind("linux-image-riscv64"));
  }

  @Test
  void anIndexThatPointsOutsideTheArchiveIsRefused() {
    for (String path : List.of("/etc/passwd", "../x.deb", "pool/../../x.deb", "")) {
      assertThrows(MalformedPackage.class, () -> index(PACKAGES.replace("pool/l.deb", path)), path);
    }
    assertThrows(MalformedPackage.class, () -> index(PACKAGES.replace("SHA256", "SHA1")));
    assertThrows(MalformedPackage.class, () -> index(PACKAGES.replace("112012420", "many")));
  }

  @Test
  void fieldsOfSeveralLinesKeepThem() throws MalformedPackage {
    List<Stanza> stanzas =
        Stanza.parse(List.of("A: 1", " 2", "\t3", "# no", "b:  x y ", "", " ".repeat(3), "C:"));
    assertEquals(2, stanzas.size());
    assertEquals(List.of("1", "2", "3"), stanzas.get(0).lines("a"));
    assertEquals(List.of("x", "y"), stanzas.get(0).words("B"));
    assertEquals("", stanzas.get(1).get("C"));
    assertEquals("", stanzas.get(1).get("D"));
  }

  @Test
  void whatIsNoFieldIsRefused() {
    assertThrows(MalformedPackage.class, () -> Stanza.parse(List.of(" a")));
    assertThrows(MalformedPackage.class, () -> Stanza.parse(List.of("a")));
    assertThrows(MalformedPackage.class, () -> Stanza.parse(List.of(": a")));
    assertThrows(MalformedPackage.class, () -> Stanza.parse(List.of("A: 1", "a: 2")));
  }
}
