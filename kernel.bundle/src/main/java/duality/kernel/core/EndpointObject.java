package duality.kernel.core;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.EndpointReport;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.Protocol;
import duality.kernel.Server;
import duality.kernel.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * An endpoint: its gate, the instance that serves it, and everything that belongs to it.
 *
 * <p>Binding is done by one thread at a time: under this monitor, with the gate held or not yet
 * open.
 */
final class EndpointObject implements Endpoint {
  private static final long LEAST_LIMIT_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long MOST_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long FIRST_OPEN_NANOS = TimeUnit.SECONDS.toNanos(20);

  final Core core;
  final Gate gate;
  final Map<String, String> config;
  final Ledger ledger;
  final Map<String, Object> slots = new ConcurrentHashMap<>();
  final Map<String, SpaceObject> spaces = new ConcurrentHashMap<>();
  final Map<String, ThreadObject> threads = new ConcurrentHashMap<>();
  final Map<String, NotificationObject> notifications = new ConcurrentHashMap<>();

  /** Servers for this endpoint, best first. */
  final List<String> route;

  /** Of the version that the server has which is bound, or was last. */
  private volatile Class<?> type;

  private @Nullable OpenInstance serving;

  /** The server it was bound to on purpose: where it goes back to from a spare. */
  private String wanted;

  /**
   * The server that the present one replaced while it worked; a name, which keeps nothing alive.
   */
  private String predecessor = "";

  private long replacedNanos;

  /** What the last server saved when it left without a successor. */
  private @Nullable State left;

  private volatile @Nullable State checkpoint;

  /** The last server failed and left no state: the next one may begin without. */
  private boolean anew;

  /** Servers that came while it was held or vacant, and that nobody has tried yet. */
  private final Queue<Registration> untried = new ConcurrentLinkedQueue<>();

  EndpointObject(
      Core core, Gate gate, Class<?> type, Map<String, String> config, List<String> route) {
    this.core = core;
    this.gate = gate;
    this.type = type;
    gate.type(type);
    this.config = Map.copyOf(config);
    this.route = List.copyOf(route);
    this.wanted = route.isEmpty() ? "" : Registration.nameOf(route.getFirst());
    this.ledger = new Ledger(gate.path);
  }

  /** An instance beside the endpoint, bound or not. */
  final class OpenInstance implements Opened {
    final Registration registration;
    final Instance instance;
    final ContextObject context;

    /** Of the gate when it was opened: it is bound in that hold or never. */
    private final long epoch;

    /** Somebody is telling it to hurry: when it hangs in that, it is not told again. */
    final AtomicBoolean hurrying = new AtomicBoolean();

    /** What was asked for its state last and apart. */
    private volatile @Nullable FutureTask<State> salvaging;

    /** Guarded by the endpoint. */
    private boolean discarded;

    OpenInstance(Registration registration, Instance instance, ContextObject context, long epoch) {
      this.registration = registration;
      this.instance = instance;
      this.context = context;
      this.epoch = epoch;
    }

    @Override
    public String server() {
      return core.serverTable().label(registration);
    }

    @Override
    public void bind() {
      EndpointObject.this.bind(this, registration.name());
    }

    @Override
    public void discard() {
      synchronized (EndpointObject.this) {
        // Of a set one may have been bound before another was refused: that one serves.
        if (serving == this || discarded) {
          return;
        }
        discarded = true;
      }
      context.stopWorkers();
      end(instance::close);
    }

    /** On a thread of its own: what hangs or fails in its end holds up nobody. */
    void end(Runnable last) {
      core.processors().serverGone();
      try {
        HandOver.apart(
            core, "close of " + server() + " for " + gate.path, limitNanos(), () -> inside(last));
      } catch (RuntimeException | Error e) {
        core.trace(gate.path + ": " + server() + " failed in close: " + Gate.describe(e));
      }
    }
  }

  /** Does that as this endpoint. */
  private void inside(Runnable what) {
    CallSlot slot = CallSlot.current();
    slot.push(gate.opening(), 0);
    try {
      what.run();
    } finally {
      slot.pop();
    }
  }

  /**
   * How long a server may take to open or to save: half of what callers wait at the gate, so that
   * they get to the old server when a new one hangs.
   */
  private long limitNanos() {
    return Math.clamp(
        gate.deadlineNanos / 2,
        core.patiently(LEAST_LIMIT_NANOS),
        core.patiently(MOST_LIMIT_NANOS));
  }

  @Override
  public void prepare(String server) {
    Registration registration = core.serverTable().registration(server, type.getName());
    HandOver.within(
        core,
        "loading the classes of " + server,
        core.patiently(MOST_LIMIT_NANOS),
        () -> {},
        () -> {
          try {
            registration.loadClasses().run();
          } catch (CallFailed e) {
            throw e;
          } catch (RuntimeException | Error e) {
            throw new CallFailed.ServerFailed(
                "the classes of " + server + " do not load: " + Gate.describe(e));
          }
          return server;
        });
  }

  @Override
  public Opened open(String server, @Nullable State saved) {
    return open(core.serverTable().registration(server, type.getName()), saved);
  }

  private OpenInstance open(Registration registration, @Nullable State saved) {
    String server = core.serverTable().label(registration);
    ContextObject context = new ContextObject(this, registration.name());
    long epoch = gate.epoch();
    String opening = server + " for " + gate.path;
    try {
      Instance instance =
          HandOver.within(
              core,
              "open of " + opening,
              gate.condition() == Gate.Condition.HELD ? limitNanos() : FIRST_OPEN_NANOS,
              context::stopWorkers,
              () -> opened(registration.server(), context, saved),
              late -> closeLate(server, late));
      OpenInstance made = new OpenInstance(registration, instance, context, epoch);
      HandOver.whenCutOff(made::discard);
      return made;
    } catch (CallFailed e) {
      context.stopWorkers();
      throw e;
    } catch (RuntimeException | Error e) {
      context.stopWorkers();
      throw new CallFailed.ServerFailed(
          server + " did not open for " + gate.path + ": " + Gate.describe(e));
    }
  }

  /**
   * Calls that the new instance makes while it opens come from this endpoint, whoever asked for it.
   */
  private Instance opened(Server server, ContextObject context, @Nullable State saved) {
    CallSlot slot = CallSlot.current();
    slot.push(gate.opening(), 0);
    try {
      @Nullable Instance instance = server.open(context, saved);
      if (instance == null
          || !isOneOfOurs(Translation.named(instance.getClass(), type.getName()))) {
        throw new CallFailed.ServerFailed(
            context.server()
                + " opened "
                + (instance == null ? "nothing" : "a " + instance.getClass().getName())
                + " for "
                + gate.path
                + ", which is no "
                + type.getName()
                + " of rank "
                + gate.rank);
      }
      return instance;
    } finally {
      slot.pop();
    }
  }

  /** It opened when nobody waited for it any more: what it holds is given back. */
  private void closeLate(String server, Instance instance) {
    try {
      inside(instance::close);
    } catch (RuntimeException | Error e) {
      core.trace(gate.path + ": " + server + " failed in close: " + Gate.describe(e));
    }
  }

  /** Whether that is the endpoint's type, or what it became in another version of its API. */
  private boolean isOneOfOurs(@Nullable Class<?> seen) {
    Protocol protocol = seen == null ? null : StubFactory.protocol(seen);
    return protocol != null && protocol.rank() == gate.rank;
  }

  /** The protocol, of the version that the server has which is bound, or was last. */
  Class<?> type() {
    return type;
  }

  /**
   * Becomes of the version of an instance that is about to be bound. Nobody is inside: clients with
   * the classes of the other version find out when they come in.
   */
  private Class<?> retype(Class<?> fresh) {
    Class<?> before = type;
    if (fresh != before) {
      type = fresh;
      gate.type(fresh);
    }
    return before;
  }

  private void bind(OpenInstance next, String purpose) {
    OpenInstance old;
    Class<?> before;
    try {
      synchronized (this) {
        boolean worked = !gate.isBroken();
        @Nullable Class<?> seen = Translation.named(next.instance.getClass(), type.getName());
        before = retype(seen == null ? type : seen);
        try {
          gate.bind(next.instance, next.epoch);
        } catch (CallFailed e) {
          retype(before);
          throw e;
        }
        old = serving;
        if (old == null || !worked) {
          predecessor = "";
        } else if (old.registration != next.registration) {
          predecessor = old.registration.exactName();
          replacedNanos = System.nanoTime();
        }
        serving = next;
        wanted = purpose;
        left = null;
        anew = false;
      }
    } catch (CallFailed e) {
      next.discard();
      throw e;
    }
    if (before != type) {
      core.retyped(this);
    }
    if (old != null) {
      old.context.stopWorkers();
    }
    // Callers wait until the release: threads that wake up now would only take the processor away,
    // and wait at the gate themselves.
    HandOver.afterRelease(
        gate,
        () -> {
          next.context.startWorkers();
          if (old != null) {
            old.end(old.instance::close);
          }
        });
    core.bound(this);
    core.serverTable().bound(next.registration);
  }

  /** Binds a server for the first time; when it is a spare, the first of the route is wanted. */
  void serveFirst(String server) {
    bind(open(core.serverTable().registration(server, type.getName()), null), wanted());
  }

  /** Binds a server that goes on from what the last one left. */
  void serveAgain(Registration server) {
    bind(open(server, leftState()), wanted());
  }

  @Override
  public State save() {
    return HandOver.within(
        core, "save of " + server() + " for " + gate.path, limitNanos(), () -> {}, this::saveHere);
  }

  /** As {@link #save}, on this very thread, for as long as it takes. */
  State saveHere() {
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
    CallSlot slot = CallSlot.current();
    slot.push(gate.opening(), 0); // what it calls, it calls as this endpoint
    try {
      @Nullable State saved = now.instance.save();
      if (saved == null) {
        throw new CallFailed.ServerFailed(now.server() + " saved nothing");
      }
      return saved;
    } catch (CallFailed e) {
      throw e;
    } catch (RuntimeException | Error e) {
      if (e instanceof Error && !(e instanceof Aborts.CallAborted)) {
        // Not that something would not come to rest: it is broken, or wanted to end the JVM.
        core.failed()
            .server(
                gate,
                now.instance,
                FailureReport.Kind.EXCEPTION,
                "its save: " + Gate.describe(e),
                e.getStackTrace());
      }
      throw new CallFailed.ServerFailed(
          now.server() + " did not save its state: " + Gate.describe(e));
    } finally {
      slot.pop();
    }
  }

  @Override
  public State salvage(long timeoutNanos) {
    long limitNanos = core.patiently(timeoutNanos);
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
    FutureTask<State> before = now.salvaging;
    if (before != null && !before.isDone()) {
      throw new CallFailed.TimedOut(now.server() + " has not saved for who asked it before");
    }
    FutureTask<State> asked =
        new FutureTask<>(
            () -> {
              @Nullable State saved = now.instance.save();
              if (saved == null) {
                throw new CallFailed.ServerFailed("it saved nothing");
              }
              return saved;
            });
    now.salvaging = asked;
    // What it calls, it calls as this endpoint.
    core.spares().run("salvage " + gate.path, () -> inside(asked));
    try {
      return asked.get(limitNanos, TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw new CallFailed.ServerFailed(
          now.server()
              + " did not save its state: "
              + Gate.describe(Objects.requireNonNullElse(e.getCause(), e)));
    } catch (TimeoutException e) {
      throw new CallFailed.TimedOut(
          now.server()
              + " did not save its state within "
              + TimeUnit.NANOSECONDS.toMillis(limitNanos)
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
    } catch (CallFailed e) {
      // Somebody below does not answer: that one is looked at by itself.
      boolean unused = slot.pop();
      throw e;
    } catch (Throwable e) {
      String reason = "its check found: " + Gate.describe(e);
      if (!slot.pop()) {
        core.failed().server(gate, instance, FailureReport.Kind.CHECK, reason, e.getStackTrace());
      }
      throw new CallFailed.ServerFailed(gate.path + ": " + reason);
    }
    if (slot.pop()) {
      throw gate.tooLate();
    }
  }

  @Override
  public void fail(String reason) {
    core.failed()
        .server(gate, gate.bound(), FailureReport.Kind.CHECK, reason, new StackTraceElement[0]);
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

  /** Its server is going, and what it saved, if anything, stays here. The gate is held. */
  void leave(String reason, @Nullable State saved) {
    OpenInstance now;
    synchronized (this) {
      now = serving;
      serving = null;
      left = saved;
      anew = saved == null && gate.isBroken();
      gate.vacate(reason);
    }
    if (now != null) {
      now.context.stopWorkers();
      now.end(now.instance::close);
    }
  }

  @Nullable State leftState() {
    synchronized (this) {
      return left;
    }
  }

  /** Whether another server can go on where the last one left. */
  boolean mayBeServedAgain() {
    synchronized (this) {
      return left != null || anew;
    }
  }

  /** A server came that may take over when nobody serves. */
  void arrived(Registration fresh) {
    Gate.Condition now = gate.condition();
    if (now == Gate.Condition.HELD || now == Gate.Condition.VACANT) {
      untried.add(fresh);
    }
  }

  /** Those that came since this was last asked, if nobody serves; none while it is held. */
  List<Registration> arrivals() {
    Gate.Condition now = gate.condition();
    if (now == Gate.Condition.HELD) {
      return List.of();
    }
    List<Registration> came = new ArrayList<>();
    for (Registration each = untried.poll(); each != null; each = untried.poll()) {
      came.add(each);
    }
    return now == Gate.Condition.VACANT && mayBeServedAgain() ? came : List.of();
  }

  /** The server it was bound to on purpose. */
  String wanted() {
    synchronized (this) {
      return wanted;
    }
  }

  /** Whether a spare serves it in place of the one that is wanted. */
  boolean standsIn() {
    synchronized (this) {
      return serving != null && !serving.registration.name().equals(wanted);
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
      now.end(
          () -> {
            try {
              now.instance.ended();
            } finally {
              now.instance.close();
            }
          });
    }
  }

  /** The instance that serves now. */
  @Nullable OpenInstance serving() {
    synchronized (this) {
      return serving;
    }
  }

  boolean servedBy(Registration registration) {
    synchronized (this) {
      return serving != null && serving.registration == registration;
    }
  }

  boolean servedByBundle(long bundle) {
    synchronized (this) {
      return serving != null && serving.registration.bundleId() == bundle;
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
  public String server() {
    OpenInstance now;
    synchronized (this) {
      now = serving;
    }
    return now == null ? "" : now.server();
  }

  @Override
  public String predecessor(long withinNanos) {
    String before;
    synchronized (this) {
      before = System.nanoTime() - replacedNanos <= withinNanos ? predecessor : "";
    }
    return core.serverTable().has(before)
        ? core.serverTable().label(core.serverTable().registration(before, type.getName()))
        : "";
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
