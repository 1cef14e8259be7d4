package duality.shell.machine;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.regex.Pattern;

/** A console's bytes, one character each, as text for people and scripts. */
final class ConsoleText {
  /** Control sequences of terminals, ECMA-48 §5.4, and the escapes of two characters. */
  private static final Pattern SEQUENCES =
      Pattern.compile("\u001b(?:\\[[0-?]*[ -/]*[@-~]|[ -/]*[0-Z\\\\-~])");

  /** Questions to a terminal, which would answer a second time what it answered long ago. */
  private static final Pattern QUESTIONS = Pattern.compile("\u001b(?:\\[[0-?]*[cn]|Z)");

  private ConsoleText() {}

  /** As text: UTF-8, lines ended by one character, without what only a terminal understands. */
  static String plain(String bytes) {
    String text = new String(bytes.getBytes(ISO_8859_1), UTF_8);
    return SEQUENCES.matcher(text).replaceAll("").replaceAll("[\\x00-\\x08\\x0b-\\x1f\\x7f]", "");
  }

  /** As bytes to be shown again, without the questions in them. */
  static String again(String bytes) {
    return QUESTIONS.matcher(bytes).replaceAll("");
  }
}
