package duality.shell.command;

import duality.shell.text.ByteSize;
import duality.shell.text.Span;
import java.util.regex.Pattern;

/** What a word on the command line is: how it is checked, and what Tab offers for it. */
public enum Kind {
  /** Any words. */
  TEXT("TEXT"),
  /** The name of a machine that is there. */
  MACHINE("NAME"),
  /** The number of a native program. */
  TASK("TASK"),
  /** A name for a machine to be made. */
  NEW_NAME("NAME"),
  /** The name of a network; one that is not there is made. */
  NETWORK("NETWORK"),
  /** The name of a guest image. */
  IMAGE("IMAGE"),
  /** The path of an endpoint, or a pattern of paths. */
  ENDPOINT("ENDPOINT"),
  /** The name of a server. */
  SERVER("SERVER"),
  /** Endpoints and servers in turn. */
  MOVES("ENDPOINT SERVER"),
  /** The symbolic name or the number of a bundle. */
  BUNDLE("BUNDLE"),
  /** The name of an experiment. */
  EXPERIMENT("NAME"),
  /** The name of a command. */
  COMMAND("COMMAND"),
  /** A file of the host. */
  FILE("FILE"),
  /** A file of the host, or {@code NAME:PATH} of a guest. */
  GUEST_FILE("FILE"),
  /** A size in bytes, see {@link ByteSize}. */
  SIZE("SIZE"),
  /** A length of time, see {@link Span}. */
  TIME("TIME"),
  /** A whole number from 0 on. */
  COUNT("N"),
  /** A value of another command, such as {@code $before} or {@code (kernel:stat)}. */
  VALUE("VALUE"),
  /** Commands in braces. */
  BLOCK("{ COMMANDS }"),
  /** Present or not. */
  FLAG("");

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,31}");

  private final String word;

  Kind(String word) {
    this.word = word;
  }

  /** How help writes such a word. */
  String word() {
    return word;
  }

  /**
   * Checks the form of a word.
   *
   * @throws IllegalArgumentException saying what would be right
   */
  void check(String text) {
    switch (this) {
      case SIZE -> ByteSize.parse(text);
      case TIME -> Span.parse(text);
      case COUNT -> {
        if (!text.matches("[0-9]{1,9}")) {
          throw new IllegalArgumentException("'" + text + "' is no whole number from 0 on");
        }
      }
      case NEW_NAME -> {
        if (!NAME.matcher(text).matches()) {
          throw new IllegalArgumentException(
              "'"
                  + text
                  + "' is no name for a machine; use a lower-case letter, then at most 31"
                  + " lower-case letters, digits and dashes");
        }
      }
      case NETWORK -> {
        if (!NAME.matcher(text).matches()) {
          throw new IllegalArgumentException(
              "'" + text + "' is no name for a network, which is formed like a machine's, as lan");
        }
      }
      default -> {}
    }
  }
}
