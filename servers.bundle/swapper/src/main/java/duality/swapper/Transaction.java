package duality.swapper;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.State;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Endpoints that get new servers together: hold, drain, save, open, rebind, release.
 *
 * <p>Until every new instance is open with its state nothing is changed; a failure before that
 * discards the new ones and opens the gates again on the old ones.
 *
 * <p>Run on a hand-over thread of the kernel. That is also how the swapper swaps itself: the thread
 * is outside of all endpoints, and the caller's own call counts as ended while it waits. The other
 * ways would be to answer before it is done, and then nobody hears how it ended; or a second
 * swapper only for the first one, which would need a third.
 */
final class Transaction {
  private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(3);

  /** One endpoint and where it goes, with its state or without. */
  record Target(Endpoint endpoint, String server, boolean anew) {}

  /**
   * How it ended.
   *
   * @param done whether the new servers serve
   * @param drained calls that were inside when the gates closed
   * @param waitedNanos how long the host ran others while this thread could run
   * @param outcome as in {@link duality.servers.Swapper.Swap}
   */
  record Result(
      boolean done,
      long drained,
      long pauseNanos,
      long drainNanos,
      long waitedNanos,
      String outcome) {
    /** Nothing was changed. */
    static Result kept(String why) {
      return new Result(false, 0, 0, 0, 0, "kept: " + why);
    }
  }

  private final Kernel kernel;
  private final Shield shield;
  private final List<Target> targets;

  Transaction(Kernel kernel, Shield shield, List<Target> targets) {
    this.kernel = kernel;
    this.shield = shield;
    // From the top down: what a new server asks of one below it is answered by the old one there,
    // which may not be saved before.
    this.targets =
        targets.stream()
            .sorted(Comparator.comparingInt((Target each) -> each.endpoint.rank()).reversed())
            .toList();
  }

  String what() {
    return targets.stream()
        .map(each -> each.endpoint.path() + " to " + each.server)
        .collect(Collectors.joining(", "));
  }

  Result run() {
    for (Target each : targets) {
      each.endpoint.prepare(each.server);
    }
    shield.raise();
    try {
      return replace();
    } finally {
      shield.lower();
    }
  }

  private Result replace() {
    List<Endpoint> set = targets.stream().map(Target::endpoint).toList();
    List<Endpoint.Opened> opened = new ArrayList<>();
    long waited = RunDelay.nanos();
    Kernel.Hold hold;
    try {
      hold = kernel.hold(set, DRAIN_NANOS);
    } catch (CallFailed e) {
      return Result.kept(String.valueOf(e.getMessage()));
    }
    long drainNanos = System.nanoTime() - hold.sinceNanos();
    String outcome = "done";
    try (hold) {
      for (Target each : targets) {
        opened.add(open(each));
      }
      opened.forEach(Endpoint.Opened::bind);
    } catch (CallFailed e) {
      opened.forEach(Endpoint.Opened::discard);
      outcome = "kept: " + e.getMessage();
    } catch (RuntimeException | Error e) {
      opened.forEach(Endpoint.Opened::discard);
      throw e;
    }
    return new Result(
        outcome.equals("done"),
        hold.drained(),
        hold.pauseNanos(),
        drainNanos,
        RunDelay.nanos() - waited,
        outcome);
  }

  /** Holds, drains and releases, and that is all. */
  Result rehearse() {
    shield.raise();
    try {
      long waited = RunDelay.nanos();
      Kernel.Hold hold = kernel.hold(targets.stream().map(Target::endpoint).toList(), DRAIN_NANOS);
      long drainNanos = System.nanoTime() - hold.sinceNanos();
      hold.close();
      return new Result(
          true, hold.drained(), hold.pauseNanos(), drainNanos, RunDelay.nanos() - waited, "done");
    } finally {
      shield.lower();
    }
  }

  private static Endpoint.Opened open(Target target) {
    Endpoint endpoint = target.endpoint;
    State saved = null;
    boolean failed = false;
    try {
      saved = target.anew ? null : endpoint.save();
    } catch (CallFailed e) {
      failed = endpoint.report().condition().startsWith("failed") || endpoint.server().isEmpty();
      if (!failed) {
        throw e;
      }
    }
    State checkpoint = failed ? endpoint.checkpoint() : null;
    if (checkpoint != null) {
      try {
        return endpoint.open(target.server, checkpoint);
      } catch (CallFailed refused) {
        // It fits no better than none.
      }
    }
    return endpoint.open(target.server, saved);
  }
}
