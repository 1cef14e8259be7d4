package duality.scheduler.fair;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Opens {@link Fair} schedulers. Configuration: {@code slice}, in microseconds. */
@Component(
    property = {Server.NAME + "=scheduler.fair", Server.PROTOCOL + "=duality.kernel.Scheduler"})
public final class FairServer implements Server {
  @Override
  public Instance open(Context context, @Nullable State saved) {
    String slice = context.config("slice", "4000");
    long micros;
    try {
      micros = Long.parseLong(slice);
    } catch (NumberFormatException e) {
      micros = -1;
    }
    if (micros < 100 || micros > 1_000_000) {
      throw new CallFailed.BadRequest(
          context.path()
              + ": slice="
              + slice
              + " is no number of microseconds from 100 to 1000000");
    }
    return new Fair(micros * 1000, saved);
  }
}
