package duality.faults;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What became of one injection.
 *
 * @param number which of its kind of component, from 0
 * @param component the kind of component
 * @param fault the kind of fault
 * @param text where and what
 * @param refused the mutant did not come into service: its bundle or its swap was refused
 * @param manifested what the client saw differed
 * @param noticed the system saw by itself that a server failed
 * @param contained no other client and not the core was affected
 * @param alive the core answers, and the JVM is there
 * @param recoveredMillis until the client was served again without a person; -1 when it was not
 *     within 5 s, or did not have to be
 * @param servedBy the server that was there when the watching ended: {@code good}, {@code mutant},
 *     {@code other} or {@code none}
 * @param dataCorrect every acknowledged byte was on the disk
 * @param wrong the client got a wrong answer, not just none
 * @param symptom what was seen first, and what was remarkable
 */
record Verdict(
    int number,
    Component component,
    FaultKind fault,
    String text,
    boolean refused,
    boolean manifested,
    boolean noticed,
    boolean contained,
    boolean alive,
    long recoveredMillis,
    String servedBy,
    boolean dataCorrect,
    boolean wrong,
    String symptom) {
  private static final Pattern FIELD =
      Pattern.compile("\"(\\w+)\":(?:\"((?:[^\"\\\\]|\\\\.)*)\"|(-?\\w+))");

  /**
   * Wrong answers or bytes, and nothing noticed: by all that the system knows, nothing is wrong.
   */
  boolean silent() {
    return manifested && !noticed && (wrong || !dataCorrect);
  }

  /** No answer, and nothing noticed. */
  boolean missed() {
    return manifested && !noticed && !silent();
  }

  /** A fault that does nothing but stop its server, and was noticed. */
  boolean failStop() {
    return noticed && fault.stops();
  }

  boolean recovered() {
    return recoveredMillis >= 0;
  }

  /** The same, with harm that was seen later. */
  Verdict notContained(String harm) {
    return new Verdict(
        number,
        component,
        fault,
        text,
        refused,
        manifested,
        noticed,
        false,
        alive,
        recoveredMillis,
        servedBy,
        dataCorrect,
        wrong,
        symptom + " [" + harm + "]");
  }

  String json(long seed) {
    return "{\"seed\":%d,\"number\":%d,\"component\":\"%s\",\"fault\":\"%s\",\"what\":\"%s\",\"refused\":%b,\"manifested\":%b,\"noticed\":%b,\"contained\":%b,\"alive\":%b,\"recoveredMillis\":%d,\"servedBy\":\"%s\",\"dataCorrect\":%b,\"wrong\":%b,\"symptom\":\"%s\"}"
        .formatted(
            seed,
            number,
            component.label(),
            fault.label(),
            escape(text),
            refused,
            manifested,
            noticed,
            contained,
            alive,
            recoveredMillis,
            servedBy,
            dataCorrect,
            wrong,
            escape(symptom));
  }

  /**
   * Reads a line of {@link #json}.
   *
   * @return null when it is of a campaign with another seed
   * @throws IllegalArgumentException when it is no such line
   */
  static @Nullable Verdict parse(String line, long seed) {
    Map<String, String> fields = new HashMap<>();
    Matcher matcher = FIELD.matcher(line);
    while (matcher.find()) {
      String text = matcher.group(2);
      fields.put(matcher.group(1), text == null ? matcher.group(3) : unescape(text));
    }
    Function<String, String> field =
        name -> {
          String value = fields.get(name);
          if (value == null) {
            throw new IllegalArgumentException("a verdict without '" + name + "': " + line);
          }
          return value;
        };
    if (Long.parseLong(field.apply("seed")) != seed) {
      return null;
    }
    return new Verdict(
        Integer.parseInt(field.apply("number")),
        Component.of(field.apply("component")),
        FaultKind.valueOf(field.apply("fault").toUpperCase(Locale.ROOT)),
        field.apply("what"),
        Boolean.parseBoolean(field.apply("refused")),
        Boolean.parseBoolean(field.apply("manifested")),
        Boolean.parseBoolean(field.apply("noticed")),
        Boolean.parseBoolean(field.apply("contained")),
        Boolean.parseBoolean(field.apply("alive")),
        Long.parseLong(field.apply("recoveredMillis")),
        field.apply("servedBy"),
        Boolean.parseBoolean(field.apply("dataCorrect")),
        Boolean.parseBoolean(field.apply("wrong")),
        field.apply("symptom"));
  }

  private static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        escaped.append('\\').append(c);
      } else if (c < ' ') {
        escaped.append("\\u%04x".formatted((int) c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }

  private static String unescape(String text) {
    StringBuilder plain = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\\') {
        plain.append(c);
      } else if (text.charAt(++i) == 'u') {
        plain.append((char) Integer.parseInt(text.substring(i + 1, i + 5), 16));
        i += 4;
      } else {
        plain.append(text.charAt(i));
      }
    }
    return plain.toString();
  }
}
