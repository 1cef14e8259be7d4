package duality.root;

import duality.kernel.CallFailed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The routing file, read and checked. Its format is described in the file itself. */
final class Routing {
  /**
   * One line.
   *
   * @param pattern which paths
   * @param servers the servers, best first
   * @param start protocol to start it with, empty when others make it
   * @param shared whether clients get it as a service
   * @param control whether its server controls the kernel
   */
  record Route(
      String pattern, List<String> servers, String start, boolean shared, boolean control) {}

  /** A quota in bytes. */
  record Quota(String pattern, long bytes) {}

  /** In the place of a server: any that asks for the path. */
  static final String WHO_ASKS = "*";

  private static final Pattern SIZE = Pattern.compile("(\\d{1,9})([KMGT])");

  final List<Route> routes;
  final List<Quota> quotas;

  private Routing(List<Route> routes, List<Quota> quotas) {
    this.routes = List.copyOf(routes);
    this.quotas = List.copyOf(quotas);
  }

  /**
   * Reads a routing file.
   *
   * @throws IllegalArgumentException naming the line that is wrong and what would be right
   */
  static Routing read(String text) {
    List<Route> routes = new ArrayList<>();
    List<Quota> quotas = new ArrayList<>();
    int number = 0;
    for (String raw : text.split("\n", -1)) {
      number++;
      String line = raw.replaceFirst("#.*", "").strip();
      if (line.startsWith("quota ")) {
        quotas.add(quota(line, number));
      } else if (!line.isEmpty()) {
        routes.add(route(line, number));
      }
    }
    return new Routing(routes, quotas);
  }

  private static Quota quota(String line, int number) {
    String[] words = line.split("\\s+");
    Matcher size = SIZE.matcher(words.length == 3 ? words[2].toUpperCase(Locale.ROOT) : "");
    if (!size.matches()) {
      throw wrong(number, "a quota is 'quota PATTERN SIZE' such as 'quota task/* 512M'");
    }
    long bytes = Long.parseLong(size.group(1)) << 10 * (1 + "KMGT".indexOf(size.group(2)));
    return new Quota(words[1], bytes);
  }

  private static Route route(String line, int number) {
    String[] words = line.replaceAll("\\s*,\\s*", ",").split("\\s+");
    if (words.length < 2) {
      throw wrong(number, "a route is 'PATTERN SERVER[, SPARE...] [options]'");
    }
    String start = "";
    boolean shared = false;
    boolean control = false;
    for (String option : Arrays.copyOfRange(words, 2, words.length)) {
      if (option.startsWith("start=") && !words[0].contains("*")) {
        start = option.substring("start=".length());
      } else if (option.equals("shared")) {
        shared = true;
      } else if (option.equals("control")) {
        control = true;
      } else {
        throw wrong(
            number,
            "'" + option + "' is none of start=PROTOCOL (for a path without *), shared, control");
      }
    }
    List<String> servers = List.of(words[1].split(","));
    if (servers.contains(WHO_ASKS) && (control || !start.isEmpty())) {
      throw wrong(number, "who asks for a path gets no control, and root does not start it");
    }
    return new Route(words[0], servers, start, shared, control);
  }

  /** Whether a server that asks for a path may have it. */
  boolean mayAsk(String path) {
    return routes.stream()
        .filter(each -> matches(each.pattern, path))
        .findFirst()
        .map(each -> each.servers.contains(WHO_ASKS))
        .orElse(false);
  }

  /** The patterns of paths that servers may ask for. */
  List<String> asked() {
    return routes.stream()
        .filter(each -> each.servers.contains(WHO_ASKS))
        .map(Route::pattern)
        .toList();
  }

  private static IllegalArgumentException wrong(int line, String what) {
    return new IllegalArgumentException("routing file, line " + line + ": " + what);
  }

  /** The first route for a path. */
  Route route(String path) {
    for (Route each : routes) {
      if (matches(each.pattern, path)) {
        return each;
      }
    }
    throw new CallFailed.BadRequest(
        "no line of root's routing file is for '"
            + path
            + "'; patterns: "
            + routes.stream().map(Route::pattern).toList());
  }

  /** Whether {@code *} in the pattern, standing for any part of one segment, makes it the path. */
  static boolean matches(String pattern, String path) {
    String[] parts = pattern.split("\\*", -1);
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < parts.length; i++) {
      regex.append(i == 0 ? "" : "[^/]*").append(Pattern.quote(parts[i]));
    }
    return path.matches(regex.toString());
  }
}
