package duality.net.learning;

import duality.drivers.DriverWork;
import duality.kernel.Server;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/** What this bundle's servers have counted, for those who charge it. */
@Component(
    service = DriverWork.class,
    property = {Server.NAME + "=net.switch", DriverWork.ON_CALLER + ":Boolean=true"})
public final class SwitchWork implements DriverWork {
  @Override
  public List<Work> work() {
    return SwitchServer.WORK.work();
  }
}
