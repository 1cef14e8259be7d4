package duality.supervisor;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.FailureReport;
import duality.kernel.Kernel;
import duality.kernel.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The recovery of one endpoint: where it stands in its policy's steps, and the thread that mends.
 *
 * <p>One failure is dealt with at a time. A repair that helped for less than a quarter of a second
 * was in vain: the pause before the next doubles, and older states are used. Ten quiet seconds
 * bring the first step back.
 */
final class Recovery {
  static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** A server that lived shorter was not helped by what was done. Tests set it. */
  static long shortLifeNanos = TimeUnit.MILLISECONDS.toNanos(250);

  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long FIRST_RETURN_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final int MOST_DOUBLINGS = 8;
  private static final long RETURN_DRAIN_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final String path;
  private final Kernel kernel;
  private final Policies policies;
  private final Repair repair;
  private final Probation probation;
  private final Incidents incidents;
  private final Executor threads;

  private final Course course = new Course();

  // Guarded by this:
  private final Deque<FailureReport> waiting = new ArrayDeque<>();
  private boolean busy;
  private int step;
  private int tries;

  /** Repairs in a row that did not help. */
  private int vain;

  private long mendedNanos;
  private long failures;
  private long lastNanos;
  private boolean everFailed;

  /** What failed last was given up. */
  private boolean givenUp;

  /** The server that the last repair left; empty when that is not known. */
  private String expected = "";

  private int returns;
  private long returnAt;

  /** Until when nobody mends it, because somebody wants to see who stalls; 0 for at once. */
  private long leftUntil;

  Recovery(
      String path,
      Kernel kernel,
      Policies policies,
      Repair repair,
      Probation probation,
      Incidents incidents,
      Executor threads) {
    this.path = path;
    this.kernel = kernel;
    this.policies = policies;
    this.repair = repair;
    this.probation = probation;
    this.incidents = incidents;
    this.threads = threads;
    mendedNanos = System.nanoTime() - QUIET_NANOS;
  }

  /** The endpoint failed: mends it on a thread of the pool. */
  synchronized void failed(FailureReport failure) {
    waiting.add(failure);
    if (!busy) {
      busy = true;
      threads.execute(this::work);
    }
  }

  /** The next failure is left alone until then. */
  synchronized void leaveUntil(long nanos) {
    leftUntil = nanos == 0 ? 1 : nanos;
  }

  private void leaveAlone() {
    long until;
    synchronized (this) {
      until = leftUntil;
      leftUntil = 0;
    }
    if (until != 0) {
      for (long left; (left = until - System.nanoTime()) > 0; ) {
        LockSupport.parkNanos(left);
      }
    }
  }

  synchronized boolean isBusy() {
    return busy;
  }

  /** Whether a repair is under way that does not get on. */
  boolean isStuck() {
    return course.isStuck() && isBusy();
  }

  synchronized boolean isGivenUp() {
    return givenUp;
  }

  /** This supervisor ends: who comes after it is not to wait for what hangs here. */
  void end() {
    if (isBusy()) {
      course.release();
    }
  }

  synchronized long failures() {
    return failures;
  }

  /** What is done at the next failure. */
  synchronized String next() {
    if (!everFailed || System.nanoTime() - lastNanos > QUIET_NANOS) {
      return policies.of(path).steps().getFirst().toString();
    }
    List<Step> steps = policies.of(path).steps();
    int at = step;
    if (at < steps.size() && tries >= steps.get(at).times()) {
      at++;
    }
    return at < steps.size() ? steps.get(at).toString() : "giveup";
  }

  private void work() {
    while (true) {
      FailureReport failure;
      synchronized (this) {
        failure = waiting.poll();
        if (failure == null) {
          busy = false;
          return;
        }
      }
      try {
        course.moved();
        mend(failure);
      } catch (CallFailed e) {
        incidents.end(failure, "left alone: " + e.getMessage(), false);
      } catch (RuntimeException | Error e) {
        incidents.end(failure, "the supervisor failed itself: " + e, false);
      }
    }
  }

  private void mend(FailureReport failure) {
    leaveAlone();
    Endpoint endpoint = kernel.endpoint(path);
    boolean hung =
        failure.kind() == FailureReport.Kind.DEADLINE || failure.kind() == FailureReport.Kind.STALL;
    List<String> tried = new ArrayList<>();
    begin(failure.server());
    course.waitsElsewhere(); // for the swapper
    String putBack = probation.putBack(failure);
    course.moved();
    if (putBack != null && !Repair.isDown(endpoint)) {
      incidents.end(failure, putBack, true);
      return;
    }
    if (swapBack(endpoint, failure, hung, tried)) {
      return;
    }
    while (true) {
      course.moved();
      if (!Repair.isDown(endpoint)) {
        incidents.end(failure, "is served by " + endpoint.server(), true);
        return;
      }
      Policy policy = policies.of(path);
      Step now = advance(policy);
      if (now == null || now.action() == Step.Action.GIVEUP) {
        giveUp(endpoint, failure, tried);
        return;
      }
      int before = pause();
      course.moved();
      boolean another = now.action() == Step.Action.SPARE || now.action() == Step.Action.FALLBACK;
      try {
        String outcome =
            repair.replace(
                endpoint,
                servers(endpoint, now, failure.server()),
                policy.exact(),
                now.action() == Step.Action.FRESH ? 2 : another ? triedBefore() : before,
                hung,
                course,
                another);
        synchronized (this) {
          mendedNanos = System.nanoTime();
          expected = endpoint.server();
        }
        tried.add(now + ": " + outcome);
        incidents.end(failure, String.join("; then ", tried), true);
        if (now.action() == Step.Action.FALLBACK) {
          returnLater();
        }
        return;
      } catch (CallFailed e) {
        tried.add(now + ": " + e.getMessage());
      }
    }
  }

  /** Puts the server back that was swapped out a short while ago, if there is one. */
  private boolean swapBack(
      Endpoint endpoint, FailureReport failure, boolean hung, List<String> tried) {
    String before = endpoint.predecessor(Probation.NANOS);
    Policy policy = policies.of(path);
    if (before.isEmpty()
        || !Repair.isDown(endpoint)
        || policy.steps().getFirst().action() == Step.Action.GIVEUP) {
      return false;
    }
    course.forget(); // it is older than the swap
    try {
      String outcome =
          repair.replace(endpoint, List.of(before), policy.exact(), 0, hung, course, true);
      synchronized (this) {
        mendedNanos = System.nanoTime();
        expected = endpoint.server();
      }
      incidents.end(failure, "the swap was bad: " + outcome, true);
      return true;
    } catch (CallFailed e) {
      tried.add(before + " was to be put back: " + e.getMessage());
      return false;
    }
  }

  private synchronized void begin(String failed) {
    long now = System.nanoTime();
    boolean another = !expected.isEmpty() && !failed.equals(expected); // somebody swapped it in
    if (everFailed && (another || now - lastNanos > QUIET_NANOS)) {
      step = 0;
      tries = 0;
      course.forget();
    }
    if (now - mendedNanos > shortLifeNanos) {
      vain = 0;
      course.forget(); // its clients have gone on from there
    }
    expected = failed;
    givenUp = false;
    everFailed = true;
    lastNanos = now;
    failures++;
  }

  /** The step to be taken now, or null behind the last. */
  private synchronized @org.jspecify.annotations.Nullable Step advance(Policy policy) {
    while (step < policy.steps().size() && tries >= policy.steps().get(step).times()) {
      step++;
      tries = 0;
    }
    return step < policy.steps().size() ? policy.steps().get(step) : null;
  }

  /** Waits as long as the crash loop demands; answers how many repairs in a row were in vain. */
  private int pause() {
    int before;
    synchronized (this) {
      tries++;
      before = vain++;
    }
    if (before > 0) {
      long nanos = FIRST_PAUSE_NANOS << Math.min(before - 1, MOST_DOUBLINGS);
      long end = System.nanoTime() + Math.min(nanos, LONGEST_PAUSE_NANOS);
      for (long left; (left = end - System.nanoTime()) > 0; ) {
        LockSupport.parkNanos(left);
      }
    }
    return before;
  }

  /** Another server gets the states anew: what failed with them was the one before. */
  private synchronized int triedBefore() {
    return tries - 1;
  }

  private static List<String> servers(Endpoint endpoint, Step step, String failed) {
    boolean other = step.action() == Step.Action.SPARE || step.action() == Step.Action.FALLBACK;
    if (!other) {
      return List.of(failed.isEmpty() ? endpoint.route().getFirst() : failed);
    }
    List<String> spares = endpoint.route().stream().filter(each -> !each.equals(failed)).toList();
    if (spares.isEmpty()) {
      throw new CallFailed.NoServer("there is no spare for " + endpoint.path() + " in its route");
    }
    return spares;
  }

  private void giveUp(Endpoint endpoint, FailureReport failure, List<String> tried) {
    String reason =
        failure.reason()
            + " - given up after "
            + failures()
            + " failures by the policy '"
            + policies.of(path)
            + "'"
            + (tried.isEmpty() ? "" : "; tried now: " + String.join("; then ", tried))
            + "; see supervisor:log "
            + failure.number();
    endpoint.giveUp(reason);
    synchronized (this) {
      givenUp = true;
    }
    tried.add(Incidents.GIVEN_UP);
    incidents.end(failure, String.join("; then ", tried), false);
  }

  // The way back to the preferred server

  private synchronized void returnLater() {
    returnAt = System.nanoTime() + (FIRST_RETURN_NANOS << Math.min(returns, MOST_DOUBLINGS));
    returns++;
  }

  /** After a fall-back: tries the preferred server again when its time has come. */
  void returnWhenDue() {
    synchronized (this) {
      if (returnAt == 0 || System.nanoTime() - returnAt < 0 || busy) {
        return;
      }
      returnAt = 0;
    }
    Endpoint endpoint = kernel.endpoint(path);
    String preferred = endpoint.route().getFirst();
    if (endpoint.server().equals(preferred) || Repair.isDown(endpoint)) {
      return;
    }
    try {
      endpoint.prepare(preferred);
      try (Kernel.Hold hold = kernel.hold(List.of(endpoint), RETURN_DRAIN_NANOS)) {
        State saved = endpoint.salvage(RETURN_DRAIN_NANOS);
        endpoint.open(preferred, saved).bind();
      }
    } catch (CallFailed.Revoked e) {
      throw e;
    } catch (CallFailed e) {
      returnLater(); // busy, or not well yet
    }
  }

  // State

  synchronized State save() {
    return State.of("recovery", 1)
        .with("path", path)
        .with("step", step)
        .with("tries", tries)
        .with("failures", failures)
        .with("sinceNanos", everFailed ? Math.max(0, System.nanoTime() - lastNanos) : -1)
        .with("givenUp", givenUp)
        .with("returns", returns)
        .with("returnNanos", returnAt == 0 ? -1 : Math.max(0, returnAt - System.nanoTime()));
  }

  synchronized void restore(State saved) {
    saved.expect("recovery", 1);
    step = (int) saved.number("step", 0, 1_000);
    tries = (int) saved.number("tries", 0, 1_000);
    failures = saved.number("failures", 0, Long.MAX_VALUE);
    long since = saved.number("sinceNanos", -1, Long.MAX_VALUE);
    everFailed = since >= 0;
    lastNanos = System.nanoTime() - Math.max(0, since);
    givenUp = saved.has("givenUp") && saved.flag("givenUp");
    returns = (int) saved.number("returns", 0, 1_000);
    long back = saved.number("returnNanos", -1, Long.MAX_VALUE);
    returnAt = back < 0 ? 0 : System.nanoTime() + back;
  }
}
