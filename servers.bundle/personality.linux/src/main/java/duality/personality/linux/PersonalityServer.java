package duality.personality.linux;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Opens tasks: native Linux programs. Configuration: see {@link duality.servers.Personality}. */
@Component(
    property = {
      Server.NAME + "=personality.linux",
      Server.PROTOCOL + "=duality.servers.Personality"
    })
public final class PersonalityServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new Task(context, saved);
  }
}
