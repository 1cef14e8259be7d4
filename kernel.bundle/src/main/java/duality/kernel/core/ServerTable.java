package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Server;
import duality.kernel.ServerReport;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The servers that are there, and what happens to endpoints when one comes or goes.
 *
 * <p>Several may have one name: versions of a bundle side by side. The name means the highest
 * version, then the newest bundle; {@code name#12} means the one of bundle 12. An endpoint that is
 * bound stays with the one it is bound to, until that goes or it is swapped.
 *
 * <p>When a server goes, its endpoints go with their state to another one of that name, else to the
 * server they were bound to on purpose, else to a spare of their route; when there is none, callers
 * wait at the gate until one comes. An endpoint that stands with a spare goes back when its own
 * server is there again.
 */
final class ServerTable {
  private static final long ARRIVAL_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** How long a bundle may be about to stop without taking its servers away. */
  long stopLimitNanos = TimeUnit.SECONDS.toNanos(2);

  private final Core core;

  /** By name, each list best first and never empty; lists are replaced, not changed. */
  private final Map<String, List<Registration>> servers = new ConcurrentSkipListMap<>();

  /** Bundles that are about to stop, by number, with their endpoints at rest. */
  private final Map<Long, Departure> leaving = new ConcurrentHashMap<>();

  private final Object arrival = new Object();
  private volatile boolean closed;

  ServerTable(Core core) {
    this.core = core;
  }

  boolean has(String name) {
    return find(name) != null;
  }

  /** What {@code name} or {@code name#BUNDLE} means now. */
  private @Nullable Registration find(String name) {
    List<Registration> named =
        servers.getOrDefault(Registration.nameOf(name), List.of()).stream()
            .filter(each -> !leaving.containsKey(each.bundleId()))
            .toList();
    if (name.indexOf(Registration.EXACTLY) < 0) {
      return named.isEmpty() ? null : named.getFirst();
    }
    return named.stream().filter(each -> each.exactName().equals(name)).findFirst().orElse(null);
  }

  /** The server of that name, if it serves the protocol. */
  Registration registration(String name, String protocol) {
    Registration found = find(name);
    if (found == null) {
      List<Registration> named = servers.getOrDefault(Registration.nameOf(name), List.of());
      throw new CallFailed.NoServer(
          "there is no server '"
              + name
              + "'; "
              + (named.isEmpty()
                  ? "kernel:servers lists those that are there"
                  : "there is "
                      + String.join(", ", named.stream().map(Registration::exactName).toList())));
    }
    if (!found.protocols().contains(protocol)) {
      throw new CallFailed.BadRequest(
          "server " + name + " does not serve " + protocol + " but " + found.protocols());
    }
    return found;
  }

  /** How people call it: its name, with the bundle's number when the name means another one. */
  String label(Registration registration) {
    Registration meant = find(registration.name());
    return meant == null || meant == registration ? registration.name() : registration.exactName();
  }

  /** A server is there: endpoints that it left, or would rather have, are served by it. */
  void add(Registration fresh) {
    servers.merge(
        fresh.name(),
        List.of(fresh),
        (there, more) ->
            Stream.concat(more.stream(), there.stream()).sorted(Registration.BEST_FIRST).toList());
    synchronized (arrival) {
      arrival.notifyAll();
    }
    for (EndpointObject endpoint : core.endpointMap().values()) {
      if (!fresh.protocols().contains(endpoint.type().getName())) {
        continue;
      }
      String wanted = endpoint.wanted();
      if (endpoint.standsIn() && wanted.equals(fresh.name())) {
        goBack(endpoint, fresh);
      } else if (wanted.equals(fresh.name()) || endpoint.route.contains(fresh.name())) {
        // First noted, then looked at: who holds the gate just now looks after the release.
        endpoint.arrived(fresh);
        tryArrivals(endpoint);
      }
    }
  }

  /** The gate is held no more: if nobody serves there, who came meanwhile takes over. */
  void tryArrivals(EndpointObject endpoint) {
    List<Registration> came = endpoint.arrivals();
    if (closed) {
      return;
    }
    for (Registration each : came.stream().sorted(Registration.BEST_FIRST).toList()) {
      if (servers.getOrDefault(each.name(), List.of()).contains(each)
          && serveAgain(endpoint, each)) {
        return;
      }
    }
  }

  /** Its own server may have come while a spare was bound. */
  void prefer(EndpointObject endpoint) {
    Registration own = endpoint.standsIn() ? find(endpoint.wanted()) : null;
    if (own != null) {
      goBack(endpoint, own);
    }
  }

  /** From a spare to the server that the endpoint was bound to on purpose. */
  private void goBack(EndpointObject endpoint, Registration to) {
    try {
      HandOver.call(
          core,
          endpoint.path() + " goes back to " + to.name(),
          () -> {
            endpoint.prepare(to.exactName());
            try (var hold = core.hold(List.<Endpoint>of(endpoint), DRAIN_NANOS)) {
              core.trace(endpoint.path() + " goes back, drained of " + hold.drained());
              endpoint.open(to.exactName(), endpoint.save()).bind();
            }
            return endpoint;
          });
    } catch (CallFailed e) {
      core.trace(endpoint.path() + " stays with its spare: " + e.getMessage());
    }
  }

  /** A bundle is about to stop: what its servers serve comes to rest, all of it together. */
  void leaves(long bundle, String name) {
    if (closed) {
      return;
    }
    List<EndpointObject> served =
        core.endpointMap().values().stream().filter(each -> each.servedByBundle(bundle)).toList();
    if (!served.isEmpty()) {
      Departure departure =
          Departure.begin(core, served, core.patiently(DRAIN_NANOS), name + " stops");
      leaving.put(bundle, departure);
      core.spares().run("stop of " + name, () -> leaveWithout(departure, bundle, name));
    }
  }

  /** A bundle hangs in its stop: nobody waits for it, its endpoints go on as if it had stopped. */
  private void leaveWithout(Departure departure, long bundle, String name) {
    List<EndpointObject> late = departure.awaitClaims(core.patiently(stopLimitNanos));
    if (late.isEmpty() || closed) {
      return;
    }
    core.trace(
        name
            + " hangs in its stop: after "
            + TimeUnit.NANOSECONDS.toMillis(core.patiently(stopLimitNanos))
            + " ms its endpoints go on without it");
    for (EndpointObject each : late) {
      Registration from = each.registration();
      if (from != null && from.bundleId() == bundle) {
        leave(departure, List.of(each), from, "bundle " + name + " hangs in its stop");
      }
    }
    departure.close();
  }

  /** A bundle has stopped: nothing that it served is held any more. */
  void left(long bundle) {
    Departure ended = leaving.remove(bundle);
    if (ended != null) {
      ended.close();
    }
  }

  /** A server goes: its endpoints are held together, their state is kept, others take over. */
  void remove(String name, Server server) {
    Registration gone =
        servers.getOrDefault(name, List.of()).stream()
            .filter(each -> each.server() == server)
            .findFirst()
            .orElse(null);
    if (gone == null) {
      return;
    }
    servers.computeIfPresent(
        name,
        (same, there) -> {
          List<Registration> rest = there.stream().filter(each -> each != gone).toList();
          return rest.isEmpty() ? null : rest;
        });
    takeLeave(gone);
  }

  /**
   * A server was bound that may have gone since it was opened: then who took it away did not find
   * it here. On a thread apart, because the gate may be held by this one.
   */
  void bound(Registration server) {
    if (!servers.getOrDefault(server.name(), List.of()).contains(server)) {
      core.spares().run("departure of " + server.exactName(), () -> takeLeave(server));
    }
  }

  private void takeLeave(Registration gone) {
    if (closed) {
      return;
    }
    List<EndpointObject> served =
        core.endpointMap().values().stream().filter(each -> each.servedBy(gone)).toList();
    if (served.isEmpty()) {
      return;
    }
    String reason = "server " + gone.name() + " of " + gone.bundle() + " is gone";
    Departure announced = leaving.get(gone.bundleId());
    Map<Boolean, List<EndpointObject>> atRest =
        served.stream()
            .collect(Collectors.partitioningBy(each -> announced != null && announced.has(each)));
    if (announced != null) {
      leave(announced, Objects.requireNonNull(atRest.get(true)), gone, reason);
    }
    List<EndpointObject> rest = Objects.requireNonNull(atRest.get(false));
    if (!rest.isEmpty()) {
      // Its component went without its bundle, or it was bound after the bundle began to stop.
      Departure departure = Departure.begin(core, rest, core.patiently(DRAIN_NANOS), reason);
      try {
        leave(departure, rest, gone, reason);
      } finally {
        departure.close();
      }
    }
  }

  private void leave(
      Departure departure, List<EndpointObject> served, Registration gone, String reason) {
    // A swap that was waited for may have moved some of them.
    List<EndpointObject> left =
        departure.claim(served.stream().filter(each -> each.servedBy(gone)).toList());
    try {
      for (EndpointObject each : left) {
        departure.leave(each, reason);
      }
      for (EndpointObject each : left) {
        if (!succeed(each, gone)) {
          core.failed().vacated(each, gone, reason);
        }
        departure.release(each);
        // One that came in between found it held; one that comes from now on finds it vacant.
        tryArrivals(each);
      }
    } finally {
      left.forEach(departure::release);
    }
  }

  /** Finds who takes over, in the order that the class comment says; says whether one did. */
  private boolean succeed(EndpointObject endpoint, Registration gone) {
    if (!endpoint.mayBeServedAgain()) {
      return false;
    }
    Set<Registration> candidates = new LinkedHashSet<>();
    candidates.addAll(servers.getOrDefault(gone.name(), List.of()));
    candidates.addAll(servers.getOrDefault(endpoint.wanted(), List.of()));
    for (String spare : endpoint.route) {
      candidates.addAll(servers.getOrDefault(spare, List.of()));
    }
    for (Registration each : candidates) {
      if (each.protocols().contains(endpoint.type().getName())
          && !leaving.containsKey(each.bundleId())
          && serveAgain(endpoint, each)) {
        return true;
      }
    }
    return false;
  }

  private boolean serveAgain(EndpointObject endpoint, Registration server) {
    try {
      endpoint.serveAgain(server);
      core.trace(endpoint.path() + " is served by " + server.exactName() + " from what was left");
      return true;
    } catch (CallFailed e) {
      core.trace(
          endpoint.path() + " is not served by " + server.exactName() + ": " + e.getMessage());
      return false;
    }
  }

  /** Waits until a server of that name is there, for a while: bundles start in any order. */
  void await(String name) {
    long deadline = System.nanoTime() + ARRIVAL_NANOS;
    synchronized (arrival) {
      while (!has(name) && !closed) {
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
    List<ServerReport> reports = new ArrayList<>();
    for (List<Registration> named : servers.values()) {
      named.forEach(each -> reports.add(report(each)));
    }
    return reports;
  }

  private ServerReport report(Registration each) {
    return new ServerReport(
        label(each),
        each.protocols().stream().map(name -> name.substring(name.lastIndexOf('.') + 1)).toList(),
        each.bundle(),
        each.bundleId(),
        core.endpointMap().values().stream()
            .filter(endpoint -> endpoint.servedBy(each))
            .map(EndpointObject::path)
            .toList());
  }
}
