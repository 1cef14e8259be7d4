package duality.library.inside;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The arguments of one call, by name. */
record Request(Map<String, Object> arguments) {
  /** A text that was given. */
  Optional<String> given(String name) {
    return Optional.ofNullable(arguments.get(name)).map(Object::toString);
  }

  /** A text that has to be there. */
  String text(String name) {
    return given(name)
        .orElseThrow(() -> new IllegalArgumentException("there is no argument " + name));
  }

  /** A number that has to be there. */
  long number(String name) {
    return Long.parseLong(text(name));
  }

  /** Texts; none when there is no such argument. */
  List<String> texts(String name) {
    return arguments.get(name) instanceof List<?> list
        ? list.stream().map(Object::toString).toList()
        : List.of();
  }
}
