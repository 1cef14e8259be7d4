package duality.swapper;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/** The server {@code swapper}. */
@Component(property = {Server.NAME + "=swapper", Server.PROTOCOL + "=duality.servers.Swapper"})
public final class SwapperServer implements Server {
  /** The framework's, because this bundle may be the one that is replaced; null without one. */
  private @Nullable BundleContext system;

  @Activate
  void activate(BundleContext context) {
    system = context.getBundle(0).getBundleContext();
  }

  @Deactivate
  void deactivate() {
    SwapEvent.forget();
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new SwapperInstance(context, system, saved);
  }
}
