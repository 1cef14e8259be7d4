package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
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
  private static final long TURN_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long SALVAGE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private record Supervisor(String path, BooleanSupplier alive) {}

  /** A supervisor that was put in so short a while ago gives way to the one before it. */
  private static final long PROBATION_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Core core;

  /** Several while one takes over; the one before stays when the other is discarded. */
  private final List<Supervisor> supervisors = new CopyOnWriteArrayList<>();

  /** When it was restarted; guarded by itself. */
  private final Deque<Long> restarts = new ArrayDeque<>();

  LastResort(Core core) {
    this.core = core;
  }

  void supervisor(String path, BooleanSupplier alive) {
    supervisors.removeIf(each -> !each.alive.getAsBoolean());
    supervisors.add(new Supervisor(path, alive));
  }

  boolean supervised() {
    for (Supervisor each : supervisors) {
      if (each.alive.getAsBoolean()) {
        return true;
      }
    }
    return false;
  }

  /** An endpoint failed: if it is the supervisor's, it is restarted from here. */
  void failed(EndpointObject endpoint) {
    if (supervisors.stream().noneMatch(each -> each.path.equals(endpoint.path()))
        || !endpoint.gate.isBroken()) {
      return;
    }
    if (tooOften()) {
      supervisors.clear();
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
    core.spares().run("last resort", () -> restart(endpoint));
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
    List<String> servers = new ArrayList<>();
    String before = endpoint.predecessor(PROBATION_NANOS);
    if (!before.isEmpty()) {
      servers.add(before); // the one that was put in is no good
    }
    servers.add(endpoint.server());
    endpoint.route().stream().filter(each -> !servers.contains(each)).forEach(servers::add);
    try (var hold = hold(endpoint)) {
      if (!endpoint.gate.isBroken()) {
        return; // a swap was quicker
      }
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
    long end = System.nanoTime() + TURN_NANOS;
    while (true) {
      try {
        return HoldObject.hold(core, List.<Endpoint>of(endpoint), DRAIN_NANOS);
      } catch (CallFailed.TimedOut e) {
        if (System.nanoTime() - end > 0) {
          throw e;
        }
        endpoint.abandon();
      } catch (CallFailed.BadRequest e) {
        // A swap of it is under way, and may leave it as broken as it is.
        if (System.nanoTime() - end > 0 || !endpoint.gate.isBroken()) {
          throw e;
        }
      }
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
