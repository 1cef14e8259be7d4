package duality.clock;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Server {@code rtc}: opens a real-time clock that shows the host's wall-clock time. */
@Component(
    service = Server.class,
    property = {Server.NAME + "=rtc", Server.PROTOCOL + "=duality.drivers.MmioDevice"})
public final class RtcServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    return GoldfishRtc.open(context, saved, InstantSource.system());
  }
}
