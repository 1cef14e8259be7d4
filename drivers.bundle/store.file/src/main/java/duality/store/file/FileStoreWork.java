package duality.store.file;

import duality.drivers.DriverWork;
import duality.kernel.Server;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/** What this bundle's servers have counted, for those who charge it. */
@Component(service = DriverWork.class, property = Server.NAME + "=store.file")
public final class FileStoreWork implements DriverWork {
  @Override
  public List<Work> work() {
    return FileStoreServer.WORK.work();
  }
}
