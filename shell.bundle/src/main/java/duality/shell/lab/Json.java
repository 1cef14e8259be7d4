package duality.shell.lab;

import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes maps, lists, numbers and texts as JSON (RFC 8259), indented. */
final class Json {
  private Json() {}

  static String write(Object value) {
    StringBuilder out = new StringBuilder();
    write(out, value, "\n");
    return out.toString();
  }

  private static void write(StringBuilder out, @Nullable Object value, String line) {
    switch (value) {
      case null -> out.append("null");
      case Boolean flag -> out.append(flag);
      case Double number ->
          out.append(Double.isFinite(number) ? String.format(Locale.ROOT, "%.6g", number) : "null");
      case Number number -> out.append(number);
      case Map<?, ?> map -> {
        String inner = line + "  ";
        String comma = "";
        out.append('{');
        for (Map.Entry<?, ?> each : map.entrySet()) {
          out.append(comma).append(inner);
          text(out, String.valueOf(each.getKey()));
          out.append(": ");
          write(out, each.getValue(), inner);
          comma = ",";
        }
        out.append(map.isEmpty() ? "}" : line + "}");
      }
      case Collection<?> list -> {
        String inner = line + "  ";
        String comma = "";
        out.append('[');
        for (Object each : list) {
          out.append(comma).append(inner);
          write(out, each, inner);
          comma = ",";
        }
        out.append(list.isEmpty() ? "]" : line + "]");
      }
      default -> text(out, value.toString());
    }
  }

  private static void text(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> out.append('\\').append(c);
        case '\n' -> out.append("\\n");
        default -> {
          if (c < ' ') {
            out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
