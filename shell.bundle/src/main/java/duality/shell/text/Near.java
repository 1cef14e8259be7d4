package duality.shell.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Collectors;

/** Finds names that are likely to have been meant. */
public final class Near {
  private Near() {}

  /**
   * A sentence part to append to an error: {@code "; did you mean 'linux'?"}, or the possible names
   * when none is near and there are few, or nothing.
   */
  public static String hint(String typed, Collection<String> names) {
    String wanted = typed.toLowerCase(Locale.ROOT);
    int most = Math.max(1, wanted.length() / 3);
    String near =
        names.stream()
            .filter(
                name ->
                    distance(wanted, name.toLowerCase(Locale.ROOT)) <= most
                        || wanted.length() > 1 && name.toLowerCase(Locale.ROOT).startsWith(wanted)
                        || name.toLowerCase(Locale.ROOT).endsWith(":" + wanted))
            .sorted(
                Comparator.<String>comparingInt(name -> distance(wanted, name))
                    .thenComparing(Comparator.naturalOrder()))
            .limit(3)
            .map(name -> "'" + name + "'")
            .collect(Collectors.joining(" or "));
    if (!near.isEmpty()) {
      return "; did you mean " + near + "?";
    }
    if (names.isEmpty() || names.size() > 12) {
      return "";
    }
    return "; there is " + names.stream().sorted().collect(Collectors.joining(", "));
  }

  /** Edit distance of Levenshtein (1966), a swap of neighbours counted as one (Damerau, 1964). */
  static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      d[i][0] = i;
    }
    for (int j = 0; j <= b.length(); j++) {
      d[0][j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      for (int j = 1; j <= b.length(); j++) {
        int cost = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(Math.min(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + cost);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
