package duality.personality.rc4000;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/**
 * Opens tasks under the nucleus of the RC 4000. Configuration: {@code file}, {@code args}, {@code
 * memory}, {@code engine} as in {@link duality.servers.Personality}; {@code buffers} and {@code
 * processes}.
 */
@Component(
    property = {
      Server.NAME + "=personality.rc4000",
      Server.PROTOCOL + "=duality.servers.Personality"
    })
public final class NucleusServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new NucleusTask(context, saved);
  }
}
