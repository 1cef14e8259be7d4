package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Kernel;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.TrapHandler;
import duality.kernel.Work;
import duality.kernel.processor.HartMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What one instance may use; the things themselves belong to its endpoint. */
final class ContextObject implements Context {
  private final EndpointObject endpoint;
  private final Core core;
  private final String server;

  /** Guarded by itself. */
  private final List<Worker> workers = new ArrayList<>();

  private boolean started;
  private volatile boolean stopped;

  ContextObject(EndpointObject endpoint, String server) {
    this.endpoint = endpoint;
    this.core = endpoint.core;
    this.server = server;
  }

  @Override
  public String path() {
    return endpoint.gate.path;
  }

  @Override
  public String server() {
    return server;
  }

  @Override
  public Map<String, String> config() {
    return endpoint.config;
  }

  @Override
  public <T> T slot(String slot, Class<T> type) {
    Object held = endpoint.slots.get(slot);
    if (held == null) {
      throw new CallFailed.BadRequest(
          path()
              + " has nothing in slot '"
              + slot
              + "' where a "
              + type.getSimpleName()
              + " is needed; its slots: "
              + endpoint.slots.keySet());
    }
    if (!type.isInstance(held) && held instanceof Stub stub) {
      held = stub.seenFrom(type.getClassLoader()); // it was put there before the API was updated
      endpoint.slots.put(slot, held);
    }
    if (!type.isInstance(held)) {
      throw new CallFailed.BadRequest(
          path() + " has a " + held + " in slot '" + slot + "', not a " + type.getSimpleName());
    }
    return type.cast(held);
  }

  @Override
  public boolean has(String slot) {
    return endpoint.slots.containsKey(slot);
  }

  @Override
  public void keep(String slot, Object capability) {
    endpoint.slots.put(slot, capability);
  }

  @Override
  public void drop(String slot) {
    endpoint.slots.remove(slot);
  }

  @Override
  public <P> P child(
      String name, Class<P> protocol, Map<String, String> config, Map<String, Object> endowment) {
    if (name.isEmpty() || name.contains("/")) {
      throw new CallFailed.BadRequest("'" + name + "' is no name of a child of " + path());
    }
    if (config.containsKey("control")) {
      throw new CallFailed.BadRequest(
          "control over the kernel is given by root's routing file only");
    }
    String path = path() + "/" + name;
    EndpointObject there = core.endpointMap().get(path);
    if (there == null) {
      there = core.make(path, protocol, config, endowment, false);
    }
    return core.capability(there, protocol, endpoint.ledger);
  }

  @Override
  public void removeChild(String name) {
    String path = path() + "/" + name;
    if (core.endpointMap().containsKey(path)) {
      core.remove(path);
    }
  }

  @Override
  public Space space(String name) {
    SpaceObject space =
        endpoint.spaces.computeIfAbsent(name, n -> core.newSpace(endpoint, path() + ":" + n));
    return Space.class.cast(core.capability(space, endpoint.ledger));
  }

  @Override
  public Notification notification(String name) {
    NotificationObject made =
        endpoint.notifications.computeIfAbsent(name, n -> core.newNotification(path() + ":" + n));
    return Notification.class.cast(core.capability(made, endpoint.ledger));
  }

  @Override
  public KernelThread thread(
      String name, HartMode mode, Space space, TrapHandler handler, String engine) {
    SpaceObject where = SpaceObject.of(space);
    Core.stub(handler); // a raw object's exceptions would be contained by nobody
    ThreadObject thread =
        endpoint.threads.computeIfAbsent(
            name, n -> core.newThread(path() + ":" + n, mode, where, handler, engine));
    return KernelThread.class.cast(core.capability(thread, endpoint.ledger));
  }

  @Override
  public void removeThread(String name) {
    ThreadObject thread = endpoint.threads.remove(name);
    if (thread != null) {
      core.endThread(thread);
    }
  }

  @Override
  public void removeSpace(String name) {
    SpaceObject space = endpoint.spaces.remove(name);
    if (space != null) {
      core.endSpace(space);
    }
  }

  @Override
  public <P> P self(Class<P> protocol) {
    return core.capability(endpoint, protocol, endpoint.ledger);
  }

  @Override
  public void worker(String name, Notification notification, long mask, Work work) {
    Worker worker = new Worker(core, endpoint.gate, name, notification, mask, work);
    synchronized (workers) {
      if (stopped) {
        throw new CallFailed.Revoked("this instance of " + path() + " is closed");
      }
      workers.add(worker);
      if (!started) {
        return;
      }
    }
    worker.start();
  }

  /** The instance is bound: its workers begin. */
  void startWorkers() {
    List<Worker> all;
    synchronized (workers) {
      started = true;
      all = new ArrayList<>(workers);
    }
    all.forEach(Worker::start);
  }

  void stopWorkers() {
    List<Worker> all;
    synchronized (workers) {
      stopped = true;
      all = new ArrayList<>(workers);
    }
    all.forEach(Worker::stop);
  }

  @Override
  public void host(String name, Runnable work) {
    core.spares().run(Worker.threadName(path(), name), work);
  }

  @Override
  public long badge() {
    return CallSlot.current().badge();
  }

  @Override
  public <T> T derive(T capability, Class<T> type, int rights, long badge) {
    Stub stub = Core.stub(capability);
    if (stub.badge() != 0 && badge != stub.badge()) {
      throw new CallFailed.BadRequest("the badge of " + stub + " was set by who gave it out");
    }
    return type.cast(stub.derive(rights, badge, endpoint.ledger));
  }

  @Override
  public void revoke(Object capability) {
    Core.stub(capability).revoke();
  }

  @Override
  public Kernel kernel() {
    if (!core.mayControl(path())) {
      throw new CallFailed.BadRequest(
          path() + " has no authority over the kernel; root's routing file gives it (control)");
    }
    return new KernelView(core, path(), () -> !stopped && core.mayControl(path()));
  }

  @Override
  public void checkpoint(State state) {
    if (!stopped) {
      endpoint.checkpoint(state);
    }
  }

  @Override
  public void log(String message) {
    core.trace(path() + " (" + server + "): " + message);
  }
}
