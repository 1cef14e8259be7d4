package duality.guests.linux;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How this host reaches a mirror: the proxy and the certificates that apt is told to use, and the
 * usual environment variables where apt says nothing.
 *
 * <p><em>Source:</em> apt.conf(5), apt-transport-http(1), apt-transport-https(1).
 */
final class AptSettings {

  private static final Pattern LINE = Pattern.compile("([A-Za-z0-9:_.-]+) \"(.*)\";");

  private final Map<String, String> settings;
  private final Map<String, String> environment;

  private AptSettings(Map<String, String> settings, Map<String, String> environment) {
    this.settings = settings;
    this.environment = environment;
  }

  /** What {@code apt-config} says on this host, or nothing where there is no apt. */
  static AptSettings ofThisHost() {
    return of(dump(), System.getenv());
  }

  /**
   * Takes what {@code apt-config dump} prints.
   *
   * @param dump lines of the form {@code Name "value";}
   */
  static AptSettings of(String dump, Map<String, String> environment) {
    Map<String, String> settings = new HashMap<>();
    dump.lines()
        .map(LINE::matcher)
        .filter(Matcher::matches)
        .forEach(m -> settings.put(m.group(1).toLowerCase(Locale.ROOT), m.group(2)));
    return new AptSettings(settings, Map.copyOf(environment));
  }

  /**
   * The proxy for a mirror, or empty to go there directly.
   *
   * @throws IllegalArgumentException when the setting is not an address
   */
  Optional<URI> proxy(URI mirror) {
    String scheme = mirror.getScheme();
    String host = mirror.getHost() == null ? "" : mirror.getHost();
    // What is not said for https is as for http.
    for (String method :
        scheme.equals("https") ? new String[] {"https", "http"} : new String[] {scheme}) {
      for (String name : new String[] {"::Proxy::" + host, "::Proxy"}) {
        String value = setting("Acquire::" + method + name);
        if (!value.isEmpty()) {
          return value.equalsIgnoreCase("DIRECT") ? Optional.empty() : Optional.of(address(value));
        }
      }
    }
    String value = variable(scheme + "_proxy");
    return value.isEmpty() || isExcepted(host)
        ? Optional.empty()
        : Optional.of(address(value.contains("://") ? value : "http://" + value));
  }

  /** The file of certificates that may sign an https mirror's, or empty for the host's own. */
  Optional<String> certificates(URI mirror) {
    String own = setting("Acquire::https::CAInfo::" + mirror.getHost());
    String value = own.isEmpty() ? setting("Acquire::https::CAInfo") : own;
    return value.isEmpty() ? Optional.empty() : Optional.of(value);
  }

  private String setting(String name) {
    return settings.getOrDefault(name.toLowerCase(Locale.ROOT), "");
  }

  private String variable(String name) {
    String value = environment.getOrDefault(name, "");
    return value.isEmpty() && !name.equals("http_proxy")
        ? environment.getOrDefault(name.toUpperCase(Locale.ROOT), "")
        : value;
  }

  private boolean isExcepted(String host) {
    for (String exception : variable("no_proxy").split(",", -1)) {
      String name = exception.strip().replaceFirst("^\\*?\\.", "");
      if (!name.isEmpty() && (name.equals("*") || host.equals(name) || host.endsWith("." + name))) {
        return true;
      }
    }
    return false;
  }

  private static URI address(String value) {
    URI uri = URI.create(value);
    if (uri.getHost() == null || !"http".equals(uri.getScheme())) {
      throw new IllegalArgumentException("only http proxies can be used");
    }
    return uri;
  }

  private static String dump() {
    try {
      Process process =
          new ProcessBuilder("apt-config", "dump")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      process.getOutputStream().close();
      try (InputStream out = process.getInputStream()) {
        String text = new String(out.readNBytes(1 << 20), StandardCharsets.UTF_8);
        process.waitFor(5, TimeUnit.SECONDS);
        return text;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return "";
      } finally {
        process.destroy();
      }
    } catch (IOException e) {
      return "";
    }
  }
}
