package duality.guests.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AptSettingsTest {

  private static final URI HTTP = URI.create("http://m.example/debian");
  private static final URI HTTPS = URI.create("https://m.example/debian");

  private static Optional<String> proxy(String dump, Map<String, String> environment, URI mirror) {
    return AptSettings.of(dump, environment).proxy(mirror).map(URI::toString);
  }

  @Test
  void nothingSaidMeansDirect() {
    assertEquals(Optional.empty(), proxy("APT \"\";\n", Map.of(), HTTP));
  }

  @Test
  void aptsProxyIsTakenForBothUnlessHttpsHasItsOwn() {
    String both = "Acquire::http::Proxy \"http://p.example:3128\";\n";
    assertEquals(Optional.of("http://p.example:3128"), proxy(both, Map.of(), HTTP));
    assertEquals(Optional.of("http://p.example:3128"), proxy(both, Map.of(), HTTPS));
    String own = both + "Acquire::https::proxy \"http://q.example:1\";\n";
    assertEquals(Optional.of("http://q.example:1"), proxy(own, Map.of(), HTTPS));
    assertEquals(
        Optional.empty(), proxy(both + "Acquire::https::Proxy \"DIRECT\";\n", Map.of(), HTTPS));
  }

  @Test
  void aProxyForOneHostComesFirst() {
    String dump =
        "Acquire::http::Proxy \"http://p.example:1\";\n"
            + "Acquire::http::Proxy::m.example \"DIRECT\";\n";
    assertEquals(Optional.empty(), proxy(dump, Map.of("http_proxy", "http://e.example:1"), HTTP));
    assertEquals(
        Optional.of("http://p.example:1"),
        proxy(dump, Map.of(), URI.create("http://other.example/debian")));
  }

  @Test
  void theEnvironmentCountsWhereAptSaysNothing() {
    Map<String, String> environment =
        Map.of("http_proxy", "http://e.example:1", "HTTPS_PROXY", "s.example:2");
    assertEquals(Optional.of("http://e.example:1"), proxy("", environment, HTTP));
    assertEquals(Optional.of("http://s.example:2"), proxy("", environment, HTTPS));
    assertEquals(
        Optional.of("http://a.example:3"),
        proxy("Acquire::http::Proxy \"http://a.example:3\";\n", environment, HTTP));
  }

  @Test
  void exceptionsInTheEnvironmentAreDirect() {
    for (String none : new String[] {"m.example", ".example", "x, *.example", "*"}) {
      assertEquals(
          Optional.empty(),
          proxy("", Map.of("http_proxy", "http://e.example:1", "no_proxy", none), HTTP),
          none);
    }
    assertEquals(
        Optional.of("http://e.example:1"),
        proxy("", Map.of("http_proxy", "http://e.example:1", "no_proxy", "ample"), HTTP));
  }

  @Test
  void otherKindsOfProxyAreRefused() {
    AptSettings socks =
        AptSettings.of("Acquire::http::Proxy \"socks5h://p.example:1\";\n", Map.of());
    assertThrows(IllegalArgumentException.class, () -> socks.proxy(HTTP));
  }

  @Test
  void certificatesAreFound() {
    AptSettings settings =
        AptSettings.of(
            "Acquire::https::CAInfo \"/a.crt\";\nAcquire::https::CAInfo::m.example \"/m.crt\";\n",
            Map.of());
    assertEquals(Optional.of("/m.crt"), settings.certificates(HTTPS));
    assertEquals(
        Optional.of("/a.crt"), settings.certificates(URI.create("https://n.example/debian")));
    assertEquals(Optional.empty(), AptSettings.of("", Map.of()).certificates(HTTPS));
  }
}
