package duality.drivers.testing;

import duality.kernel.State;
import java.util.Arrays;
import java.util.List;

/** Writes a state down, so that two of them can be compared and the difference be read. */
public final class StateText {
  private StateText() {}

  /** One line per value. */
  public static String of(State state) {
    StringBuilder text = new StringBuilder();
    write(state, "", text);
    return text.toString();
  }

  private static void write(Object value, String indent, StringBuilder text) {
    switch (value) {
      case State state -> {
        text.append(state.schema()).append(' ').append(state.version()).append('\n');
        state
            .values()
            .forEach(
                (name, each) -> {
                  text.append(indent).append("  ").append(name).append(" = ");
                  write(each, indent + "  ", text);
                });
      }
      case byte[] bytes -> text.append(Arrays.toString(bytes)).append('\n');
      case long[] numbers -> text.append(Arrays.toString(numbers)).append('\n');
      case List<?> list -> {
        text.append("list of ").append(list.size()).append('\n');
        for (Object each : list) {
          text.append(indent).append("  - ");
          write(each, indent + "  ", text);
        }
      }
      default -> text.append(value).append('\n');
    }
  }
}
