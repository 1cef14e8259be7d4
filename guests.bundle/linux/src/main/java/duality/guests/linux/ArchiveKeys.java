package duality.guests.linux;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.bouncycastle.bcpg.BCPGInputStream;
import org.bouncycastle.bcpg.HashAlgorithmTags;
import org.bouncycastle.bcpg.PublicKeyPacket;
import org.bouncycastle.openpgp.PGPException;
import org.bouncycastle.openpgp.PGPPublicKey;
import org.bouncycastle.openpgp.PGPPublicKeyRing;
import org.bouncycastle.openpgp.PGPPublicKeyRingCollection;
import org.bouncycastle.openpgp.PGPSignature;
import org.bouncycastle.openpgp.PGPSignatureList;
import org.bouncycastle.openpgp.PGPUtil;
import org.bouncycastle.openpgp.bc.BcPGPObjectFactory;
import org.bouncycastle.openpgp.operator.bc.BcKeyFingerprintCalculator;
import org.bouncycastle.openpgp.operator.bc.BcPGPContentVerifierBuilderProvider;
import org.jspecify.annotations.Nullable;

/**
 * The public keys that are believed when they sign a release, and the check of such a signature.
 *
 * <p>A keyring of this host is taken as it is: who can write it can do more than deceive us, so the
 * bindings inside it are not checked again. Keys that are revoked there are left out.
 */
final class ArchiveKeys {

  private static final Set<Integer> STRONG =
      Set.of(HashAlgorithmTags.SHA256, HashAlgorithmTags.SHA384, HashAlgorithmTags.SHA512);

  private final List<PGPPublicKey> keys;

  private ArchiveKeys(List<PGPPublicKey> keys) {
    this.keys = List.copyOf(keys);
  }

  /** The keys that this bundle names, those of one suite of Debian. */
  static ArchiveKeys builtIn() throws IOException {
    try (@Nullable InputStream in = ArchiveKeys.class.getResourceAsStream("archive-keys.txt")) {
      if (in == null) {
        throw new IllegalStateException("the bundle lacks its resource archive-keys.txt");
      }
      return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  /** Reads pairs of a fingerprint and a public-key packet in base64; {@code #} starts a comment. */
  static ArchiveKeys parse(String text) throws IOException {
    List<PGPPublicKey> keys = new ArrayList<>();
    String fingerprint = "";
    StringBuilder base64 = new StringBuilder();
    for (String line : text.lines().filter(line -> !line.startsWith("#")).toList()) {
      if (line.isBlank()) {
        addPacket(fingerprint, base64, keys);
      } else if (base64.isEmpty() && line.matches("[0-9A-F]{40}")) {
        fingerprint = line;
      } else {
        base64.append(line.strip());
      }
    }
    addPacket(fingerprint, base64, keys);
    return new ArchiveKeys(keys);
  }

  /**
   * These keys and those of a keyring file of OpenPGP, armoured or not.
   *
   * @throws MalformedPackage when there is no key in it
   */
  ArchiveKeys plus(Path keyring) throws IOException {
    List<PGPPublicKey> all = new ArrayList<>(keys);
    try (InputStream in = new BufferedInputStream(Files.newInputStream(keyring))) {
      PGPPublicKeyRingCollection rings =
          new PGPPublicKeyRingCollection(
              PGPUtil.getDecoderStream(in), new BcKeyFingerprintCalculator());
      for (PGPPublicKeyRing ring : rings) {
        if (!ring.getPublicKey().hasRevocation()) {
          for (Iterator<PGPPublicKey> members = ring.getPublicKeys(); members.hasNext(); ) {
            PGPPublicKey member = members.next();
            if (!member.hasRevocation()) {
              all.add(member);
            }
          }
        }
      }
    } catch (PGPException | RuntimeException e) {
      throw new MalformedPackage(keyring + " is no OpenPGP keyring", e);
    }
    if (all.size() == keys.size()) {
      throw new MalformedPackage(keyring + " holds no OpenPGP key");
    }
    return new ArchiveKeys(all);
  }

  /** How many keys there are. */
  int count() {
    return keys.size();
  }

  /**
   * Checks a signed text.
   *
   * @return the text that was signed
   * @throws NotAuthentic when no key of these has signed it, or one of them has signed another text
   * @throws MalformedPackage when it is no signed text
   */
  String verify(byte[] file) throws IOException {
    ClearSigned signed = ClearSigned.parse(file);
    int good = 0;
    List<String> unknown = new ArrayList<>();
    for (PGPSignature signature : signatures(signed.armored())) {
      String keyId = HexFormat.of().withUpperCase().toHexDigits(signature.getKeyID());
      boolean known = false;
      for (PGPPublicKey key : keys) {
        if (key.getKeyID() == signature.getKeyID()) {
          known = true;
          if (!isGood(signature, key, signed.canonical())) {
            throw new NotAuthentic("the signature of key " + keyId + " does not match the text");
          }
          good++;
          break;
        }
      }
      if (!known) {
        unknown.add(keyId);
      }
    }
    if (good == 0) {
      throw new NotAuthentic(
          unknown.isEmpty()
              ? "it has no signature"
              : "it is signed by unknown keys only: " + String.join(", ", unknown));
    }
    return signed.text();
  }

  private static boolean isGood(PGPSignature signature, PGPPublicKey key, byte[] canonical)
      throws NotAuthentic {
    if (signature.getSignatureType() != PGPSignature.CANONICAL_TEXT_DOCUMENT
        && signature.getSignatureType() != PGPSignature.BINARY_DOCUMENT) {
      throw new NotAuthentic("a signature is not one of a document");
    }
    if (!STRONG.contains(signature.getHashAlgorithm())) {
      throw new NotAuthentic("a signature is made with a weak hash");
    }
    try {
      signature.init(new BcPGPContentVerifierBuilderProvider(), key);
      signature.update(canonical);
      return signature.verify();
    } catch (PGPException | RuntimeException e) {
      return false;
    }
  }

  private static List<PGPSignature> signatures(byte[] armored) throws MalformedPackage {
    try (InputStream in = PGPUtil.getDecoderStream(new ByteArrayInputStream(armored))) {
      List<PGPSignature> signatures = new ArrayList<>();
      BcPGPObjectFactory packets = new BcPGPObjectFactory(in);
      for (Object packet; (packet = packets.nextObject()) != null; ) {
        if (!(packet instanceof PGPSignatureList list)) {
          throw new MalformedPackage("there is something other than signatures under the text");
        }
        list.forEach(signatures::add);
      }
      return signatures;
    } catch (MalformedPackage e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new MalformedPackage("the signature cannot be read: " + e.getMessage(), e);
    }
  }

  private static void addPacket(String fingerprint, StringBuilder base64, List<PGPPublicKey> keys)
      throws IOException {
    if (base64.isEmpty()) {
      return;
    }
    byte[] body = Base64.getDecoder().decode(base64.toString());
    base64.setLength(0);
    // Old format, tag 6 (public key), a length of two bytes.
    byte[] packet = new byte[body.length + 3];
    packet[0] = (byte) 0x99;
    packet[1] = (byte) (body.length >> 8);
    packet[2] = (byte) body.length;
    System.arraycopy(body, 0, packet, 3, body.length);
    try {
      PublicKeyPacket read =
          (PublicKeyPacket) new BCPGInputStream(new ByteArrayInputStream(packet)).readPacket();
      PGPPublicKey key = new PGPPublicKey(read, new BcKeyFingerprintCalculator());
      if (!HexFormat.of().withUpperCase().formatHex(key.getFingerprint()).equals(fingerprint)) {
        throw new MalformedPackage("a built-in key does not have the fingerprint " + fingerprint);
      }
      keys.add(key);
    } catch (PGPException e) {
      throw new MalformedPackage("a built-in key cannot be read: " + fingerprint, e);
    }
  }
}
