package duality.guests.linux;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A text with OpenPGP signatures under it, taken apart strictly: nothing may stand before, between
 * or after the two parts, so that nobody can read as signed what was not.
 *
 * <p><em>Source:</em> RFC 9580 §7.
 */
final class ClearSigned {

  private static final String BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----";
  private static final String BEGIN_SIGNATURE = "-----BEGIN PGP SIGNATURE-----";
  private static final String END_SIGNATURE = "-----END PGP SIGNATURE-----";

  private final String text;
  private final byte[] canonical;
  private final byte[] armored;

  private ClearSigned(String text, byte[] canonical, byte[] armored) {
    this.text = text;
    this.canonical = canonical;
    this.armored = armored;
  }

  /** The signed lines as they are to be read, each ended by a line feed. */
  String text() {
    return text;
  }

  /**
   * The bytes over which the signatures are made: lines without trailing blanks, separated by
   * carriage return and line feed.
   */
  byte[] canonical() {
    return canonical;
  }

  /** The signatures, in ASCII armour. */
  byte[] armored() {
    return armored;
  }

  /**
   * Takes a file apart.
   *
   * @throws MalformedPackage when it is not exactly a signed text
   */
  static ClearSigned parse(byte[] file) throws MalformedPackage {
    // One character for each byte: signatures are over bytes, whatever they mean.
    List<String> lines = new String(file, StandardCharsets.ISO_8859_1).lines().toList();
    int at = 0;
    if (lines.isEmpty() || !lines.get(at++).equals(BEGIN)) {
      throw new MalformedPackage("the file does not start as a signed text");
    }
    while (at < lines.size() && !lines.get(at).isEmpty()) {
      if (!lines.get(at++).startsWith("Hash: ")) {
        throw new MalformedPackage("the signed text has an unknown header");
      }
    }
    List<String> content = new ArrayList<>();
    for (at++; at < lines.size() && !lines.get(at).equals(BEGIN_SIGNATURE); at++) {
      String line = lines.get(at);
      if (line.startsWith("- ")) {
        line = line.substring(2);
      } else if (line.startsWith("-")) {
        throw new MalformedPackage("the signed text has a line that starts with a dash");
      }
      content.add(line.replaceFirst("[ \t]+$", ""));
    }
    int signature = at;
    while (at < lines.size() && !lines.get(at).equals(END_SIGNATURE)) {
      at++;
    }
    if (at >= lines.size()) {
      throw new MalformedPackage("the signed text ends before its signature does");
    }
    List<String> armored = lines.subList(signature, at + 1);
    if (!lines.subList(at + 1, lines.size()).stream().allMatch(String::isBlank)) {
      throw new MalformedPackage("there is something after the signature");
    }
    byte[] canonical = String.join("\r\n", content).getBytes(StandardCharsets.ISO_8859_1);
    byte[] readable = (String.join("\n", content) + "\n").getBytes(StandardCharsets.ISO_8859_1);
    return new ClearSigned(
        new String(readable, StandardCharsets.UTF_8),
        canonical,
        (String.join("\n", armored) + "\n").getBytes(StandardCharsets.ISO_8859_1));
  }
}
