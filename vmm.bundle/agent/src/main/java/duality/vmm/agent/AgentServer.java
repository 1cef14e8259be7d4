package duality.vmm.agent;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code agent}: opens the host's side of an agent for each endpoint that asks for one. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=agent", Server.PROTOCOL + "=duality.vmm.GuestAgent"})
public final class AgentServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new Agent(context, saved);
  }
}
