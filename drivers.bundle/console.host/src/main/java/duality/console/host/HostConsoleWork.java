package duality.console.host;

import duality.drivers.DriverWork;
import duality.kernel.Server;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/** What this bundle's servers have counted, for those who charge it. */
@Component(
    service = DriverWork.class,
    property = {Server.NAME + "=console.host", DriverWork.ON_CALLER + ":Boolean=true"})
public final class HostConsoleWork implements DriverWork {
  @Override
  public List<Work> work() {
    return HostConsoleServer.WORK.work();
  }
}
