package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.CapabilityReport;
import duality.kernel.Endpoint;
import duality.kernel.EndpointReport;
import duality.kernel.FailureReport;
import duality.kernel.Frame;
import duality.kernel.Kernel;
import duality.kernel.KernelThread;
import duality.kernel.Notification;
import duality.kernel.Observation;
import duality.kernel.Protocol;
import duality.kernel.Router;
import duality.kernel.Scheduler;
import duality.kernel.Server;
import duality.kernel.ServerReport;
import duality.kernel.SpaceReport;
import duality.kernel.ThreadReport;
import duality.kernel.TraceEvent;
import duality.kernel.TraceEvent.Kind;
import duality.kernel.TrapHandler;
import duality.kernel.processor.Engine;
import duality.kernel.processor.HartMode;
import duality.kernel.processor.Lines;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;

/**
 * The core as a whole: the tables of its objects, and the authority that root holds over them.
 *
 * <p>Usable with and without OSGi: {@link #start} makes one, servers and engines are registered by
 * whoever finds them.
 */
public final class Core implements Kernel, Observation, AutoCloseable {
  final LongAdder maps = new LongAdder();
  final LongAdder unmaps = new LongAdder();
  final LongAdder shootDowns = new LongAdder();
  final LongAdder notifications = new LongAdder();
  final LongAdder fallbacks = new LongAdder();
  private final LongAdder stalls = new LongAdder();

  private final FramePool pool;
  private final FrameObject allFrames;
  private final Processors processors;
  private final Scheduling scheduling = new Scheduling(this);
  final Watchdog watchdog;
  private final SpareThreads spares = new SpareThreads();
  private final Failures failures = new Failures(this);
  private final TraceRing trace = new TraceRing();
  private final Map<String, EndpointObject> endpoints = new ConcurrentSkipListMap<>();
  private final ServerTable servers = new ServerTable(this);
  private final EngineTable engines = new EngineTable(this);
  private final Map<Integer, ThreadObject> threads = new ConcurrentHashMap<>();
  private final Map<Integer, SpaceObject> spaces = new ConcurrentHashMap<>();
  private final AtomicInteger threadIds = new AtomicInteger();
  private final AtomicInteger spaceIds = new AtomicInteger();

  private volatile Publisher publisher = Publisher.NONE;

  /** Makes shared endpoints visible to clients, and takes them back. */
  public interface Publisher {
    /** Nobody is to see them. */
    Publisher NONE = (endpoint, type) -> () -> {};

    /** Publishes it as that type; the answer takes it back. */
    Runnable publish(EndpointObject endpoint, Class<?> type);
  }

  /** By path, for each version of its type; the answer takes it back. */
  private final Map<String, Map<Class<?>, Runnable>> published = new ConcurrentHashMap<>();

  private final int patience;

  private Core(int processorCount, long poolBytes, int patience) {
    this.patience = patience;
    pool = new FramePool(poolBytes);
    allFrames = new FrameObject(this, 0, pool.frames);
    processors = new Processors(this, scheduling, processorCount);
    watchdog = new Watchdog(this, new SchedulerJudge(this, processors, scheduling));
  }

  /** As {@link #start(int, long, int)}, with limits of time as they are written. */
  public static Core start(int processorCount, long poolBytes) {
    return start(processorCount, poolBytes, 1);
  }

  /**
   * Starts a core.
   *
   * @param processorCount processors, 1 to 64
   * @param poolBytes size of the frame pool in bytes; nothing is committed until it is touched
   * @param patience 1 to 1000, by what all limits of time are multiplied: of calls, hand-overs,
   *     holds; for a host that may leave a thread alone for long
   */
  public static Core start(int processorCount, long poolBytes, int patience) {
    if (processorCount < 1 || processorCount > 64 || patience < 1 || patience > 1000) {
      throw new IllegalArgumentException(
          "processors: 1 to 64, not " + processorCount + "; patience: 1 to 1000, not " + patience);
    }
    Core core = new Core(processorCount, poolBytes, patience);
    core.spares.refill();
    core.processors.start();
    core.watchdog.start();
    Aborts.CORES.add(core);
    return core;
  }

  /** Says who publishes shared endpoints. */
  public void publisher(Publisher through) {
    publisher = through;
  }

  /** The authority over this core. */
  public Kernel kernel() {
    return this;
  }

  /** A limit as it counts on this host. */
  long patiently(long nanos) {
    return nanos * patience;
  }

  // Servers and engines come and go

  /** Registers an engine by name. */
  public void engine(String name, Engine engine) {
    engines.add(new EngineTable.Entry(name, engine, "", Version.emptyVersion, -1));
  }

  SpareThreads spares() {
    return spares;
  }

  EngineTable engines() {
    return engines;
  }

  /** Registers a server of these protocols; for tests and embedders. */
  public void register(String name, Server server, Class<?>... protocols) {
    register(
        new Registration(
            name,
            Arrays.stream(protocols).map(Class::getName).toList(),
            server,
            "",
            Version.emptyVersion,
            -1,
            () -> {}));
  }

  /** Registers a server; endpoints that it left are served again. */
  void register(Registration fresh) {
    servers.add(fresh);
  }

  /** A server goes: its endpoints are held, their state is kept, spares take over. */
  public void unregister(String name, Server server) {
    servers.remove(name, server);
  }

  /** Binds {@code root}: the first endpoint, served by the server of that name. */
  public void boot(String rootServer, Class<?> protocol) {
    EndpointObject root = add("root", protocol, Map.of(), List.of(rootServer));
    root.serveFirst(rootServer);
    publish(root);
  }

  // Endpoints

  private EndpointObject add(
      String path, Class<?> type, Map<String, String> config, List<String> route) {
    Protocol protocol = StubFactory.protocol(type);
    if (protocol == null) {
      throw new CallFailed.BadRequest(type.getName() + " is not annotated with @Protocol");
    }
    if (protocol.rank() < 1 || protocol.rank() > Protocol.TOP) {
      throw new CallFailed.BadRequest(
          type.getName() + " has rank " + protocol.rank() + "; ranks are 1 to " + Protocol.TOP);
    }
    Gate gate =
        Gate.of(this, path, protocol.rank(), protocol.deadlineMillis(), protocol.stallMillis());
    EndpointObject made = new EndpointObject(this, gate, type, config, route);
    if (endpoints.putIfAbsent(path, made) != null) {
      gate.end(); // nobody else knows of it
      gate.giveNumberBack();
      throw new CallFailed.BadRequest(path + " is there already");
    }
    return made;
  }

  private List<String> route(String path, Class<?> type, Map<String, String> config) {
    String named = config.get("server");
    if (named != null) {
      return List.of(named);
    }
    EndpointObject root = endpoints.get("root");
    if (root == null || !(root.gate.bound() instanceof Router router)) {
      throw new CallFailed.NoServer(
          "no root to route " + path + "; name the server in its configuration (server)");
    }
    return List.copyOf(router.route(path, type.getName()));
  }

  EndpointObject make(
      String path,
      Class<?> type,
      Map<String, String> config,
      Map<String, Object> endowment,
      boolean shared) {
    List<String> route = route(path, type, config);
    EndpointObject made = add(path, type, config, route);
    try {
      endowment.forEach(
          (slot, capability) -> made.slots.put(slot, endowed(made, slot, capability)));
      String server = route.stream().filter(servers::has).findFirst().orElse(route.getFirst());
      servers.await(server);
      made.serveFirst(server);
      servers.prefer(made);
    } catch (RuntimeException e) {
      remove(path);
      throw e;
    }
    if (shared) {
      publish(made);
    }
    trace(path + " is served by " + made.server());
    return made;
  }

  private Object endowed(EndpointObject receiver, String slot, Object capability) {
    if (capability instanceof Stub stub) {
      return stub.derive(stub.rights(), stub.badge(), receiver.ledger);
    }
    if (capability instanceof KernelObject object) {
      return capability(object, receiver.ledger);
    }
    throw new CallFailed.BadRequest(
        "slot '"
            + slot
            + "' of "
            + receiver.path()
            + " cannot hold "
            + capability
            + ": it is no capability");
  }

  private void publish(EndpointObject endpoint) {
    published
        .computeIfAbsent(endpoint.path(), path -> new ConcurrentHashMap<>())
        .computeIfAbsent(endpoint.type(), type -> publisher.publish(endpoint, type));
  }

  /** The endpoint is of another version of its type now; clients of the other are served on. */
  void retyped(EndpointObject endpoint) {
    Class<?> type = endpoint.type();
    trace(endpoint.path() + " is of another version of " + type.getName() + " now");
    for (ThreadObject thread : threads.values()) {
      thread.retypeHandler(endpoint.gate, type);
    }
    if (published.containsKey(endpoint.path())) {
      HandOver.afterRelease(endpoint.gate, () -> publish(endpoint));
    }
  }

  @Override
  public <P> P create(
      String path,
      Class<P> protocol,
      Map<String, String> config,
      Map<String, Object> endowment,
      boolean shared) {
    return capability(make(path, protocol, config, endowment, shared), protocol, null);
  }

  @Override
  public <P> P connect(String path, Class<P> protocol) {
    return capability(find(path), protocol, null);
  }

  private EndpointObject find(String path) {
    EndpointObject found = endpoints.get(path);
    if (found == null) {
      throw new CallFailed.BadRequest(
          "there is no endpoint '" + path + "'; kernel:endpoints lists those that are there");
    }
    return found;
  }

  /**
   * Ends an endpoint and all below it, from the top down: first all threads, then by falling rank
   * the gates, instances and spaces, so that pagers are still there when regions end.
   */
  @Override
  public void remove(String path) {
    find(path);
    List<EndpointObject> ending = new ArrayList<>(endpoints.values());
    ending.removeIf(each -> !(each.path() + "/").startsWith(path + "/"));
    CallSlot slot = CallSlot.current();
    for (EndpointObject each : ending) {
      each.threads.values().forEach(this::endThread);
    }
    ending.sort(Comparator.comparingInt(EndpointObject::rank).reversed());
    // Whoever asks for the end (root, a monitor), pagers are told with the authority of the kernel.
    slot.push(Gate.unnumbered(this, "the end of " + path, Protocol.TOP + 1), 0);
    try {
      for (EndpointObject each : ending) {
        each.gate.end();
        drain(List.of(each.gate), patiently(TimeUnit.SECONDS.toNanos(2)));
        each.close();
        each.spaces.values().forEach(this::endSpace);
        Map<Class<?>, Runnable> taken = published.remove(each.path());
        if (taken != null) {
          taken.values().forEach(Runnable::run);
        }
      }
      for (EndpointObject each : ending) {
        endpoints.remove(each.path());
        each.ledger.revokeAll();
        each.gate.giveNumberBack();
      }
    } finally {
      slot.pop();
    }
    trace(path + " ended");
  }

  @Override
  public Endpoint endpoint(String path) {
    return find(path);
  }

  @Override
  public List<Endpoint> endpointsByPath() {
    return List.copyOf(endpoints.values());
  }

  ServerTable serverTable() {
    return servers;
  }

  Map<String, EndpointObject> endpointMap() {
    return endpoints;
  }

  /** Whether calls to the endpoint go in now. */
  boolean isOpen(String path) {
    EndpointObject endpoint = endpoints.get(path);
    return endpoint != null && endpoint.gate.condition() == Gate.Condition.OPEN;
  }

  /** A server was bound to it. */
  void bound(EndpointObject endpoint) {
    if (endpoint.path().equals(Scheduling.PATH)
        && Scheduler.class.isAssignableFrom(endpoint.type())) {
      scheduling.bound(capability(endpoint, Scheduler.class, null));
    }
  }

  @Override
  public Hold hold(List<Endpoint> set, long drainNanos) {
    return HoldObject.hold(this, set, drainNanos);
  }

  @Override
  public <T> T handOver(String what, boolean steppingOut, Supplier<T> work) {
    return HandOver.call(this, what, steppingOut, work);
  }

  @Override
  public List<String> clients(String path) {
    Gate gate = find(path).gate;
    return endpoints.values().stream()
        .filter(each -> each.gate != gate && each.ledger.leadsTo(gate))
        .map(EndpointObject::path)
        .toList();
  }

  @Override
  public int moveThreads(String engine) {
    return engines.moveThreads(engine);
  }

  /** Waits until nobody is inside, but for the current thread; says whether that was reached. */
  static boolean drain(Collection<Gate> gates, long nanos) {
    CallGuard.everywhere();
    long deadline = System.nanoTime() + nanos;
    Set<Gate> set = Set.copyOf(gates);
    CallSlot own = CallSlot.current();
    Hurry hurry = new Hurry(set, own);
    while (true) {
      boolean inside = false;
      for (CallSlot slot : CallSlot.ALL) {
        inside |= slot != own && slot.insideAnyOf(set);
      }
      if (!inside) {
        return true;
      }
      if (System.nanoTime() - deadline > 0) {
        return false;
      }
      hurry.tell();
      LockSupport.parkNanos(5_000);
    }
  }

  boolean mayControl(String path) {
    if (path.equals("root")) {
      return true;
    }
    EndpointObject endpoint = endpoints.get(path);
    return endpoint != null && "true".equals(endpoint.config.get("control"));
  }

  // Capabilities

  <P> P capability(EndpointObject endpoint, Class<P> protocol, @Nullable Ledger owner) {
    Class<?> type = endpoint.type();
    if (!protocol.isAssignableFrom(type)) {
      if (Translation.named(type, protocol.getName()) == null) {
        throw new CallFailed.BadRequest(
            endpoint.path() + " is a " + type.getName() + ", not a " + protocol.getName());
      }
      type = protocol; // for a client with another version of the API
    }
    Stub stub = StubFactory.make(type);
    stub.lead(this, type, endpoint.gate, null, duality.kernel.Rights.ALL, 0);
    own(stub, owner);
    endpoint.gate.ledToBy(stub);
    return protocol.cast(stub);
  }

  Object capability(KernelObject object, @Nullable Ledger owner) {
    Stub stub = StubFactory.make(object.kind());
    stub.lead(this, object.kind(), null, object, duality.kernel.Rights.ALL, 0);
    own(stub, owner);
    return stub;
  }

  private static void own(Stub stub, @Nullable Ledger owner) {
    stub.owner(owner);
    if (owner != null) {
      owner.hold(stub);
    }
  }

  static Stub stub(Object capability) {
    if (capability instanceof Stub stub) {
      return stub;
    }
    throw new CallFailed.BadRequest(capability + " is no capability");
  }

  @Nullable Ledger ledgerOf(Gate gate) {
    EndpointObject endpoint = endpoints.get(gate.path);
    return endpoint == null ? null : endpoint.ledger;
  }

  // Kernel objects

  SpaceObject newSpace(EndpointObject owner, String name) {
    SpaceObject space = new SpaceObject(this, owner, spaceIds.incrementAndGet(), name);
    spaces.put(space.id(), space);
    return space;
  }

  NotificationObject newNotification(String name) {
    return new NotificationObject(this, name, new Lines(), null);
  }

  ThreadObject newThread(
      String name, HartMode mode, SpaceObject space, TrapHandler handler, String engine) {
    ThreadObject thread =
        new ThreadObject(
            this, threadIds.incrementAndGet(), name, engines.find(engine), mode, space, handler);
    threads.put(thread.id, thread);
    return thread;
  }

  void endThread(ThreadObject thread) {
    thread.end();
    threads.remove(thread.id);
  }

  void endSpace(SpaceObject space) {
    space.end();
    spaces.remove(space.id());
  }

  void unmapEverywhere(long from, long count) {
    for (SpaceObject space : spaces.values()) {
      space.unmapFrames(from, count);
    }
  }

  FramePool pool() {
    return pool;
  }

  Processors processors() {
    return processors;
  }

  Collection<ThreadObject> allThreads() {
    return threads.values();
  }

  @Nullable ThreadObject threadOrNull(int id) {
    return threads.get(id);
  }

  /** Whether there was a thread of that number once. */
  boolean wasThread(int id) {
    return id >= 1 && id <= threadIds.get();
  }

  @Override
  public Frame allFrames() {
    return Frame.class.cast(capability(allFrames, null));
  }

  @Override
  public int processorCount() {
    return processors.count();
  }

  @Override
  public KernelThread thread(int id) {
    ThreadObject thread = threads.get(id);
    if (thread == null) {
      throw new CallFailed.BadRequest("there is no thread " + id + "; see kernel:threads");
    }
    return KernelThread.class.cast(capability(thread, null));
  }

  // Failure

  /** A vacant endpoint refuses at once where the core has a fallback of its own. */
  boolean vacancyFails(Gate gate) {
    return gate.rank == Protocol.SCHEDULER;
  }

  Failures failed() {
    return failures;
  }

  @Override
  public Notification supervise() {
    return failures.supervise("", () -> true);
  }

  @Override
  public List<FailureReport> failures(long after) {
    return failures.after(after);
  }

  @Override
  public List<FailureReport> failures() {
    return failures.after(0);
  }

  void requeueReady() {
    processors.requeue(threads.values());
  }

  void stalled(ThreadObject thread, CallFailed why) {
    stalls.increment();
    trace.addOnce(thread.name + " is set aside and will try again: " + why.getMessage());
  }

  /** The kernel goes on without the server of an endpoint. */
  void fellBack(String path, String event) {
    fallbacks.increment();
    trace.add(Kind.FALLBACK, path, event);
  }

  /** A server failed, or was given up. */
  void trace(Kind kind, String path, String event) {
    trace.add(kind, path, event);
  }

  void trace(String event) {
    trace.add(Kind.NOTE, "", event);
  }

  // Observation

  @Override
  public List<EndpointReport> endpoints() {
    return endpoints.values().stream().map(EndpointObject::report).toList();
  }

  @Override
  public List<ServerReport> servers() {
    List<ServerReport> all = new ArrayList<>(servers.reports());
    all.addAll(engines.reports());
    return all;
  }

  @Override
  public List<ThreadReport> threads() {
    return threads.values().stream()
        .map(ThreadObject::report)
        .sorted(Comparator.comparingInt(ThreadReport::id))
        .toList();
  }

  @Override
  public List<SpaceReport> spaces() {
    return spaces.values().stream()
        .map(SpaceObject::report)
        .sorted(Comparator.comparingInt(SpaceReport::id))
        .toList();
  }

  @Override
  public Map<String, Long> counters() {
    Map<String, Long> all = new java.util.TreeMap<>();
    all.put("calls", endpoints.values().stream().mapToLong(each -> each.gate.calls()).sum());
    all.put("faults", spaces().stream().mapToLong(SpaceReport::faults).sum());
    all.put("notifications", notifications.sum());
    all.put("maps", maps.sum());
    all.put("unmaps", unmaps.sum());
    all.put("shoot-downs", shootDowns.sum());
    all.put("scheduler fallbacks", fallbacks.sum());
    all.put("stalls", stalls.sum());
    all.put("given-up calls inside", (long) Aborts.inside());
    all.put("frames", pool.frames);
    all.put("processors", (long) processors.count());
    return all;
  }

  @Override
  public List<CapabilityReport> capabilities() {
    return CapabilityGraph.of(this);
  }

  @Override
  public String callGuard() {
    return CallGuard.kind();
  }

  @Override
  public List<String> primitives() {
    return Primitives.list();
  }

  @Override
  public List<String> trace() {
    return trace(0, 0).stream().map(TraceEvent::line).toList();
  }

  @Override
  public List<TraceEvent> trace(long number, long waitMillis) {
    return trace.from(number, waitMillis);
  }

  /** Stops everything: endpoints from the highest rank down, then processors, then the pool. */
  @Override
  public void close() {
    servers.close();
    List<EndpointObject> tops = new ArrayList<>(endpoints.values());
    tops.removeIf(each -> endpoints.containsKey(parent(each.path())));
    tops.sort(Comparator.comparingInt(EndpointObject::rank).reversed());
    for (EndpointObject each : tops) {
      try {
        remove(each.path());
      } catch (RuntimeException e) {
        trace(each.path() + " did not end well: " + Gate.describe(e));
      }
    }
    Aborts.CORES.remove(this);
    watchdog.stop();
    processors.stop();
    spares.close();
    pool.close();
  }

  private static String parent(String path) {
    return path.substring(0, Math.max(0, path.lastIndexOf('/')));
  }
}
