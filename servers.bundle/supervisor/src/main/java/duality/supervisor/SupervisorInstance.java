package duality.supervisor;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Endpoint;
import duality.kernel.FailureReport;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.servers.Supervisor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The supervisor at work.
 *
 * <p>Its worker only hands failures out; each endpoint is mended on a thread of its own outside the
 * supervisor's gate, because the server that is opened may call another one that is being mended.
 */
final class SupervisorInstance implements Supervisor, Instance {
  private static final String SCHEMA = "supervisor";
  private static final long REST_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long LOOK_NANOS = 200_000;
  private static final long MOST_DEAD_MILLIS = 60_000;

  private final Context context;
  private final Kernel kernel;
  private final Policies policies;
  private final Incidents incidents = new Incidents();
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          Thread.ofPlatform().daemon().name("duality supervisor ", 0).factory());
  private final Repair repair;
  private final Probation probation;
  private final Heartbeat heartbeat;
  private final Map<String, Recovery> recoveries = new ConcurrentSkipListMap<>();
  private final Neglect neglect = new Neglect(System::nanoTime);

  /** Number of the last failure that was handed out; guarded by this. */
  private long seen;

  /** Whether failures of the time before this instance are still to be sorted out. */
  private boolean late = true;

  /** Whether it began without a state. */
  private final boolean fresh;

  SupervisorInstance(Context context, Policies policies, @Nullable State saved) {
    this.context = context;
    this.policies = policies;
    kernel = context.kernel();
    repair = new Repair(kernel);
    probation = new Probation(kernel);
    fresh = saved == null;
    if (saved != null) {
      restore(saved);
    }
    heartbeat = new Heartbeat(context.path(), kernel, policies, threads, this::beat);
    Notification failures = kernel.supervise();
    context.worker(
        "failures",
        failures,
        -1L,
        bits -> {
          handOut();
          heartbeat.start();
        });
  }

  private synchronized void handOut() {
    if (late) {
      late = false;
      sortOut();
    }
    for (FailureReport failure : kernel.failures(seen)) {
      seen = failure.number();
      incidents.begin(failure);
      if (failure.path().equals(context.path())) {
        incidents.end(failure, "restarted by the kernel", true);
      } else if (failure.kind() == FailureReport.Kind.GONE) {
        incidents.end(failure, "left to the next server that comes", false);
      } else {
        recovery(failure.path()).failed(failure);
      }
    }
  }

  /** What the supervisor before this one did not finish: endpoints that are still down. */
  private void sortOut() {
    Map<String, FailureReport> last = new TreeMap<>();
    for (FailureReport failure : kernel.failures(0)) {
      last.put(failure.path(), failure);
      if (fresh) {
        seen = failure.number();
      }
    }
    for (FailureReport failure : last.values()) {
      // What failed anew since then is handed out next; the failure before that is not why it is
      // down.
      if (failure.number() <= seen
          && failure.kind() != FailureReport.Kind.GONE
          && !failure.path().equals(context.path())
          && !incidents.givenUp(failure.number())
          && isDown(failure.path(), failure.server())) {
        incidents.begin(failure);
        recovery(failure.path()).failed(failure);
      }
    }
  }

  /**
   * Whether it is down with that server; with another one it has failed anew, which is told yet.
   */
  private boolean isDown(String path, String server) {
    try {
      Endpoint endpoint = kernel.endpoint(path);
      String now = endpoint.server();
      return Repair.isDown(endpoint) && (now.isEmpty() || now.equals(server));
    } catch (CallFailed e) {
      return false; // it ended
    }
  }

  private Recovery recovery(String path) {
    return recoveries.computeIfAbsent(
        path, any -> new Recovery(path, kernel, policies, repair, probation, incidents, threads));
  }

  private void beat() {
    probation.look();
    List<String> there = kernel.endpointsByPath().stream().map(Endpoint::path).toList();
    recoveries.keySet().retainAll(there);
    recoveries.values().forEach(Recovery::returnWhenDue);
  }

  @Override
  public List<Incident> log() {
    return incidents.list();
  }

  @Override
  public List<Rule> rules() {
    return policies.rules();
  }

  @Override
  public void rule(String pattern, String policy) {
    policies.set(pattern, policy);
    context.checkpoint(state()); // what a person has said survives a crash of this server
  }

  @Override
  public void kill(String path) {
    kill(List.of(path), 0);
  }

  @Override
  public void kill(List<String> paths, long deadMillis) {
    if (deadMillis < 0 || deadMillis > MOST_DEAD_MILLIS) {
      throw new CallFailed.BadRequest(
          "dead for 0 to " + MOST_DEAD_MILLIS + " ms, not " + deadMillis);
    }
    List<Endpoint> endpoints = paths.stream().map(kernel::endpoint).toList();
    for (Endpoint endpoint : endpoints) {
      if (Repair.isDown(endpoint)) {
        throw new CallFailed.BadRequest(
            endpoint.path()
                + " has no server that could be killed: it is "
                + endpoint.report().condition());
      }
    }
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(deadMillis);
    for (Endpoint endpoint : endpoints) {
      if (deadMillis > 0) {
        recovery(endpoint.path()).leaveUntil(until);
      }
      endpoint.fail("killed by command");
    }
  }

  @Override
  public List<Watched> watched() {
    List<Watched> all = new ArrayList<>();
    for (Endpoint endpoint : kernel.endpointsByPath()) {
      Recovery recovery = recoveries.get(endpoint.path());
      Policy policy = policies.of(endpoint.path());
      boolean own = endpoint.path().equals(context.path());
      Heartbeat.Watch watch = heartbeat.watch(endpoint.path());
      all.add(
          new Watched(
              endpoint.path(),
              endpoint.server(),
              endpoint.report().condition(),
              recovery == null ? 0 : recovery.failures(),
              own
                  ? "restart"
                  : recovery == null ? policy.steps().getFirst().toString() : recovery.next(),
              watch.checkpointMillis(),
              watch.longestPauseMicros(),
              own ? "restarted by the kernel" : policy.toString()));
    }
    return all;
  }

  /**
   * Whether it still goes round, repairs get on, and nothing is down with nobody at it. Asked by
   * the swapper. Who is down is looked for again once, before that is a failure.
   */
  @Override
  public void check() {
    if (heartbeat.still()) {
      throw new IllegalStateException("the heartbeat has stopped");
    }
    for (Map.Entry<String, Recovery> each : recoveries.entrySet()) {
      if (each.getValue().isStuck()) {
        throw new IllegalStateException("the repair of " + each.getKey() + " does not get on");
      }
    }
    List<String> down = new ArrayList<>();
    for (Endpoint endpoint : kernel.endpointsByPath()) {
      Recovery recovery = recoveries.get(endpoint.path());
      boolean attended = recovery != null && (recovery.isBusy() || recovery.isGivenUp());
      if (endpoint.report().condition().startsWith("failed")
          && !attended
          && !endpoint.path().equals(context.path())) {
        down.add(endpoint.path());
      }
    }
    neglect.look(down, this::mendAgain);
  }

  private void mendAgain(String path) {
    for (FailureReport failure : kernel.failures(0).reversed()) {
      if (failure.path().equals(path)) {
        recovery(path).failed(failure);
        return;
      }
    }
  }

  // State, and the end

  @Override
  public State save() {
    long end = System.nanoTime() + REST_NANOS;
    while (recoveries.values().stream().anyMatch(Recovery::isBusy) && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(LOOK_NANOS);
    }
    return state();
  }

  private State state() {
    long number;
    synchronized (this) {
      number = seen;
    }
    return State.of(SCHEMA, 1)
        .with("seen", number)
        .with("rules", policies.save())
        .with("incidents", incidents.save())
        .with(
            "recoveries", new TreeMap<>(recoveries).values().stream().map(Recovery::save).toList());
  }

  private void restore(State saved) {
    saved.expect(SCHEMA, 1);
    seen = saved.number("seen", 0, Long.MAX_VALUE);
    policies.restore(saved.states("rules"));
    incidents.restore(saved.states("incidents"));
    for (State each : saved.states("recoveries")) {
      recovery(each.text("path")).restore(each);
    }
  }

  @Override
  public void close() {
    heartbeat.stop();
    recoveries.values().forEach(Recovery::end);
    threads.shutdown();
  }
}
