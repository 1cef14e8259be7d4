package duality.clock;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code clint}: opens a core-local interruptor. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=clint", Server.PROTOCOL + "=duality.drivers.MmioDevice"})
public final class ClintServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return Clint.open(context, saved, System::nanoTime);
  }
}
