package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.EndpointReport;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * An endpoint: its gate, the instance that serves it, and everything that belongs to it.
 *
 * <p>Binding is done by one thread at a time: under this monitor, with the gate held or not yet
 * open.
 */
final class EndpointObject implements Endpoint {
  final Core core;
  final Gate gate;
  final Class<?> type;
  final Map<String, String> config;
  final Ledger ledger;
  final Map<String, Object> slots = new ConcurrentHashMap<>();
  final Map<String, SpaceObject> spaces = new ConcurrentHashMap<>();
  final Map<String, ThreadObject> threads = new ConcurrentHashMap<>();
  final Map<String, NotificationObject> notifications = new ConcurrentHashMap<>();

  /** Servers for this endpoint, best first. */
  final List<String> route;

  private @Nullable OpenInstance serving;

  /** What the last server saved when it left without a successor. */
  private @Nullable State left;

  private volatile @Nullable State checkpoint;

  EndpointObject(
      Core core, Gate gate, Class<?> type, Map<String, String> config, List<String> route) {
    this.core = core;
    this.gate = gate;
    this.type = type;
    this.config = Map.copyOf(config);
    this.route = List.copyOf(route);
    this.ledger = new Ledger(gate.path);
  }

  /** An instance beside the endpoint, bound or not. */
  final class OpenInstance implements Opened {
    final Registration registration;
    final Instance instance;
    final ContextObject context;

    OpenInstance(Registration registration, Instance instance, ContextObject context) {
      this.registration = registration;
      this.instance = instance;
      this.context = context;
    }

    @Override
    public String server() {
      return registration.name();
    }

    @Override
    public void bind() {
      EndpointObject.this.bind(this);
    }

    @Override
    public void discard() {
      context.stopWorkers();
      close();
    }

    void close() {
      try {
        instance.close();
      } catch (RuntimeException | Error e) {
        core.trace(gate.path + ": " + server() + " failed in close: " + Gate.describe(e));
      }
    }
  }

  @Override
  public void prepare(String server) {
    core.serverTable().registration(server, type.getName()).loadClasses().run();
  }

  @Override
  public Opened open(String server, @Nullable State saved) {
    Registration registration = core.serverTable().registration(server, type.getName());
    ContextObject context = new ContextObject(this, registration.name());
    Instance instance;
    // Calls that the new instance makes while it opens come from this endpoint, whoever asked for
    // it.
    CallSlot slot = CallSlot.current();
    slot.push(gate.opening(), null);
    try {
      instance = registration.server().open(context, saved);
      if (!type.isInstance(instance)) {
        throw new CallFailed.ServerFailed(
            server
                + " opened a "
                + instance.getClass().getName()
                + ", which is no "
                + type.getName());
      }
    } catch (CallFailed e) {
      context.stopWorkers();
      throw e;
    } catch (RuntimeException | Error e) {
      context.stopWorkers();
      throw new CallFailed.ServerFailed(
          server + " did not open for " + gate.path + ": " + Gate.describe(e));
    } finally {
      slot.pop();
    }
    return new OpenInstance(registration, instance, context);
  }

  private void bind(OpenInstance next) {
    OpenInstance old;
    synchronized (this) {
      old = serving;
      serving = next;
      left = null;
      gate.bind(next.instance);
    }
    next.context.startWorkers();
    if (old != null) {
      old.context.stopWorkers();
      old.close();
    }
    core.bound(this);
  }

  @Override
  public State save() {
    OpenInstance now;
    synchronized (this) {
      now = serving;
      if (now == null && left != null) {
        return left;
      }
    }
    if (now == null) {
      throw new CallFailed.NoServer(gate.path + " has nothing to save: nobody serves it");
    }
    if (gate.isHung()) {
      throw new CallFailed.ServerFailed(
          now.server() + " is not asked for its state: a call to it did not return");
    }
    try {
      return now.instance.save();
    } catch (CallFailed e) {
      throw e;
    } catch (RuntimeException | Error e) {
      throw new CallFailed.ServerFailed(
          now.server() + " did not save its state: " + Gate.describe(e));
    }
  }

  @Override
  public State salvage(long timeoutNanos) {
    OpenInstance now;
    synchronized (this) {
      now = serving;
      if (now == null && left != null) {
        return left;
      }
    }
    if (now == null) {
      throw new CallFailed.NoServer(gate.path + " has nothing to save: nobody serves it");
    }
    FutureTask<State> asked = new FutureTask<>(now.instance::save);
    Thread asking =
        new HostThread(
            "salvage " + gate.path,
            () -> {
              CallSlot slot = CallSlot.current();
              slot.push(gate.opening(), null); // what it calls, it calls as this endpoint
              try {
                asked.run();
              } finally {
                slot.pop();
              }
            });
    asking.start();
    try {
      return asked.get(timeoutNanos, TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw new CallFailed.ServerFailed(
          now.server()
              + " did not save its state: "
              + Gate.describe(Objects.requireNonNullElse(e.getCause(), e)));
    } catch (TimeoutException e) {
      throw new CallFailed.TimedOut(
          now.server()
              + " did not save its state within "
              + TimeUnit.NANOSECONDS.toMillis(timeoutNanos)
              + " ms");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CallFailed.TimedOut("interrupted while " + gate.path + " was saved");
    }
  }

  @Override
  public @Nullable State checkpoint() {
    return checkpoint;
  }

  @Override
  public void checkpoint(State state) {
    checkpoint = state;
  }

  @Override
  public void check() {
    CallSlot slot = CallSlot.current();
    if (!(gate.probe(slot) instanceof Instance instance)) {
      return;
    }
    try {
      instance.check();
    } catch (Throwable e) {
      String reason = "its check found: " + Gate.describe(e);
      if (!slot.pop()) {
        core.failed().server(gate, FailureReport.Kind.CHECK, reason, e.getStackTrace());
      }
      throw new CallFailed.ServerFailed(gate.path + ": " + reason);
    }
    if (slot.pop()) {
      throw gate.tooLate();
    }
  }

  @Override
  public void fail(String reason) {
    core.failed().server(gate, FailureReport.Kind.CHECK, reason, new StackTraceElement[0]);
  }

  @Override
  public void giveUp(String reason) {
    core.trace(gate.path + " is given up: " + reason);
    gate.giveUp(reason);
  }

  @Override
  public int abandon() {
    if (!gate.isBroken()) {
      throw new CallFailed.BadRequest(
          gate.path + " has not failed: its calls are not to be given up");
    }
    return core.failed().abandonInside(gate);
  }

  @Override
  public List<String> route() {
    return route;
  }

  /** Its server is going: the state stays here for the next one. The gate is held. */
  void leave(String reason) {
    State saved = null;
    try {
      saved = save();
    } catch (CallFailed e) {
      core.trace(gate.path + ": " + e.getMessage());
    }
    leave(reason, saved);
  }

  /** Its server is going, and what it saved, if that can be trusted, stays here. */
  void leave(String reason, @Nullable State saved) {
    OpenInstance now;
    synchronized (this) {
      now = serving;
      serving = null;
      left = saved;
      gate.vacate(reason);
    }
    core.failed().vacated(this, now == null ? null : now.registration, reason);
    if (now != null) {
      now.context.stopWorkers();
      now.close();
    }
  }

  @Nullable State leftState() {
    synchronized (this) {
      return left;
    }
  }

  /** Ends the instance with its endpoint; the gate is closed for good. */
  void close() {
    OpenInstance now;
    synchronized (this) {
      now = serving;
      serving = null;
    }
    if (now != null) {
      now.context.stopWorkers();
      try {
        now.instance.ended();
      } catch (RuntimeException | Error e) {
        core.trace(gate.path + ": " + now.server() + " failed in ended: " + Gate.describe(e));
      }
      now.close();
    }
  }

  boolean servedBy(Server server) {
    synchronized (this) {
      return serving != null && serving.registration.server() == server;
    }
  }

  @Override
  public String path() {
    return gate.path;
  }

  @Override
  public String protocol() {
    return type.getName();
  }

  @Override
  public int rank() {
    return gate.rank;
  }

  @Override
  public synchronized String server() {
    return serving == null ? "" : serving.server();
  }

  synchronized @Nullable Registration registration() {
    return serving == null ? null : serving.registration;
  }

  @Override
  public EndpointReport report() {
    return new EndpointReport(
        gate.path,
        type.getSimpleName(),
        server(),
        gate.describe(),
        gate.calls(),
        gate.inside(),
        gate.failures.sum(),
        gate.worked.sum(),
        gate.waited.sum(),
        gate.busyNanos());
  }

  @Override
  public List<String> children() {
    List<String> below = new ArrayList<>();
    String prefix = gate.path + "/";
    for (EndpointObject each : new TreeMap<>(core.endpointMap()).values()) {
      String path = each.gate.path;
      if (path.startsWith(prefix) && path.indexOf('/', prefix.length()) < 0) {
        below.add(path);
      }
    }
    return below;
  }

  @Override
  public String toString() {
    return "endpoint " + gate.path;
  }
}
