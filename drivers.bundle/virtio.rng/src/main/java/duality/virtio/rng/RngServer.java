package duality.virtio.rng;

import duality.drivers.DriverWork;
import duality.drivers.WorkTallies;
import duality.drivers.virtio.VirtioMmio;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code virtio.rng}: hands the host's randomness to a guest. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=virtio.rng", Server.PROTOCOL + "=duality.drivers.MmioDevice"})
public final class RngServer implements Server {
  /** What all instances have done; see {@link DriverWork}. */
  static final WorkTallies WORK = new WorkTallies();

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return VirtioMmio.open(
        context, new RngDevice(new SecureRandom(), WORK.of(context.path())), saved);
  }
}
