package duality.store.sealed;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code store.sealed}: opens a disk on a store that is not trusted. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=store.sealed", Server.PROTOCOL + "=duality.drivers.Store"})
public final class SealedServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return SealedStore.open(context, saved);
  }
}
