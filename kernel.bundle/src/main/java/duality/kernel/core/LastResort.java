package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Who mends the mender: restarts the supervisor when it fails, from what it can still save, else
 * from its last checkpoint, else fresh; first its own server, then the others of its route. Gives
 * up when it fails again and again; then failed endpoints refuse their callers at once, as they do
 * without a supervisor.
 */
final class LastResort {
  private static final int MOST_RESTARTS = 8;
  private static final long WITHIN_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long DRAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long SALVAGE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private record Supervisor(String path, BooleanSupplier alive) {}

  private final Core core;
  private volatile @Nullable Supervisor supervisor;

  /** When it was restarted; guarded by itself. */
  private final Deque<Long> restarts = new ArrayDeque<>();

  LastResort(Core core) {
    this.core = core;
  }

  void supervisor(String path, BooleanSupplier alive) {
    supervisor = new Supervisor(path, alive);
  }

  boolean supervised() {
    Supervisor now = supervisor;
    return now != null && now.alive.getAsBoolean();
  }

  /** An endpoint failed: if it is the supervisor's, it is restarted from here. */
  void failed(EndpointObject endpoint) {
    Supervisor now = supervisor;
    if (now == null || !now.path.equals(endpoint.path()) || !endpoint.gate.isBroken()) {
      return;
    }
    if (tooOften()) {
      supervisor = null;
      core.trace(
          endpoint.path()
              + " failed "
              + MOST_RESTARTS
              + " times in "
              + TimeUnit.NANOSECONDS.toSeconds(WITHIN_NANOS)
              + " s and is given up: nobody mends what fails; try kernel:swap "
              + endpoint.path()
              + " SERVER");
      return;
    }
    new HostThread("last resort", () -> restart(endpoint)).start();
  }

  private boolean tooOften() {
    long now = System.nanoTime();
    synchronized (restarts) {
      restarts.removeIf(at -> now - at > WITHIN_NANOS);
      if (restarts.size() == MOST_RESTARTS) {
        return true;
      }
      restarts.add(now);
      return false;
    }
  }

  private void restart(EndpointObject endpoint) {
    List<String> servers = new ArrayList<>(List.of(endpoint.server()));
    endpoint.route().stream().filter(each -> !servers.contains(each)).forEach(servers::add);
    try (var hold = hold(endpoint)) {
      State saved = saved(endpoint);
      for (String server : servers) {
        if (open(endpoint, server, saved) || (saved != null && open(endpoint, server, null))) {
          core.trace(endpoint.path() + " was restarted by the core: " + server);
          return;
        }
      }
    } catch (CallFailed e) {
      core.trace(endpoint.path() + " is not restarted by the core: " + e.getMessage());
    }
  }

  private HoldObject hold(EndpointObject endpoint) {
    try {
      return HoldObject.hold(core, List.<Endpoint>of(endpoint), DRAIN_NANOS);
    } catch (CallFailed.TimedOut e) {
      endpoint.abandon();
      return HoldObject.hold(core, List.<Endpoint>of(endpoint), DRAIN_NANOS);
    }
  }

  private static @Nullable State saved(EndpointObject endpoint) {
    try {
      return endpoint.salvage(SALVAGE_NANOS);
    } catch (CallFailed e) {
      return endpoint.checkpoint();
    }
  }

  private boolean open(EndpointObject endpoint, String server, @Nullable State saved) {
    try {
      endpoint.open(server, saved).bind();
      return true;
    } catch (CallFailed e) {
      core.trace(endpoint.path() + ": " + server + " does not restart: " + e.getMessage());
      return false;
    }
  }
}
