package duality.uart;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code uart}: opens a 16550A for each endpoint that asks for one. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=uart", Server.PROTOCOL + "=duality.drivers.MmioDevice"})
public final class UartServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return Uart16550.open(context, saved);
  }
}
