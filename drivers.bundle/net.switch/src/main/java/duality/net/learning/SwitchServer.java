package duality.net.learning;

import duality.drivers.DriverWork;
import duality.drivers.WorkTallies;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code net.switch}: opens a switch that the cards of machines are plugged into. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=net.switch", Server.PROTOCOL + "=duality.drivers.Network"})
public final class SwitchServer implements Server {
  /** What all instances have done, by card; see {@link DriverWork}. */
  static final WorkTallies WORK = new WorkTallies();

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return LearningSwitch.open(context, System::nanoTime, saved);
  }
}
