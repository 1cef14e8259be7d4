package duality.plic;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code plic}: opens a platform-level interrupt controller. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=plic", Server.PROTOCOL + "=duality.drivers.InterruptController"})
public final class PlicServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return Plic.open(context, saved);
  }
}
