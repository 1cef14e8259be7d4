package duality.finisher;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code finisher}: opens a test finisher. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=finisher", Server.PROTOCOL + "=duality.drivers.MmioDevice"})
public final class FinisherServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    if (saved != null) {
      saved.expect(Finisher.SCHEMA, Finisher.VERSION);
    }
    return new Finisher(context);
  }
}
