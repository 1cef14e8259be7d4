package duality.supervisor;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.State;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Puts a server behind an endpoint that failed, with the best state that there is. */
final class Repair {
  private static final long DRAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long SALVAGE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** An open that took so long before it failed did hang. */
  private static final long HANGS_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long somebody else's swap of the endpoint is waited for. */
  private static final long TURN_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long LOOK_NANOS = 200_000;

  private final Kernel kernel;

  Repair(Kernel kernel) {
    this.kernel = kernel;
  }

  /** Where a state comes from, and how to get it; null when there is none of that kind. */
  private record Source(String name, Supplier<@Nullable State> state) {}

  /**
   * Replaces the instance.
   *
   * @param candidates servers to be tried in this order
   * @param exact whether only what the failed instance saves or left as its checkpoint will do
   * @param skip how many of the sources of a state are passed over: 0 for none, 1 for what the
   *     failed instance saves, 2 for the checkpoint too
   * @param hung whether calls inside are known to be stuck
   * @param course kept from one failure to the next
   * @param another whether the candidates are other servers than the one that failed: these get the
   *     first state, if any will do
   * @return what was done, for people
   * @throws CallFailed when nothing helped
   */
  String replace(
      Endpoint endpoint,
      List<String> candidates,
      boolean exact,
      int skip,
      boolean hung,
      Course course,
      boolean another) {
    List<String> servers = new ArrayList<>(candidates);
    if (hung) {
      endpoint.abandon();
    }
    try (Kernel.Hold hold = hold(endpoint, course)) {
      if (!isDown(endpoint)) {
        return "is served again by " + endpoint.server() + ", by somebody else's doing";
      }
      List<Source> sources = new ArrayList<>();
      course.holds(hold);
      State before = course.first();
      if (another && !exact && before != null) {
        sources.add(new Source("the state of before it failed again and again", () -> before));
      }
      sources.add(
          new Source(
              "its state",
              () -> {
                State saved = endpoint.salvage(SALVAGE_NANOS);
                if (skip == 0 && !another) {
                  course.first(saved);
                }
                return saved;
              }));
      sources.add(new Source("its checkpoint", endpoint::checkpoint));
      if (!exact) {
        sources.add(new Source("nothing", () -> null));
      }
      List<String> refusals = new ArrayList<>();
      for (Source source : sources.subList(Math.min(skip, sources.size() - 1), sources.size())) {
        String outcome = from(endpoint, servers, source, refusals, course);
        if (outcome != null) {
          return outcome;
        }
      }
      throw new CallFailed.ServerFailed(String.join("; ", refusals));
    }
  }

  private @Nullable String from(
      Endpoint endpoint,
      List<String> servers,
      Source source,
      List<String> refusals,
      Course course) {
    course.moved();
    State state;
    try {
      state = source.state.get();
    } catch (CallFailed e) {
      refusals.add(String.valueOf(e.getMessage()));
      return null;
    }
    if (state == null && !source.name.equals("nothing")) {
      return null;
    }
    for (String server : List.copyOf(servers)) {
      long begun = System.nanoTime();
      course.moved();
      try {
        endpoint.open(server, state).bind();
        return server + " started from " + source.name;
      } catch (CallFailed e) {
        refusals.add(e.getMessage() + " (from " + source.name + ")");
        if (System.nanoTime() - begun > HANGS_NANOS) {
          servers.remove(server); // it would hang with another state as well
        }
      }
    }
    return null;
  }

  /** Whether nobody sound serves it; true also while it is held. */
  static boolean isDown(Endpoint endpoint) {
    return endpoint.server().isEmpty() || endpoint.report().condition().startsWith("failed");
  }

  private Kernel.Hold hold(Endpoint endpoint, Course course) {
    long end = System.nanoTime() + TURN_NANOS;
    while (true) {
      course.moved();
      try {
        return kernel.hold(List.of(endpoint), DRAIN_NANOS);
      } catch (CallFailed.TimedOut e) {
        // Nobody waits for a broken server longer than for a sound one.
        endpoint.abandon();
      } catch (CallFailed.BadRequest e) {
        if (System.nanoTime() - end > 0) {
          throw e;
        }
        LockSupport.parkNanos(LOOK_NANOS);
      }
    }
  }
}
