package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.bouncycastle.bcpg.ArmoredOutputStream;
import org.bouncycastle.bcpg.HashAlgorithmTags;
import org.bouncycastle.openpgp.PGPException;
import org.bouncycastle.openpgp.PGPSignature;
import org.bouncycastle.openpgp.PGPUtil;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArchiveKeysTest {

  private static final String TEXT = "Origin: Debian\n- a dash\n--two\nwith blanks \t\nend: ü";
  private static final String READ = "Origin: Debian\n- a dash\n--two\nwith blanks\nend: ü\n";

  @TempDir static Path folder;

  private static SigningKey ed25519;
  private static SigningKey rsa;
  private static ArchiveKeys keys;

  @BeforeAll
  static void makeKeys() throws IOException, PGPException {
    ed25519 = SigningKey.ed25519();
    rsa = SigningKey.rsa();
    keys =
        ArchiveKeys.parse("")
            .plus(ed25519.keyring(folder.resolve("a.gpg")))
            .plus(rsa.keyring(folder.resolve("b.gpg")));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Test
  void aGoodSignatureGivesTheText() throws IOException, PGPException {
    assertEquals(2, keys.count());
    assertEquals(READ, keys.verify(ed25519.sign(TEXT, HashAlgorithmTags.SHA256)));
    assertEquals(READ, keys.verify(rsa.sign(TEXT, HashAlgorithmTags.SHA512)));
  }

  @Test
  void lineEndsOfOtherSystemsDoNotMatter() throws IOException, PGPException {
    String signed = text(ed25519.sign(TEXT, HashAlgorithmTags.SHA256));
    assertEquals(READ, keys.verify(bytes(signed.replace("\n", "\r\n"))));
  }

  @Test
  void anyChangeOfTheTextIsFound() throws IOException, PGPException {
    String signed = text(ed25519.sign(TEXT, HashAlgorithmTags.SHA256));
    for (String changed :
        new String[] {
          signed.replace("Debian", "Debjan"),
          signed.replace("end:", "more: 1\nend:"),
          signed.replace("- - a dash\n", ""),
          signed.replace("with blanks", " with blanks"),
        }) {
      assertThrows(NotAuthentic.class, () -> keys.verify(bytes(changed)), changed);
    }
  }

  @Test
  void anUnknownKeyDoesNotCount() throws IOException, PGPException {
    byte[] signed = SigningKey.ed25519().sign(TEXT, HashAlgorithmTags.SHA256);
    NotAuthentic e = assertThrows(NotAuthentic.class, () -> keys.verify(signed));
    assertTrue(e.getMessage().contains("unknown keys"), e.getMessage());
    assertThrows(NotAuthentic.class, () -> ArchiveKeys.builtIn().verify(signed));
  }

  @Test
  void oneGoodSignatureBesideAnUnknownOneIsEnough() throws IOException, PGPException {
    String canonical = "a: b";
    String unknown =
        SigningKey.ed25519()
            .signature(canonical, HashAlgorithmTags.SHA256, PGPSignature.CANONICAL_TEXT_DOCUMENT);
    String signed = text(ed25519.sign(canonical, HashAlgorithmTags.SHA256));
    ClearSigned parts = ClearSigned.parse(bytes(signed));
    assertEquals("a: b\n", parts.text());
    // Two signatures in one block, as Debian has them.
    byte[] both = merge(text(parts.armored()), unknown);
    assertEquals("a: b\n", keys.verify(both));
  }

  private static byte[] merge(String first, String second) throws IOException {
    ByteArrayOutputStream packets = new ByteArrayOutputStream();
    for (String armored : new String[] {second, first}) {
      try (var in = PGPUtil.getDecoderStream(new ByteArrayInputStream(bytes(armored)))) {
        in.transferTo(packets);
      }
    }
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    try (var armor = new ArmoredOutputStream(block)) {
      armor.write(packets.toByteArray());
    }
    return bytes("-----BEGIN PGP SIGNED MESSAGE-----\n\na: b\n" + text(block.toByteArray()));
  }

  @Test
  void weakHashesAreRefused() throws IOException, PGPException {
    byte[] signed = rsa.sign(TEXT, HashAlgorithmTags.SHA1);
    assertThrows(NotAuthentic.class, () -> keys.verify(signed));
  }

  @Test
  void aSignatureForAnotherPurposeIsRefused() throws IOException, PGPException {
    String certification =
        ed25519.signature("a: b", HashAlgorithmTags.SHA256, PGPSignature.STAND_ALONE);
    assertThrows(
        NotAuthentic.class,
        () -> keys.verify(bytes("-----BEGIN PGP SIGNED MESSAGE-----\n\na: b\n" + certification)));
  }

  @Test
  void nothingMayStandAroundTheSignedText() throws IOException, PGPException {
    String signed = text(ed25519.sign(TEXT, HashAlgorithmTags.SHA256));
    for (String changed :
        new String[] {
          "Origin: Evil\n\n" + signed,
          signed + "Origin: Evil\n",
          signed.replace("Hash: SHA256\n", "Hash: SHA256\nOrigin: Evil\n"),
          signed.replace("- --two", "--two"),
          signed.substring(0, signed.indexOf("-----END")),
          "",
          TEXT,
        }) {
      assertThrows(MalformedPackage.class, () -> keys.verify(bytes(changed)), changed);
    }
  }

  @Test
  void damageIsAnErrorOfItsKind() throws IOException, PGPException {
    byte[] good = ed25519.sign(TEXT, HashAlgorithmTags.SHA256);
    Random random = new Random(99);
    for (int round = 0; round < 1000; round++) {
      byte[] bad = good.clone();
      int at = random.nextInt(bad.length);
      bad[at] = (byte) random.nextInt(1, 127);
      try {
        assertEquals(READ, keys.verify(bad), "round " + round + " at " + at);
      } catch (NotAuthentic | MalformedPackage expected) {
        // As it should be; anything else fails the test.
      }
    }
  }

  @Test
  void theBuiltInKeysHaveTheFingerprintsTheyAreListedUnder() throws IOException {
    assertEquals(2, ArchiveKeys.builtIn().count());
    String listed =
        new String(
            ArchiveKeys.class.getResourceAsStream("archive-keys.txt").readAllBytes(),
            StandardCharsets.UTF_8);
    assertThrows(
        MalformedPackage.class,
        () -> ArchiveKeys.parse(listed.replaceFirst("41587F7D", "51587F7D")));
    assertThrows(
        MalformedPackage.class,
        () -> ArchiveKeys.parse(listed.replaceFirst("nRYaml9K", "nRYaml9L")));
  }

  @Test
  void aFileThatIsNoKeyringIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("no.gpg"), "no keyring");
    assertThrows(IOException.class, () -> keys.plus(file));
  }
}
