package duality.supervisor;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.State;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Goes round all endpoints at regular times: has each look whether it is sound, saves checkpoints
 * of those whose policy wants it, loads the classes of spares beforehand.
 *
 * <p>A check that hangs is left to the kernel's watchdog, which fails its endpoint; the round goes
 * on with another thread.
 */
final class Heartbeat {
  static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  /** Nothing that it does takes so long: the way back to a server that hangs is the longest. */
  private static final long STILL_NANOS = TimeUnit.SECONDS.toNanos(7);

  private static final int LEAST_LOOKS = 8;

  private static final long DRAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long SAVE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final String own;
  private final Kernel kernel;
  private final Policies policies;
  private final Executor threads;
  private final Thread thread;
  private final Set<String> prepared = new HashSet<>();
  private final Map<String, Watch> watches = new ConcurrentHashMap<>();
  private final Runnable also;
  private volatile boolean stopped;

  /** Counts what was done; see {@link #still}. */
  private volatile long steps;

  /** Used by who checks. */
  private volatile long seenSteps;

  private volatile long seenNanos;

  private volatile int looks;

  /** What is known about one endpoint. */
  static final class Watch {
    private volatile @Nullable FutureTask<Void> checking;
    private volatile long checkpointNanos;
    private volatile boolean hasCheckpoint;
    private volatile long longestPauseNanos;

    /** Age of its last checkpoint in milliseconds, or -1. */
    long checkpointMillis() {
      return hasCheckpoint
          ? TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - checkpointNanos)
          : -1;
    }

    long longestPauseMicros() {
      return TimeUnit.NANOSECONDS.toMicros(longestPauseNanos);
    }
  }

  /**
   * A heartbeat that does not beat yet.
   *
   * @param own the supervisor's own endpoint, which is passed over
   * @param also done in each round
   */
  Heartbeat(String own, Kernel kernel, Policies policies, Executor threads, Runnable also) {
    this.own = own;
    this.kernel = kernel;
    this.policies = policies;
    this.threads = threads;
    this.also = also;
    thread = Thread.ofPlatform().daemon().name("duality supervisor heartbeat").unstarted(this::run);
  }

  void start() {
    if (thread.getState() == Thread.State.NEW && !stopped) {
      thread.start();
    }
  }

  void stop() {
    stopped = true;
    LockSupport.unpark(thread);
  }

  /** Whether it should beat and does not get on, by what was seen when this was asked before. */
  boolean still() {
    long now = System.nanoTime();
    long done = steps;
    if (done != seenSteps || looks == 0) {
      seenSteps = done;
      seenNanos = now;
      looks = 1;
      return false;
    }
    int seen = looks + 1;
    looks = seen;
    Thread.State state = thread.getState();
    return state == Thread.State.TERMINATED
        ? !stopped
        : state != Thread.State.NEW && seen > LEAST_LOOKS && now - seenNanos > STILL_NANOS;
  }

  Watch watch(String path) {
    return watches.computeIfAbsent(path, any -> new Watch());
  }

  private void run() {
    while (!stopped) {
      LockSupport.parkNanos(PERIOD_NANOS);
      step();
      try {
        round();
        also.run();
      } catch (CallFailed.Revoked e) {
        return; // this instance is not the supervisor any more
      } catch (CallFailed e) {
        // An endpoint went away while it was looked at.
      } catch (RuntimeException | Error e) {
        // Whatever that was, all other endpoints are still to be looked at in the next round.
      }
    }
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
  private void step() {
    steps++;
  }

  private void round() {
    List<Endpoint> all = kernel.endpointsByPath();
    watches.keySet().retainAll(all.stream().map(Endpoint::path).toList());
    for (Endpoint endpoint : all) {
      if (stopped) {
        return;
      }
      if (!endpoint.path().equals(own)) {
        check(endpoint);
        step();
        checkpoint(endpoint);
        step();
        prepareSpares(endpoint);
        step();
      }
    }
  }

  private void check(Endpoint endpoint) {
    Watch watch = watch(endpoint.path());
    FutureTask<Void> before = watch.checking;
    if (before != null && !before.isDone()) {
      return;
    }
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              endpoint.check();
              return null;
            });
    watch.checking = task;
    threads.execute(task);
    try {
      task.get(CHECK_NANOS, TimeUnit.NANOSECONDS);
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      // The kernel knows: a failed check is a failure, one that hangs becomes one.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      stopped = true;
    }
  }

  private void checkpoint(Endpoint endpoint) {
    long every = policies.of(endpoint.path()).checkpointNanos();
    Watch watch = watch(endpoint.path());
    boolean due =
        every > 0
            && (!watch.hasCheckpoint || System.nanoTime() - watch.checkpointNanos >= every)
            && endpoint.report().condition().equals("open");
    if (!due) {
      return;
    }
    long since;
    State saved;
    try (Kernel.Hold hold = kernel.hold(List.of(endpoint), DRAIN_NANOS)) {
      since = hold.sinceNanos();
      saved = endpoint.salvage(SAVE_NANOS);
    } catch (CallFailed e) {
      return; // busy; it is tried again in the next round
    }
    watch.longestPauseNanos = Math.max(watch.longestPauseNanos, System.nanoTime() - since);
    watch.checkpointNanos = System.nanoTime();
    watch.hasCheckpoint = true;
    endpoint.checkpoint(saved);
  }

  private void prepareSpares(Endpoint endpoint) {
    boolean wanted =
        policies.of(endpoint.path()).steps().stream()
            .anyMatch(
                each ->
                    each.action() == Step.Action.SPARE || each.action() == Step.Action.FALLBACK);
    if (!wanted) {
      return;
    }
    for (String server : endpoint.route()) {
      if (!server.equals(endpoint.server()) && prepared.add(server)) {
        try {
          endpoint.prepare(server);
        } catch (CallFailed e) {
          prepared.remove(server); // not there yet
        }
      }
    }
  }
}
