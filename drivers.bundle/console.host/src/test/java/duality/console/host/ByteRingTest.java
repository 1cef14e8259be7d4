package duality.console.host;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ByteRingTest {
  /**
   * Beside a text that forgets nothing: the array grows, wraps around and is restored meanwhile.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 100, 1_000})
  void holdsTheEndOfAllThatWasAppended(int capacity) {
    Random random = new Random(capacity);
    StringBuilder all = new StringBuilder();
    ByteRing ring = new ByteRing(capacity);
    long oldest = 0;
    for (int i = 0; i < 2_000; i++) {
      StringBuilder more = new StringBuilder();
      for (int n = random.nextInt(random.nextInt(20) == 0 ? 3 * capacity + 2 : 40); n > 0; n--) {
        more.append((char) random.nextInt(256));
      }
      ring.append(more.toString());
      all.append(more);
      oldest = Math.max(oldest, all.length() - capacity);
      if (random.nextInt(8) == 0) {
        oldest = Math.max(oldest, all.length() - random.nextInt(capacity + 1));
        ring.dropUpTo(oldest);
      }
      if (random.nextInt(8) == 0) {
        byte[] content = ring.content();
        ring = new ByteRing(capacity);
        ring.restore(all.length(), content);
      }
      assertEquals(all.length(), ring.end());
      assertEquals(oldest, ring.oldest());
      assertEquals(all.substring((int) oldest), new String(ring.content(), ISO_8859_1));
      int from = (int) oldest + random.nextInt(ring.size() + 1);
      int most = random.nextInt(capacity + 1);
      assertEquals(all.substring(from, Math.min(all.length(), from + most)), ring.text(from, most));
    }
  }

  @Test
  void whatIsForgottenIsLeftOutOfAText() {
    ByteRing ring = new ByteRing(4);
    ring.append("abcdef");
    assertEquals("cd", ring.text(0, 2));
    assertEquals("", ring.text(6, 9));
  }
}
