package duality.virtio.console;

import duality.drivers.DriverWork;
import duality.drivers.WorkTallies;
import duality.drivers.virtio.VirtioMmio;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code virtio.console}: opens a console with several ports. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=virtio.console", Server.PROTOCOL + "=duality.drivers.MmioDevice"})
public final class ConsoleServer implements Server {
  /** What all instances have done; see {@link DriverWork}. */
  static final WorkTallies WORK = new WorkTallies();

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return VirtioMmio.open(context, new ConsoleDevice(context), saved);
  }
}
