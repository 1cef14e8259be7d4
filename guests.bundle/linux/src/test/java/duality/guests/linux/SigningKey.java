package duality.guests.linux;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Date;
import org.bouncycastle.bcpg.ArmoredOutputStream;
import org.bouncycastle.bcpg.PublicKeyAlgorithmTags;
import org.bouncycastle.bcpg.PublicKeyPacket;
import org.bouncycastle.crypto.AsymmetricCipherKeyPair;
import org.bouncycastle.crypto.generators.Ed25519KeyPairGenerator;
import org.bouncycastle.crypto.generators.RSAKeyPairGenerator;
import org.bouncycastle.crypto.params.Ed25519KeyGenerationParameters;
import org.bouncycastle.crypto.params.RSAKeyGenerationParameters;
import org.bouncycastle.openpgp.PGPException;
import org.bouncycastle.openpgp.PGPKeyPair;
import org.bouncycastle.openpgp.PGPSignature;
import org.bouncycastle.openpgp.PGPSignatureGenerator;
import org.bouncycastle.openpgp.operator.bc.BcPGPContentSignerBuilder;
import org.bouncycastle.openpgp.operator.bc.BcPGPKeyPair;

/** A key pair that a test makes for itself. */
final class SigningKey {

  private static final Date MADE = new Date(1_700_000_000_000L);

  private final PGPKeyPair pair;

  private SigningKey(int algorithm, AsymmetricCipherKeyPair keys) throws PGPException {
    this.pair = new BcPGPKeyPair(PublicKeyPacket.VERSION_4, algorithm, keys, MADE);
  }

  static SigningKey ed25519() throws PGPException {
    Ed25519KeyPairGenerator generator = new Ed25519KeyPairGenerator();
    generator.init(new Ed25519KeyGenerationParameters(new SecureRandom()));
    return new SigningKey(PublicKeyAlgorithmTags.EDDSA_LEGACY, generator.generateKeyPair());
  }

  static SigningKey rsa() throws PGPException {
    RSAKeyPairGenerator generator = new RSAKeyPairGenerator();
    generator.init(
        new RSAKeyGenerationParameters(BigInteger.valueOf(65537), new SecureRandom(), 2048, 80));
    return new SigningKey(PublicKeyAlgorithmTags.RSA_GENERAL, generator.generateKeyPair());
  }

  /** Writes the public key as a keyring file. */
  Path keyring(Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      pair.getPublicKey().encode(out);
    }
    return file;
  }

  /** A text with a signature under it. */
  byte[] sign(String text, int hash) throws IOException, PGPException {
    String canonical = text.strip().replaceAll("[ \t]+\n", "\n").replace("\n", "\r\n");
    return ("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
            + text.strip().replaceAll("(?m)^-", "- -")
            + "\n"
            + signature(canonical, hash, PGPSignature.CANONICAL_TEXT_DOCUMENT))
        .getBytes(StandardCharsets.UTF_8);
  }

  String signature(String canonical, int hash, int type) throws IOException, PGPException {
    PGPSignatureGenerator generator =
        new PGPSignatureGenerator(
            new BcPGPContentSignerBuilder(pair.getPublicKey().getAlgorithm(), hash),
            pair.getPublicKey());
    generator.init(type, pair.getPrivateKey());
    generator.update(canonical.getBytes(StandardCharsets.UTF_8));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ArmoredOutputStream armor = new ArmoredOutputStream(bytes)) {
      generator.generate().encode(armor);
    }
    return bytes.toString(StandardCharsets.US_ASCII);
  }
}
