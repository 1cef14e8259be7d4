package duality.swapper;

import duality.kernel.State;
import duality.servers.Swapper.Swap;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The last swaps: all that one swapper leaves to the next. It has a lock of its own, because a
 * swapper that swaps itself is saved by another thread than the one that waits in it.
 *
 * <p>Each swap is kept with its neutral form, which is the same object in the next swapper: who
 * waits while a swapper is swapped does not wait for all of them to be made.
 */
final class History {
  private static final int REMEMBERED = 200;

  private record Kept(Swap swap, State state) {}

  private final Deque<Kept> swaps = new ArrayDeque<>();
  private long number;

  History(@Nullable State saved) {
    if (saved != null) {
      saved.expect("swapper", 1);
      number = saved.number("swaps", 0, Long.MAX_VALUE);
      saved.states("history").forEach(each -> swaps.add(new Kept(swap(each), each)));
    }
  }

  /** The number of a swap that begins. */
  synchronized long next() {
    return ++number;
  }

  synchronized void add(Swap swap) {
    swaps.add(new Kept(swap, state(swap)));
    if (swaps.size() > REMEMBERED) {
      swaps.remove();
    }
  }

  synchronized void remove(Swap swap) {
    swaps.removeIf(each -> each.swap.equals(swap));
  }

  synchronized List<Swap> all() {
    return swaps.stream().map(Kept::swap).toList();
  }

  synchronized State save() {
    return State.of("swapper", 1)
        .with("swaps", number)
        .with("history", swaps.stream().map(Kept::state).toList());
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
        .with("waitedMicros", swap.waitedMicros())
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
        state.has("waitedMicros") ? state.number("waitedMicros") : 0,
        state.text("outcome"));
  }
}
