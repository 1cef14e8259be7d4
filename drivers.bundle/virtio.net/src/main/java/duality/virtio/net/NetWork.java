package duality.virtio.net;

import duality.drivers.DriverWork;
import duality.kernel.Server;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/** What this bundle's servers have counted, for those who charge it. */
@Component(service = DriverWork.class, property = Server.NAME + "=virtio.net")
public final class NetWork implements DriverWork {
  @Override
  public List<Work> work() {
    return NetServer.WORK.work();
  }
}
