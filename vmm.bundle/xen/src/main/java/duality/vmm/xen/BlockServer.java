package duality.vmm.xen;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code xen.blk}: the back half of a guest's disk. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=xen.blk", Server.PROTOCOL + "=duality.drivers.BackEnd"})
public final class BlockServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new BlockBackEnd(context, saved);
  }
}
