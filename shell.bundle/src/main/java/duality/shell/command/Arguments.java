package duality.shell.command;

import duality.shell.text.ByteSize;
import duality.shell.text.Near;
import duality.shell.text.Span;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The words of one call, sorted by a {@link Syntax} and checked in their form. */
public final class Arguments {
  private static final String QUOTING =
      "is empty: a $variable without a value? Write $ as \\$ or put it in 'single quotes'";

  private final Map<String, List<Object>> values;

  private Arguments(Map<String, List<Object>> values) {
    this.values = values;
  }

  /** Whether the words ask for help instead of the command's work. */
  public static boolean askForHelp(Syntax syntax, List<?> words) {
    int place = 0;
    for (Object each : words) {
      String word = String.valueOf(each);
      if (word.equals("--help")) {
        return true;
      }
      Syntax.Parameter parameter = syntax.parameter(place);
      if (word.equals("--") || !word.startsWith("--") && parameter != null && parameter.closed()) {
        return false;
      }
      place += word.startsWith("--") ? 0 : 1;
    }
    return false;
  }

  /**
   * Sorts and checks words.
   *
   * @throws CommandFailed saying which word is wrong, why, and what would be right
   */
  public static Arguments parse(Syntax syntax, List<? extends @Nullable Object> words)
      throws CommandFailed {
    Map<String, List<Object>> values = new LinkedHashMap<>();
    int place = 0;
    Syntax.Parameter first = syntax.parameter(0);
    // A command without options that takes any words takes those with dashes too, as echo does.
    boolean options = !syntax.options().isEmpty() || first == null || !first.closed();
    for (int i = 0; i < words.size(); i++) {
      Object word = words.get(i);
      if (word == null) {
        throw usage(syntax, "word " + (i + 1) + " " + QUOTING);
      }
      if (options && word.toString().equals("--")) {
        options = false;
      } else if (options && isOption(syntax, word.toString())) {
        String text = word.toString();
        int equals = text.indexOf('=');
        String name = equals < 0 ? text : text.substring(0, equals);
        Syntax.Option option = syntax.option(name).orElse(null);
        if (option == null) {
          List<String> names = syntax.options().stream().map(Syntax.Option::name).toList();
          throw usage(syntax, "there is no option " + name + Near.hint(name, names));
        }
        Object value = true;
        if (option.kind() != Kind.FLAG) {
          if (equals < 0 && i + 1 == words.size()) {
            throw usage(syntax, name + " needs a value: " + option.usage());
          }
          Object next = equals < 0 ? words.get(++i) : text.substring(equals + 1);
          if (next == null) {
            throw usage(syntax, "the value of " + name + " " + QUOTING);
          }
          value = check(syntax, name, option.kind(), option.choices(), next);
        } else if (equals >= 0) {
          throw usage(syntax, name + " takes no value");
        }
        List<Object> given = values.computeIfAbsent(name, key -> new ArrayList<>());
        if (!given.isEmpty() && !option.repeated()) {
          throw usage(syntax, name + " is given twice");
        }
        given.add(value);
      } else {
        Syntax.Parameter parameter = syntax.parameter(place);
        if (parameter == null) {
          throw usage(syntax, "'" + word + "' is one word too many");
        }
        if (parameter.closed()) {
          options = false;
        }
        values
            .computeIfAbsent(parameter.name(), key -> new ArrayList<>())
            .add(check(syntax, parameter.name(), parameter.kind(), List.of(), word));
        place++;
      }
    }
    for (Syntax.Parameter parameter : syntax.parameters()) {
      if (!parameter.optional() && !values.containsKey(parameter.name())) {
        throw usage(syntax, parameter.name() + " is missing: " + parameter.text());
      }
    }
    return new Arguments(values);
  }

  /** Two dashes, or one of the few short options that the command has. */
  private static boolean isOption(Syntax syntax, String word) {
    return word.startsWith("--") || word.startsWith("-") && syntax.option(word).isPresent();
  }

  private static Object check(
      Syntax syntax, String name, Kind kind, List<String> choices, Object value)
      throws CommandFailed {
    if (kind == Kind.VALUE || kind == Kind.BLOCK) {
      return value;
    }
    String text = value.toString();
    try {
      kind.check(text);
    } catch (IllegalArgumentException e) {
      throw usage(syntax, name + ": " + e.getMessage());
    }
    if (!choices.isEmpty() && !choices.contains(text)) {
      throw usage(syntax, name + ": '" + text + "' is not one of " + String.join(", ", choices));
    }
    return text;
  }

  private static CommandFailed usage(Syntax syntax, String what) {
    return new CommandFailed(what + "\n  usage: " + syntax.usage());
  }

  /** Whether a parameter or option was given. */
  public boolean has(String name) {
    return values.containsKey(name);
  }

  /** The one value of a parameter or option that was given, as it came. */
  public Object value(String name) {
    List<Object> given = values.get(name);
    if (given == null) {
      throw new NoSuchElementException(name);
    }
    return given.getFirst();
  }

  /** All values of a repeated option, or all words of the rest, as they came. */
  public List<Object> values(String name) {
    return values.getOrDefault(name, List.of());
  }

  /** The text of a parameter that must be there; several words are joined by blanks. */
  public String text(String name) {
    return String.join(" ", texts(name));
  }

  /** The text of a parameter or option, or {@code otherwise}. */
  public String text(String name, String otherwise) {
    return has(name) ? text(name) : otherwise;
  }

  /** The text of a parameter or option. */
  public Optional<String> given(String name) {
    return has(name) ? Optional.of(text(name)) : Optional.empty();
  }

  /** All values of a repeated option, or all words of the rest. */
  public List<String> texts(String name) {
    return values.getOrDefault(name, List.of()).stream().map(Object::toString).toList();
  }

  /** A size in bytes, or {@code otherwise}. */
  public long bytes(String name, long otherwise) {
    return has(name) ? ByteSize.parse(text(name)) : otherwise;
  }

  /** A length of time. */
  public Optional<Duration> time(String name) {
    return given(name).map(Span::parse);
  }

  /** A whole number, or {@code otherwise}. */
  public int count(String name, int otherwise) {
    return has(name) ? Integer.parseInt(text(name)) : otherwise;
  }
}
