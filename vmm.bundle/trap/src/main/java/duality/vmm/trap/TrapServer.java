package duality.vmm.trap;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import duality.kernel.processor.HartMode;
import duality.vmm.board.Machine;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code vmm.trap}: opens a machine for each endpoint that asks for one. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=vmm.trap", Server.PROTOCOL + "=duality.vmm.VirtualMachine"})
public final class TrapServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new Machine(context, saved, HartMode.USER, TrapHart::new);
  }
}
