package duality.vmm.xen;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code xen.console}: the back half of a guest's console. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=xen.console", Server.PROTOCOL + "=duality.drivers.BackEnd"})
public final class ConsoleServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new ConsoleBackEnd(context, saved);
  }
}
