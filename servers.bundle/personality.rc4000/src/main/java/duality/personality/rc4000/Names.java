package duality.personality.rc4000;

import java.nio.charset.StandardCharsets;

/** Names of processes: up to eight characters in one word, the first in its lowest byte. */
final class Names {
  private static final int CHARACTERS = 8;

  private Names() {}

  /** A name of one to eight printable characters as a word. */
  static long word(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
    if (bytes.length > CHARACTERS) {
      throw new IllegalArgumentException("'" + name + "' has more than eight characters");
    }
    long word = 0;
    for (int i = bytes.length - 1; i >= 0; i--) {
      word = word << 8 | bytes[i] & 0xff;
    }
    return word;
  }

  /** Whether a word is a name: printable characters without blanks, then zeros. */
  static boolean isName(long word) {
    boolean ended = false;
    for (int i = 0; i < CHARACTERS; i++) {
      int character = (int) (word >>> 8 * i) & 0xff;
      if (character == 0) {
        ended = true;
      } else if (ended || character <= ' ' || character > '~') {
        return false;
      }
    }
    return word != 0;
  }

  /** A name for people. */
  static String text(long word) {
    if (!isName(word)) {
      return "0x" + Long.toHexString(word);
    }
    StringBuilder text = new StringBuilder();
    for (long rest = word; rest != 0; rest >>>= 8) {
      text.append((char) (rest & 0xff));
    }
    return text.toString();
  }
}
