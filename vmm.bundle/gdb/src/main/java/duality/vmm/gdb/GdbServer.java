package duality.vmm.gdb;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code gdb}: opens a stub for each endpoint that asks for one. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=gdb", Server.PROTOCOL + "=duality.vmm.GdbStub"})
public final class GdbServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new Stub(context, saved);
  }
}
