package duality.fuzz;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/** Makes new inputs of old ones. */
final class Mutations {
  private static final int MOST_BYTES = 2_048;
  private static final int[] ODD = {0, 1, 7, 8, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfe, 0xff};

  private final RandomGenerator random;

  Mutations(RandomGenerator random) {
    this.random = random;
  }

  /** An input out of nothing. */
  byte[] fresh() {
    byte[] bytes = new byte[1 + random.nextInt(400)];
    random.nextBytes(bytes);
    return bytes;
  }

  /** One of the corpus, changed in one to eight places; or two of them, joined. */
  byte[] of(List<byte[]> corpus) {
    byte[] bytes = corpus.get(random.nextInt(corpus.size())).clone();
    for (int changes = 1 + random.nextInt(8); changes > 0; changes--) {
      bytes = changed(bytes, corpus);
    }
    return bytes.length > MOST_BYTES ? Arrays.copyOf(bytes, MOST_BYTES) : bytes;
  }

  private byte[] changed(byte[] bytes, List<byte[]> corpus) {
    if (bytes.length == 0) {
      return fresh();
    }
    int at = random.nextInt(bytes.length);
    switch (random.nextInt(7)) {
      case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> bytes[at] = (byte) ODD[random.nextInt(ODD.length)];
      case 2 -> bytes[at] = (byte) random.nextInt();
      case 3 -> {
        int count = 1 + random.nextInt(Math.min(16, bytes.length - at));
        return join(Arrays.copyOf(bytes, at), Arrays.copyOfRange(bytes, at + count, bytes.length));
      }
      case 4 -> {
        byte[] more = new byte[1 + random.nextInt(16)];
        random.nextBytes(more);
        return insert(bytes, at, more);
      }
      case 5 -> {
        int count = 1 + random.nextInt(Math.min(64, bytes.length - at));
        return insert(
            bytes, random.nextInt(bytes.length), Arrays.copyOfRange(bytes, at, at + count));
      }
      default -> {
        byte[] other = corpus.get(random.nextInt(corpus.size()));
        int from = other.length == 0 ? 0 : random.nextInt(other.length);
        return join(Arrays.copyOf(bytes, at), Arrays.copyOfRange(other, from, other.length));
      }
    }
    return bytes;
  }

  private static byte[] insert(byte[] bytes, int at, byte[] more) {
    return join(join(Arrays.copyOf(bytes, at), more), Arrays.copyOfRange(bytes, at, bytes.length));
  }

  private static byte[] join(byte[] a, byte[] b) {
    byte[] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }
}
