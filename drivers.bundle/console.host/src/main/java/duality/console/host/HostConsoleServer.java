package duality.console.host;

import duality.drivers.DriverWork;
import duality.drivers.WorkTallies;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/**
 * Server {@code console.host}: opens a console that programs and terminals of the host attach to.
 */
@Component(
    service = Server.class,
    property = {Server.NAME + "=console.host", Server.PROTOCOL + "=duality.drivers.Console"})
public final class HostConsoleServer implements Server {
  /** What all instances have done; see {@link DriverWork}. */
  static final WorkTallies WORK = new WorkTallies();

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return HostConsole.open(context, saved);
  }
}
