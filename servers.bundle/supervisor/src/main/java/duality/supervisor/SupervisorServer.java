package duality.supervisor;

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
 * The server {@code supervisor}. Its rules are in the bundle; the system property {@code
 * duality.policies} names another file.
 */
@Component(
    property = {Server.NAME + "=supervisor", Server.PROTOCOL + "=duality.servers.Supervisor"})
public final class SupervisorServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new SupervisorInstance(context, Policies.read(policies()), saved);
  }

  static String policies() {
    String file = System.getProperty("duality.policies");
    try {
      if (file != null) {
        return Files.readString(Path.of(file));
      }
      try (InputStream in =
          Objects.requireNonNull(SupervisorServer.class.getResourceAsStream("policies"))) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the policy file" + (file == null ? "" : " " + file) + " cannot be read", e);
    }
  }
}
