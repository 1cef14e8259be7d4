package duality.swapper;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** The server {@code swapper}. */
@Component(property = {Server.NAME + "=swapper", Server.PROTOCOL + "=duality.servers.Swapper"})
public final class SwapperServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new SwapperInstance(context.kernel(), saved);
  }
}
