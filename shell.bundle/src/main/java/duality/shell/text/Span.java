package duality.shell.text;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Lengths of time as people write them: {@code 60s}, {@code 500ms}, {@code 2m}. */
public final class Span {
  private static final Pattern FORM = Pattern.compile("([0-9]{1,9})(ns|us|µs|ms|s|m|h)");

  private Span() {}

  /**
   * Reads a length of time.
   *
   * @param text digits and a unit: ns, us, ms, s, m or h
   * @throws IllegalArgumentException saying what would be right
   */
  public static Duration parse(String text) {
    Matcher matcher = FORM.matcher(text.toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is no length of time; write a number with ns, us, ms, s, m or h, such as 60s");
    }
    long number = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ns" -> Duration.ofNanos(number);
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      default -> Duration.ofNanos(1000 * number);
    };
  }

  /**
   * Writes a length of time with about three digits: {@code 17µs}, {@code 4.21ms}, {@code 1m03s}.
   */
  public static String show(long nanos) {
    if (nanos < 0) {
      return "-" + show(nanos == Long.MIN_VALUE ? Long.MAX_VALUE : -nanos);
    }
    if (nanos < 1_000) {
      return nanos + "ns";
    }
    if (nanos < 1_000_000) {
      return digits(nanos, 1e3) + "µs";
    }
    if (nanos < 1_000_000_000L) {
      return digits(nanos, 1e6) + "ms";
    }
    if (nanos < 60_000_000_000L) {
      return digits(nanos, 1e9) + "s";
    }
    long seconds = nanos / 1_000_000_000L;
    if (seconds < 3600) {
      return String.format(Locale.ROOT, "%dm%02ds", seconds / 60, seconds % 60);
    }
    return String.format(
        Locale.ROOT, "%dh%02dm%02ds", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }

  private static String digits(long nanos, double unit) {
    double value = nanos / unit;
    String form = value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f";
    return String.format(Locale.ROOT, form, value);
  }
}
