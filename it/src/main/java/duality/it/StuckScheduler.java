package duality.it;

import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.Hashtable;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/**
 * A scheduler whose bundle hangs in its stop, before its service goes, until the system property
 * {@link #GO} is set. A bundle of its own, and no component.
 */
public final class StuckScheduler implements BundleActivator, Server {
  static final String GO = "test.stuck.go";

  @Override
  public void start(BundleContext context) {
    context.registerService(
        Server.class,
        this,
        new Hashtable<>(Map.of(Server.NAME, "stuck", Server.PROTOCOL, "duality.kernel.Scheduler")));
  }

  @Override
  public void stop(BundleContext context) {
    while (!Boolean.getBoolean(GO)) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Override
  public Instance open(Context context, @Nullable State saved) {
    return new LeavingScheduler.Fifo();
  }
}
