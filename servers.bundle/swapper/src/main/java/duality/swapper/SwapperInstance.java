package duality.swapper;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Instance;
import duality.kernel.Kernel;
import duality.kernel.State;
import duality.servers.Swapper;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The swapper at work: one swap at a time.
 *
 * <p>Until every new instance is open with its state nothing is changed; a failure before that
 * discards the new ones and opens the gates again on the old ones.
 */
final class SwapperInstance implements Swapper, Instance {
  private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(3);
  private static final int REMEMBERED = 1_000;

  private final Kernel kernel;
  private final Deque<Swap> history = new ArrayDeque<>();
  private long swaps;

  SwapperInstance(Kernel kernel, @Nullable State saved) {
    this.kernel = kernel;
    if (saved != null) {
      saved.expect("swapper", 1);
      swaps = saved.number("swaps", 0, Long.MAX_VALUE);
      for (State each : saved.states("history")) {
        history.add(swap(each));
      }
    }
  }

  @Override
  public synchronized Swap swap(String endpoint, String server) {
    List<Endpoint> set = matching(endpoint);
    String from = set.stream().map(Endpoint::server).distinct().collect(Collectors.joining(", "));
    long drained = 0;
    long drainNanos = 0;
    String outcome;
    List<Endpoint.Opened> opened = new ArrayList<>();
    for (Endpoint each : set) {
      each.prepare(server);
    }
    long since = System.nanoTime();
    try (Kernel.Hold hold = kernel.hold(set, DRAIN_NANOS)) {
      since = hold.sinceNanos();
      drained = hold.drained();
      drainNanos = System.nanoTime() - since;
      for (Endpoint each : set) {
        opened.add(each.open(server, saved(each)));
      }
      opened.forEach(Endpoint.Opened::bind);
      outcome = "done";
    } catch (CallFailed e) {
      opened.forEach(Endpoint.Opened::discard);
      outcome = "kept: " + e.getMessage();
    } catch (RuntimeException | Error e) {
      opened.forEach(Endpoint.Opened::discard);
      throw e;
    }
    long pauseNanos = System.nanoTime() - since;
    Swap swap =
        new Swap(
            ++swaps,
            endpoint,
            from,
            server,
            set.size(),
            drained,
            TimeUnit.NANOSECONDS.toMicros(pauseNanos),
            TimeUnit.NANOSECONDS.toMicros(drainNanos),
            outcome);
    history.add(swap);
    if (history.size() > REMEMBERED) {
      history.remove();
    }
    return swap;
  }

  @Override
  public synchronized Swap rehearse(String endpoint) {
    List<Endpoint> set = matching(endpoint);
    String servers =
        set.stream().map(Endpoint::server).distinct().collect(Collectors.joining(", "));
    long since;
    long drained;
    long drainNanos;
    try (Kernel.Hold hold = kernel.hold(set, DRAIN_NANOS)) {
      since = hold.sinceNanos();
      drained = hold.drained();
      drainNanos = System.nanoTime() - since;
    }
    return new Swap(
        0,
        endpoint,
        servers,
        servers,
        set.size(),
        drained,
        TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - since),
        TimeUnit.NANOSECONDS.toMicros(drainNanos),
        "done");
  }

  /** What the serving instance saves; a server that has failed may have nothing to say. */
  private static @Nullable State saved(Endpoint endpoint) {
    try {
      return endpoint.save();
    } catch (CallFailed e) {
      if (endpoint.report().condition().startsWith("failed") || endpoint.server().isEmpty()) {
        return null;
      }
      throw e;
    }
  }

  private List<Endpoint> matching(String pattern) {
    Pattern regex =
        Pattern.compile(
            java.util.Arrays.stream(pattern.split("\\*", -1))
                .map(Pattern::quote)
                .collect(Collectors.joining("[^/]*")));
    List<Endpoint> set =
        kernel.endpointsByPath().stream()
            .filter(each -> regex.matcher(each.path()).matches())
            .toList();
    if (set.isEmpty()) {
      throw new CallFailed.BadRequest(
          "no endpoint matches '" + pattern + "'; kernel:endpoints lists those that are there");
    }
    return set;
  }

  @Override
  public synchronized List<Swap> history() {
    return List.copyOf(history);
  }

  @Override
  public synchronized State save() {
    return State.of("swapper", 1)
        .with("swaps", swaps)
        .with("history", history.stream().map(SwapperInstance::state).toList());
  }

  private static State state(Swap swap) {
    return State.of("swap", 1)
        .with("number", swap.number())
        .with("endpoint", swap.endpoint())
        .with("from", swap.from())
        .with("to", swap.to())
        .with("endpoints", swap.endpoints())
        .with("drained", swap.drained())
        .with("pauseMicros", swap.pauseMicros())
        .with("drainMicros", swap.drainMicros())
        .with("outcome", swap.outcome());
  }

  private static Swap swap(State state) {
    state.expect("swap", 1);
    return new Swap(
        state.number("number"),
        state.text("endpoint"),
        state.text("from"),
        state.text("to"),
        (int) state.number("endpoints", 0, Integer.MAX_VALUE),
        state.number("drained"),
        state.number("pauseMicros"),
        state.number("drainMicros"),
        state.text("outcome"));
  }
}
