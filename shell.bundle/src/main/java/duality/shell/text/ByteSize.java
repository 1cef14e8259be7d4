package duality.shell.text;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes in bytes as people write them: {@code 512M}, {@code 1G}, {@code 4096}. Units are of 1,024.
 */
public final class ByteSize {
  private static final Pattern FORM = Pattern.compile("([0-9]{1,18})([KMGT]?)(?:i?B)?");
  private static final String UNITS = "KMGT";

  private ByteSize() {}

  /**
   * Reads a size.
   *
   * @param text digits, then nothing or K, M, G or T; lower case too
   * @return bytes
   * @throws IllegalArgumentException saying what would be right
   */
  public static long parse(String text) {
    Matcher matcher = FORM.matcher(text.toUpperCase(Locale.ROOT).replace("IB", "B"));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is no size; write bytes, or a number with K, M, G or T, such as 512M");
    }
    int unit = matcher.group(2).isEmpty() ? 0 : 1 + UNITS.indexOf(matcher.group(2));
    long number = Long.parseLong(matcher.group(1));
    if (number > Long.MAX_VALUE >> (10 * unit)) {
      throw new IllegalArgumentException("'" + text + "' is more than a computer can hold");
    }
    return number << (10 * unit);
  }

  /**
   * Writes a size: the largest unit of which there is at least one, with one digit behind the
   * point.
   */
  public static String show(long bytes) {
    if (bytes < 1024) {
      return bytes + "B";
    }
    int unit = 0;
    long whole = bytes;
    while (whole >= 1024 && unit < UNITS.length()) {
      whole >>= 10;
      unit++;
    }
    long one = 1L << (10 * unit);
    if (bytes % one == 0) {
      return whole + UNITS.substring(unit - 1, unit);
    }
    return String.format(Locale.ROOT, "%.1f%s", (double) bytes / one, UNITS.charAt(unit - 1));
  }
}
