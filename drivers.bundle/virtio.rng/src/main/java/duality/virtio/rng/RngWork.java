package duality.virtio.rng;

import duality.drivers.DriverWork;
import duality.kernel.Server;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/** What this bundle's servers have counted, for those who charge it. */
@Component(service = DriverWork.class, property = Server.NAME + "=virtio.rng")
public final class RngWork implements DriverWork {
  @Override
  public List<Work> work() {
    return RngServer.WORK.work();
  }
}
