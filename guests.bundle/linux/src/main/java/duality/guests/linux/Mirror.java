package duality.guests.linux;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Authenticator;
import java.net.InetSocketAddress;
import java.net.PasswordAuthentication;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * One mirror of an archive, over http, https or as a folder of this machine.
 *
 * <p>Reaches it as apt would: by its proxy, and with the certificates of this host rather than
 * those of the JDK.
 */
final class Mirror implements AutoCloseable {

  private static final List<Path> HOST_CERTIFICATES =
      List.of(
          Path.of("/etc/ssl/certs/ca-certificates.crt"),
          Path.of("/etc/pki/tls/certs/ca-bundle.crt"),
          Path.of("/etc/ssl/cert.pem"));

  private final URI root;
  private final Duration patience;
  private final Optional<HttpClient> http;

  /**
   * The bytes of a file from some place on.
   *
   * @param content the bytes
   * @param start where in the file they begin; 0 when the mirror cannot start elsewhere
   * @param length how many there are, or -1 when the mirror does not say
   */
  record Opened(InputStream content, long start, long length) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      content.close();
    }
  }

  /**
   * Prepares to read from a mirror; nothing is sent yet.
   *
   * @param patience how long to wait for a connection, an answer, or more bytes
   * @throws IllegalArgumentException when the address or a setting cannot be used
   */
  Mirror(URI root, AptSettings settings, Duration patience) {
    String scheme = root.getScheme() == null ? "" : root.getScheme();
    this.root = URI.create(root.toString().replaceFirst("/*$", "/"));
    this.patience = patience;
    this.http =
        switch (scheme) {
          case "http", "https" -> Optional.of(client(root, settings, patience));
          case "file", "copy" -> Optional.empty();
          default ->
              throw new IllegalArgumentException(
                  "'" + root + "' is no address that starts with http, https or file");
        };
  }

  /** The root, for messages; without a user's name and password. */
  String shown() {
    String text = root.toString();
    String user = root.getRawUserInfo();
    return user == null ? text : text.replace(user + "@", "");
  }

  /**
   * Opens a file.
   *
   * @param path below the root
   * @param from the first byte that is wanted
   * @throws FileNotFoundException when the mirror does not have it
   * @throws IOException when the mirror cannot be reached or refuses
   * @throws InterruptedException when this thread is interrupted
   */
  Opened open(String path, long from) throws IOException, InterruptedException {
    URI uri = root.resolve(path.replace("+", "%2B"));
    return http.isPresent() ? request(http.get(), uri, from) : file(path, from);
  }

  private Opened request(HttpClient client, URI uri, long from)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).timeout(patience).header("User-Agent", "duality");
    if (from > 0) {
      request.header("Range", "bytes=" + from + "-");
    }
    HttpResponse<InputStream> response =
        client.send(request.build(), head -> new HttpBody(patience));
    InputStream content = response.body();
    long length = response.headers().firstValueAsLong("Content-Length").orElse(-1);
    int status = response.statusCode();
    if (status == 206 && from > 0) {
      String range = response.headers().firstValue("Content-Range").orElse("");
      if (range.startsWith("bytes " + from + "-")) {
        return new Opened(content, from, length);
      }
    } else if (status == 200) {
      return new Opened(content, 0, length);
    }
    content.close();
    if (status == 416 || status == 206) {
      // What is here already does not fit what is there: from the start.
      return request(client, uri, 0);
    }
    if (status == 404 || status == 410) {
      throw new FileNotFoundException("the mirror has no " + uri.getPath());
    }
    throw new IOException("the mirror answered with status " + status + " for " + uri.getPath());
  }

  private Opened file(String path, long from) throws IOException {
    Path file = Path.of(root.getPath()).resolve(path);
    try {
      SeekableByteChannel channel = Files.newByteChannel(file);
      long start = Math.min(from, channel.size());
      channel.position(start);
      return new Opened(Channels.newInputStream(channel), start, channel.size() - start);
    } catch (NoSuchFileException e) {
      throw new FileNotFoundException("there is no file " + file);
    }
  }

  @Override
  public void close() {
    // A plain close would wait for a server that stopped in the middle.
    http.ifPresent(HttpClient::shutdownNow);
  }

  private static HttpClient client(URI root, AptSettings settings, Duration patience) {
    if (root.getHost() == null) {
      throw new IllegalArgumentException("'" + root + "' names no host");
    }
    // HTTP/1.1: over plain http the client would otherwise offer a change to HTTP/2 that some
    // caches refuse.
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .connectTimeout(patience);
    Optional<URI> proxy = settings.proxy(root);
    if (proxy.isPresent()) {
      URI address = proxy.get();
      int port = address.getPort() < 0 ? 80 : address.getPort();
      builder.proxy(ProxySelector.of(new InetSocketAddress(address.getHost(), port)));
      if (address.getUserInfo() != null) {
        builder.authenticator(new ProxyUser(address.getUserInfo()));
      }
    } else {
      builder.proxy(HttpClient.Builder.NO_PROXY);
    }
    if (root.getScheme().equals("https")) {
      certificates(settings.certificates(root)).ifPresent(builder::sslContext);
    }
    return builder.build();
  }

  private static Optional<SSLContext> certificates(Optional<String> named) {
    Optional<Path> file =
        named
            .map(Path::of)
            .or(() -> HOST_CERTIFICATES.stream().filter(Files::isReadable).findFirst());
    if (file.isEmpty()) {
      return Optional.empty();
    }
    try (InputStream in = Files.newInputStream(file.get())) {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int number = 0;
      for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("ca" + number++, each);
      }
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return Optional.of(context);
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalArgumentException(
          "the certificates in " + file.get() + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** The name and password that a proxy's address holds. */
  private static final class ProxyUser extends Authenticator {
    private final String[] user;

    ProxyUser(String userInfo) {
      this.user = userInfo.split(":", 2);
    }

    @Override
    protected @Nullable PasswordAuthentication getPasswordAuthentication() {
      return getRequestorType() == RequestorType.PROXY
          ? new PasswordAuthentication(user[0], (user.length > 1 ? user[1] : "").toCharArray())
          : null;
    }
  }
}
