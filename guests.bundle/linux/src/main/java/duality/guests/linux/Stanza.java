package duality.guests.linux;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A paragraph of "Name: value" fields, as Debian's indexes, release files and apt's {@code
 * .sources} files are written. Names are compared without regard to case; a value of several lines
 * is kept with its line ends, and without the blank that starts each further line.
 *
 * <p><em>Source:</em> deb822(5).
 */
final class Stanza {

  private final Map<String, String> fields;

  private Stanza(Map<String, String> fields) {
    this.fields = Collections.unmodifiableMap(fields);
  }

  /** The value of a field without blanks around it, or the empty string when there is none. */
  String get(String name) {
    return fields.getOrDefault(name.toLowerCase(Locale.ROOT), "").strip();
  }

  /** The words of a field that are separated by white space. */
  List<String> words(String name) {
    String value = get(name);
    return value.isEmpty() ? List.of() : List.of(value.split("\\s+"));
  }

  /** The lines of a field that are not blank. */
  List<String> lines(String name) {
    return get(name).lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
  }

  /** All paragraphs of a text. Lines that start with {@code #} are comments. */
  static List<Stanza> parse(List<String> lines) throws MalformedPackage {
    List<Stanza> stanzas = new ArrayList<>();
    Map<String, String> fields = new LinkedHashMap<>();
    String last = "";
    for (String line : lines) {
      if (line.startsWith("#")) {
        continue;
      }
      if (line.isBlank()) {
        if (!fields.isEmpty()) {
          stanzas.add(new Stanza(fields));
          fields = new LinkedHashMap<>();
          last = "";
        }
      } else if (line.charAt(0) == ' ' || line.charAt(0) == '\t') {
        if (last.isEmpty()) {
          throw new MalformedPackage("a line continues no field: " + shortened(line));
        }
        fields.merge(last, line.strip(), (value, more) -> value + "\n" + more);
      } else {
        int colon = line.indexOf(':');
        if (colon <= 0) {
          throw new MalformedPackage("a line is no field: " + shortened(line));
        }
        last = line.substring(0, colon).strip().toLowerCase(Locale.ROOT);
        if (fields.put(last, line.substring(colon + 1).strip()) != null) {
          throw new MalformedPackage("a field is there twice: " + shortened(line));
        }
      }
    }
    if (!fields.isEmpty()) {
      stanzas.add(new Stanza(fields));
    }
    return stanzas;
  }

  private static String shortened(String line) {
    return line.length() <= 80 ? line : line.substring(0, 77) + "...";
  }
}
