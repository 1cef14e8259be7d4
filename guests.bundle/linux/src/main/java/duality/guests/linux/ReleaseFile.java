package duality.guests.linux;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The table of contents of one suite of an archive: which index files there are, with sizes and
 * hashes.
 *
 * @param origin who made it, for instance {@code Debian}
 * @param suite its role, for instance {@code stable}
 * @param codename its name, for instance {@code trixie}
 * @param version of the release, or empty
 * @param date when it was made
 * @param byHash whether files can also be asked for by their hash
 * @param files index files by path below the suite's folder
 */
record ReleaseFile(
    String origin,
    String suite,
    String codename,
    String version,
    Instant date,
    boolean byHash,
    Map<String, Listed> files) {

  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("EEE, d MMM yyyy HH:mm:ss z", Locale.ENGLISH);

  /**
   * What the table says about a file.
   *
   * @param size in bytes
   * @param sha256 its hash in 64 lower-case hexadecimal digits
   */
  record Listed(long size, String sha256) {

    Listed {
      if (size < 0 || !sha256.matches("[0-9a-f]{64}")) {
        throw new IllegalArgumentException("no size and SHA-256: " + size + " " + sha256);
      }
    }
  }

  ReleaseFile {
    files = Map.copyOf(files);
  }

  /** Parses the text of a release file, which should have been authenticated before. */
  static ReleaseFile parse(String text) throws MalformedPackage {
    List<Stanza> stanzas = Stanza.parse(text.lines().toList());
    if (stanzas.size() != 1) {
      throw new MalformedPackage("a release file has one paragraph, not " + stanzas.size());
    }
    Stanza stanza = stanzas.getFirst();
    Map<String, Listed> files = new HashMap<>();
    for (String line : stanza.lines("SHA256")) {
      String[] words = line.split("\\s+", 3);
      try {
        files.put(words[2], new Listed(Long.parseLong(words[1]), words[0]));
      } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
        throw new MalformedPackage("the release file lists '" + line + "'", e);
      }
    }
    if (files.isEmpty()) {
      throw new MalformedPackage("the release file lists no file with its SHA-256");
    }
    try {
      return new ReleaseFile(
          stanza.get("Origin"),
          stanza.get("Suite"),
          stanza.get("Codename"),
          stanza.get("Version"),
          ZonedDateTime.parse(stanza.get("Date"), DATE).toInstant(),
          stanza.get("Acquire-By-Hash").equals("yes"),
          files);
    } catch (DateTimeException e) {
      throw new MalformedPackage("the release file's date is '" + stanza.get("Date") + "'", e);
    }
  }
}
