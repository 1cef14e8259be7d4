package duality.store.sealed;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.random.RandomGenerator;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypts blocks with AES-256 in Galois/Counter Mode (NIST SP 800-38D). Nonces are random, so that
 * none comes twice, also when the seal was put back; a key is good for 2^32 writes. The number of
 * the block is authenticated with it: at another place it is nothing.
 *
 * <p><em>Concurrency:</em> none; used by one thread at a time.
 */
final class BlockCipher {
  static final int KEY_BYTES = 32;

  private final SecretKeySpec key;
  private final byte[] disk;
  private final RandomGenerator random;
  private final Cipher cipher;
  private final byte[] sealed = new byte[Layout.BLOCK + Entry.TAG_BYTES];

  /**
   * A cipher.
   *
   * @param disk identity of the disk, authenticated too
   */
  BlockCipher(byte[] key, byte[] disk, RandomGenerator random) {
    this.key = new SecretKeySpec(key, "AES");
    this.disk = disk.clone();
    this.random = random;
    try {
      cipher = Cipher.getInstance("AES/GCM/NoPadding");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no AES-GCM", e);
    }
  }

  /** Encrypts a block; answers what is needed to accept it. */
  Entry seal(long block, byte[] plain, int at, byte[] to, int toAt) {
    byte[] nonce = new byte[Entry.NONCE_BYTES];
    random.nextBytes(nonce);
    try {
      begin(Cipher.ENCRYPT_MODE, block, nonce);
      int length = cipher.doFinal(plain, at, Layout.BLOCK, sealed, 0);
      if (length != sealed.length) {
        throw new IllegalStateException("a block became " + length + " bytes");
      }
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a block cannot be encrypted", e);
    }
    System.arraycopy(sealed, 0, to, toAt, Layout.BLOCK);
    byte[] entry = new byte[Entry.BYTES];
    System.arraycopy(nonce, 0, entry, 0, Entry.NONCE_BYTES);
    System.arraycopy(sealed, Layout.BLOCK, entry, Entry.NONCE_BYTES, Entry.TAG_BYTES);
    return Entry.of(entry, 0);
  }

  /** Decrypts a block; says whether it is the one that the entry belongs to. */
  boolean open(long block, Entry entry, byte[] from, int at, byte[] to, int toAt) {
    byte[] known = new byte[Entry.BYTES];
    entry.copyTo(known, 0);
    System.arraycopy(from, at, sealed, 0, Layout.BLOCK);
    System.arraycopy(known, Entry.NONCE_BYTES, sealed, Layout.BLOCK, Entry.TAG_BYTES);
    try {
      begin(Cipher.DECRYPT_MODE, block, java.util.Arrays.copyOf(known, Entry.NONCE_BYTES));
      return cipher.doFinal(sealed, 0, sealed.length, to, toAt) == Layout.BLOCK;
    } catch (AEADBadTagException e) {
      return false;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a block cannot be decrypted", e);
    }
  }

  private void begin(int mode, long block, byte[] nonce) throws GeneralSecurityException {
    cipher.init(mode, key, new GCMParameterSpec(8 * Entry.TAG_BYTES, nonce));
    cipher.updateAAD(disk);
    cipher.updateAAD(ByteBuffer.allocate(Long.BYTES).putLong(0, block));
  }
}
