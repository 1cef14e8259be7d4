package duality.store.file;

import duality.drivers.DriverWork;
import duality.drivers.WorkTallies;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code store.file}: opens a raw disk image. */
@Component(
    service = Server.class,
    property = {
      Server.NAME + "=store.file",
      Server.PROTOCOL + "=duality.drivers.Store",
      Server.PROTOCOL + "=duality.drivers.RawStore"
    })
public final class FileStoreServer implements Server {
  /** What all instances have done; see {@link DriverWork}. */
  static final WorkTallies WORK = new WorkTallies();

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return FileStore.open(context, saved);
  }
}
