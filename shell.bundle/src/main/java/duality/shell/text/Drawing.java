package duality.shell.text;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Draws the values of commands: a list of records as a table, one record as lines of name and
 * value, everything else as it says itself.
 *
 * <p>The name of a record's component says its unit: {@code …Bytes} is drawn as a size, {@code
 * …Nanos} and {@code …Micros} as a length of time, and the unit is left out of the title.
 */
public final class Drawing {
  private Drawing() {}

  /** Draws a value for a screen of that width; null when it is of no kind that is drawn here. */
  public static @Nullable String draw(@Nullable Object value, int width) {
    if (value instanceof Record one) {
      return lines(one);
    }
    if (value instanceof Collection<?> many) {
      if (many.isEmpty()) {
        return "(none)";
      }
      Class<?> type = many.iterator().next() instanceof Record first ? first.getClass() : null;
      if (type != null && many.stream().allMatch(type::isInstance)) {
        return table(type.getRecordComponents(), many, width);
      }
      if (many.stream().allMatch(each -> each instanceof CharSequence || each instanceof Number)) {
        return many.stream().map(Object::toString).collect(Collectors.joining("\n"));
      }
    }
    return null;
  }

  /** Draws a value within a line. */
  public static @Nullable String inline(Object value) {
    if (value instanceof Record one) {
      List<String> parts = new ArrayList<>();
      for (RecordComponent component : one.getClass().getRecordComponents()) {
        parts.add(title(component) + "=" + cell(component, read(component, one)));
      }
      return String.join(" ", parts);
    }
    return null;
  }

  private static String table(RecordComponent[] components, Collection<?> values, int width) {
    List<Table.Column> columns = new ArrayList<>();
    for (RecordComponent component : components) {
      columns.add(
          new Table.Column(
              title(component),
              component.getType().isPrimitive() && component.getType() != boolean.class));
    }
    Table table = new Table(columns);
    for (Object value : values) {
      List<String> cells = new ArrayList<>();
      for (RecordComponent component : components) {
        cells.add(cell(component, read(component, value)));
      }
      table.row(cells);
    }
    return table.draw(width);
  }

  private static String lines(Record value) {
    RecordComponent[] components = value.getClass().getRecordComponents();
    int widest = 0;
    for (RecordComponent component : components) {
      widest = Math.max(widest, title(component).length());
    }
    List<String> lines = new ArrayList<>();
    String indent = " ".repeat(widest + 2);
    for (RecordComponent component : components) {
      String cell = cell(component, read(component, value)).stripTrailing();
      String title = title(component);
      lines.add(
          (title + indent.substring(title.length()) + cell.replace("\n", "\n" + indent))
              .stripTrailing());
    }
    return String.join("\n", lines);
  }

  private static String cell(RecordComponent component, @Nullable Object value) {
    String name = component.getName();
    return switch (value) {
      case null -> "";
      case Boolean flag -> flag ? "yes" : "no";
      case Long number when name.endsWith("Bytes") -> ByteSize.show(number);
      case Long number when name.endsWith("Nanos") -> Span.show(number);
      case Long number when name.endsWith("Micros") -> Span.show(1000 * number);
      case Double number -> String.format(Locale.ROOT, "%.3f", number);
      case Collection<?> many ->
          many.stream().map(String::valueOf).collect(Collectors.joining(", "));
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(entry -> entry.getKey() + "=" + entry.getValue())
              .collect(Collectors.joining("\n"));
      default -> value.toString();
    };
  }

  private static String title(RecordComponent component) {
    String name = component.getName().replaceFirst("(?<=.)(Bytes|Nanos|Micros)$", "");
    return name.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
  }

  private static @Nullable Object read(RecordComponent component, Object value) {
    try {
      var accessor = component.getAccessor();
      accessor.trySetAccessible();
      return accessor.invoke(value);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalArgumentException("cannot read " + component.getName(), e);
    }
  }
}
