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
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/**
 * The server {@code root}. Its routing file is in the bundle; the system property {@code
 * duality.routing} names another one.
 */
@Component(property = {Server.NAME + "=root", Server.PROTOCOL + "=duality.servers.Root"})
public final class RootServer implements Server {
  private final Asking asking = new Asking();

  @Reference(
      service = Server.class,
      target = "(" + ENDPOINT + "=*)",
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      unbind = "asksNot")
  void asks(ServiceReference<Server> server) {
    Bundle bundle = server.getBundle();
    String protocol =
        server.getProperty(PROTOCOL) instanceof String[] several && several.length > 0
            ? several[0]
            : String.valueOf(server.getProperty(PROTOCOL));
    asking.add(new Asking.Request(path(server), name(server), protocol, bundle::loadClass));
  }

  /** Who asks for what. */
  Asking asking() {
    return asking;
  }

  void asksNot(ServiceReference<Server> server) {
    asking.remove(path(server), name(server));
  }

  private static String path(ServiceReference<Server> server) {
    return String.valueOf(server.getProperty(ENDPOINT));
  }

  private static String name(ServiceReference<Server> server) {
    return String.valueOf(server.getProperty(NAME));
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new RootInstance(context, Routing.read(routing()), asking, saved);
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
