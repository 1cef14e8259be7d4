package duality.root;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/**
 * The server {@code root}. Its routing file is in the bundle; the system property {@code
 * duality.routing} names another one.
 */
@Component(property = {Server.NAME + "=root", Server.PROTOCOL + "=duality.servers.Root"})
public final class RootServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new RootInstance(context, Routing.read(routing()), saved);
  }

  private static String routing() {
    String file = System.getProperty("duality.routing");
    try {
      if (file != null) {
        return Files.readString(Path.of(file));
      }
      try (InputStream in =
          Objects.requireNonNull(RootServer.class.getResourceAsStream("routing"))) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the routing file" + (file == null ? "" : " " + file) + " cannot be read", e);
    }
  }
}
