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

  /** The file in this bundle, read once: to look into a bundle takes as long as a whole swap. */
  private static final class Own {
    static final String TEXT = read();

    private static String read() {
      try (InputStream in =
          Objects.requireNonNull(SupervisorServer.class.getResourceAsStream("policies"))) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException("the policy file of the supervisor cannot be read", e);
      }
    }
  }

  static String policies() {
    String file = System.getProperty("duality.policies");
    try {
      return file == null ? Own.TEXT : Files.readString(Path.of(file));
    } catch (IOException e) {
      throw new UncheckedIOException("the policy file " + file + " cannot be read", e);
    }
  }
}
