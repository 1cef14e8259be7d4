package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel.Hold;
import duality.kernel.Server;
import duality.kernel.ServerReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;

/** The servers that are there, and what happens to endpoints when one comes or goes. */
final class ServerTable {
  private static final long ARRIVAL_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final Core core;
  private final Map<String, Registration> servers = new ConcurrentSkipListMap<>();
  private final Object arrival = new Object();
  private volatile boolean closed;

  ServerTable(Core core) {
    this.core = core;
  }

  boolean has(String name) {
    return servers.containsKey(name);
  }

  /** The server of that name, if it serves the protocol. */
  Registration registration(String name, String protocol) {
    Registration found = servers.get(name);
    if (found == null) {
      throw new CallFailed.NoServer(
          "there is no server '" + name + "'; kernel:servers lists those that are there");
    }
    if (!found.protocols().contains(protocol)) {
      throw new CallFailed.BadRequest(
          "server " + name + " does not serve " + protocol + " but " + found.protocols());
    }
    return found;
  }

  /** A server is there: endpoints that it left are served again. */
  void add(Registration fresh) {
    String name = fresh.name();
    Registration other = servers.putIfAbsent(name, fresh);
    if (other != null) {
      core.trace(
          "server "
              + name
              + " of "
              + fresh.bundle()
              + " is not used: "
              + other.bundle()
              + " has that name");
      return;
    }
    synchronized (arrival) {
      arrival.notifyAll();
    }
    for (EndpointObject endpoint : core.endpointMap().values()) {
      if (endpoint.gate.condition() == Gate.Condition.VACANT
          && endpoint.route.contains(name)
          && endpoint.leftState() != null) {
        serveAgain(endpoint, name);
      }
    }
  }

  /** A server goes: its endpoints are held together, their state is kept, spares take over. */
  void remove(String name, Server server) {
    Registration gone = servers.get(name);
    if (gone == null || gone.server() != server) {
      return;
    }
    servers.remove(name);
    List<EndpointObject> served = new ArrayList<>();
    for (EndpointObject each : core.endpointMap().values()) {
      if (each.servedBy(server)) {
        served.add(each);
      }
    }
    if (served.isEmpty() || closed) {
      return;
    }
    String reason = "server " + name + " is gone";
    try (Hold hold = core.hold(List.<Endpoint>copyOf(served), DRAIN_NANOS)) {
      core.trace(reason + ", " + hold.drained() + " calls were inside");
      served.forEach(each -> each.leave(reason));
    } catch (CallFailed e) {
      // Somebody may be inside: a state saved now would miss what that call does.
      core.trace(reason + " without a drain, its state is lost: " + e.getMessage());
      served.forEach(each -> each.leave(reason, null));
    }
    for (EndpointObject left : served) {
      left.route.stream()
          .filter(spare -> !spare.equals(name) && has(spare))
          .findFirst()
          .ifPresent(spare -> serveAgain(left, spare));
    }
  }

  private void serveAgain(EndpointObject endpoint, String server) {
    try {
      endpoint.open(server, endpoint.leftState()).bind();
      core.trace(endpoint.path() + " is served by " + server + " from the state that was left");
    } catch (CallFailed e) {
      core.trace(endpoint.path() + " stays vacant: " + e.getMessage());
    }
  }

  /** Waits until a server of that name is there, for a while: bundles start in any order. */
  void await(String name) {
    long deadline = System.nanoTime() + ARRIVAL_NANOS;
    synchronized (arrival) {
      while (!servers.containsKey(name) && !closed) {
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          return;
        }
        try {
          TimeUnit.NANOSECONDS.timedWait(arrival, left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }
  }

  /** The system ends: nobody waits any more, and servers go without a hand-over. */
  void close() {
    closed = true;
    synchronized (arrival) {
      arrival.notifyAll();
    }
  }

  List<ServerReport> reports() {
    return servers.values().stream().map(this::report).toList();
  }

  private ServerReport report(Registration each) {
    return new ServerReport(
        each.name(),
        each.protocols().stream().map(name -> name.substring(name.lastIndexOf('.') + 1)).toList(),
        each.bundle(),
        each.bundleId(),
        core.endpointMap().values().stream()
            .filter(endpoint -> endpoint.servedBy(each.server()))
            .map(EndpointObject::path)
            .toList());
  }
}
