package duality.plic;

import duality.drivers.InterruptController;
import duality.drivers.Settings;
import duality.drivers.Slots;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.kernel.processor.Lines;
import org.jspecify.annotations.Nullable;

/**
 * RISC-V Platform-Level Interrupt Controller, version 1.0.0, with the contexts and register places
 * of QEMU's {@code virt}: hart N has context 2N for M-mode and 2N + 1 for S-mode.
 *
 * <p>All sources are level-triggered. A gateway forwards one request at a time: once forwarded it
 * stays pending although the level may fall, and after its completion a level that is still high
 * makes the next request (§5). Claiming looks at priorities and enables only; the threshold masks
 * the line to the hart, not the claim (§8, §9).
 */
final class Plic implements InterruptController, Instance {
  private static final String SCHEMA = "plic";
  private static final int VERSION = 1;

  private static final int MOST_SOURCES = 1_023;
  private static final int MOST_HARTS = 128;
  private static final int HIGHEST_PRIORITY = 7;

  private static final long PENDING = 0x1000;
  private static final long ENABLES = 0x2000;
  private static final long ENABLE_STRIDE = 0x80;
  private static final long CONTEXTS = 0x20_0000;
  private static final long CONTEXT_STRIDE = 0x1000;

  private final int sources;
  private final int contexts;
  private final Notification[] harts;

  private final byte[] priority;
  private final int[] threshold;

  /** Bit sets over sources, 64 to a word: wires, requests forwarded, requests being served. */
  private final long[] level;

  private final long[] pending;
  private final long[] claimed;
  private final long[][] enabled;

  /** What each context's line was last told. */
  private final boolean[] asserted;

  private Plic(Context context) {
    sources = Settings.number(context, "sources", 1, MOST_SOURCES, 96);
    harts = new Notification[Settings.number(context, Slots.HARTS, 1, MOST_HARTS, 1)];
    for (int i = 0; i < harts.length; i++) {
      harts[i] = context.slot(Slots.HART + i, Notification.class);
    }
    contexts = 2 * harts.length;
    int words = sources / 64 + 1;
    priority = new byte[sources + 1];
    threshold = new int[contexts];
    level = new long[words];
    pending = new long[words];
    claimed = new long[words];
    enabled = new long[contexts][words];
    asserted = new boolean[contexts];
  }

  static Plic open(Context context, @Nullable State saved) {
    Plic plic = new Plic(context);
    if (saved != null) {
      plic.restore(saved);
    }
    return plic;
  }

  @Override
  public synchronized void level(int source, boolean high) {
    if (source < 1 || source > sources) {
      throw new CallFailed.BadRequest(
          "interrupt source " + source + " is not one of 1 to " + sources);
    }
    set(level, source, high);
    if (high) {
      forward(source);
      drive();
    }
  }

  @Override
  public synchronized long load(long offset, int width) {
    if (width != 4 || (offset & 3) != 0 || offset < 0) {
      return 0;
    }
    if (offset < PENDING) {
      int source = (int) (offset / 4);
      return source <= sources ? priority[source] : 0;
    }
    if (offset < ENABLES) {
      return word(pending, (offset - PENDING) / 4);
    }
    if (offset < CONTEXTS) {
      int context = (int) ((offset - ENABLES) / ENABLE_STRIDE);
      return context < contexts
          ? word(enabled[context], (offset - ENABLES) % ENABLE_STRIDE / 4)
          : 0;
    }
    int context = (int) Math.min((offset - CONTEXTS) / CONTEXT_STRIDE, contexts);
    if (context == contexts) {
      return 0;
    }
    return switch ((int) ((offset - CONTEXTS) % CONTEXT_STRIDE)) {
      case 0 -> threshold[context];
      case 4 -> claim(context);
      default -> 0;
    };
  }

  @Override
  public synchronized void store(long offset, int width, long value) {
    if (width != 4 || (offset & 3) != 0 || offset < 0) {
      return;
    }
    if (offset < PENDING) {
      int source = (int) (offset / 4);
      if (source >= 1 && source <= sources) {
        priority[source] = (byte) (value & HIGHEST_PRIORITY);
      }
    } else if (offset < ENABLES) {
      return; // pending bits are read-only
    } else if (offset < CONTEXTS) {
      int context = (int) ((offset - ENABLES) / ENABLE_STRIDE);
      if (context < contexts) {
        enable(enabled[context], (offset - ENABLES) % ENABLE_STRIDE / 4, value & 0xffff_ffffL);
      }
    } else {
      int context = (int) Math.min((offset - CONTEXTS) / CONTEXT_STRIDE, contexts);
      if (context == contexts) {
        return;
      }
      switch ((int) ((offset - CONTEXTS) % CONTEXT_STRIDE)) {
        case 0 -> threshold[context] = (int) value & HIGHEST_PRIORITY;
        case 4 -> complete(context, value & 0xffff_ffffL);
        default -> {
          // Reserved.
        }
      }
    }
    drive();
  }

  @Override
  public synchronized void reset() {
    java.util.Arrays.fill(priority, (byte) 0);
    java.util.Arrays.fill(threshold, 0);
    for (long[] each : enabled) {
      java.util.Arrays.fill(each, 0);
    }
    java.util.Arrays.fill(claimed, 0);
    // The wires are not ours: what is still high is forwarded again.
    System.arraycopy(level, 0, pending, 0, level.length);
    drive();
  }

  /** The gateway: a request for a high level, unless one is pending or being served. */
  private void forward(int source) {
    if (has(level, source) && !has(claimed, source)) {
      set(pending, source, true);
    }
  }

  private int claim(int context) {
    int source = best(context, 0);
    if (source != 0) {
      set(pending, source, false);
      set(claimed, source, true);
      drive();
    }
    return source;
  }

  /** Ends a service; ignored for a source that is not enabled for the context (§10). */
  private void complete(int context, long number) {
    if (number < 1 || number > sources || !has(enabled[context], (int) number)) {
      return;
    }
    int source = (int) number;
    set(claimed, source, false);
    forward(source);
  }

  /**
   * The pending and enabled source with the highest priority above {@code above}, the lowest number
   * first; 0 when there is none.
   */
  private int best(int context, int above) {
    int best = 0;
    int bestPriority = above;
    for (int word = 0; word < pending.length; word++) {
      long candidates = pending[word] & enabled[context][word];
      while (candidates != 0) {
        int source = word * 64 + Long.numberOfTrailingZeros(candidates);
        candidates &= candidates - 1;
        if (priority[source] > bestPriority) {
          best = source;
          bestPriority = priority[source];
        }
      }
    }
    return best;
  }

  /**
   * Brings all lines to what they should be. Under the lock, so that harts see changes in order.
   */
  private void drive() {
    for (int context = 0; context < contexts; context++) {
      boolean wanted = best(context, threshold[context]) != 0;
      if (wanted != asserted[context]) {
        tell(context, wanted);
      }
    }
  }

  private void tell(int context, boolean wanted) {
    if (wanted) {
      harts[context / 2].signal(line(context));
    } else {
      harts[context / 2].clear(line(context));
    }
    asserted[context] = wanted;
  }

  /**
   * Whether the lines are what the registers say, and no request stayed behind at a gateway. They
   * are said once more, because nobody here may read what the harts heard.
   */
  @Override
  public synchronized void check() {
    for (int word = 0; word < level.length; word++) {
      long lost = level[word] & ~pending[word] & ~claimed[word];
      if (lost != 0) {
        int source = 64 * word + Long.numberOfTrailingZeros(lost);
        throw new IllegalStateException("source " + source + " is high and was not forwarded");
      }
    }
    for (int context = 0; context < contexts; context++) {
      boolean wanted = best(context, threshold[context]) != 0;
      if (asserted[context] != wanted) {
        throw new IllegalStateException(
            "the line of context " + context + " is " + (wanted ? "low" : "high"));
      }
      tell(context, wanted);
    }
  }

  private static long line(int context) {
    return (context & 1) == 0 ? Lines.MEIP : Lines.SEIP;
  }

  private void enable(long[] set, long word32, long bits) {
    if (word32 / 2 >= set.length) {
      return;
    }
    int word = (int) word32 / 2;
    int shift = (int) (word32 & 1) * 32;
    set[word] = set[word] & ~(0xffff_ffffL << shift) | bits << shift;
    keepExisting(set);
  }

  /** Clears bits of sources that are not there: 0, and all above the last. */
  private void keepExisting(long[] set) {
    set[0] &= ~1L;
    int used = sources % 64 + 1;
    if (used < 64) {
      set[set.length - 1] &= (1L << used) - 1;
    }
  }

  private static long word(long[] set, long word32) {
    return word32 / 2 < set.length ? set[(int) word32 / 2] >>> (word32 & 1) * 32 & 0xffff_ffffL : 0;
  }

  private static boolean has(long[] set, int source) {
    return (set[source / 64] >>> source % 64 & 1) != 0;
  }

  private static void set(long[] set, int source, boolean member) {
    long bit = 1L << source % 64;
    set[source / 64] = member ? set[source / 64] | bit : set[source / 64] & ~bit;
  }

  @Override
  public synchronized State save() {
    long[] allEnabled = new long[contexts * level.length];
    for (int i = 0; i < contexts; i++) {
      System.arraycopy(enabled[i], 0, allEnabled, i * level.length, level.length);
    }
    return State.of(SCHEMA, VERSION)
        .with("sources", sources)
        .with("contexts", contexts)
        .with("priority", priority)
        .with("threshold", java.util.Arrays.stream(threshold).asLongStream().toArray())
        .with("level", level)
        .with("pending", pending)
        .with("claimed", claimed)
        .with("enabled", allEnabled);
  }

  private synchronized void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    saved.number("sources", sources, sources);
    saved.number("contexts", contexts, contexts);
    byte[] priorities = saved.bytes("priority");
    refuseUnless(priorities.length == priority.length, "priority");
    for (int i = 0; i < priorities.length; i++) {
      refuseUnless(priorities[i] >= 0 && priorities[i] <= (i == 0 ? 0 : 7), "priority");
      priority[i] = priorities[i];
    }
    long[] thresholds = saved.numbers("threshold");
    refuseUnless(thresholds.length == contexts, "threshold");
    for (int i = 0; i < contexts; i++) {
      refuseUnless(thresholds[i] >= 0 && thresholds[i] <= HIGHEST_PRIORITY, "threshold");
      threshold[i] = (int) thresholds[i];
    }
    restore(saved, "level", level);
    restore(saved, "pending", pending);
    restore(saved, "claimed", claimed);
    long[] allEnabled = saved.numbers("enabled");
    refuseUnless(allEnabled.length == contexts * level.length, "enabled");
    for (int i = 0; i < contexts; i++) {
      System.arraycopy(allEnabled, i * level.length, enabled[i], 0, level.length);
      keepExisting(enabled[i]);
    }
    for (int context = 0; context < contexts; context++) {
      tell(context, best(context, threshold[context]) != 0);
    }
  }

  private void restore(State saved, String name, long[] set) {
    long[] words = saved.numbers(name);
    refuseUnless(words.length == set.length, name);
    System.arraycopy(words, 0, set, 0, words.length);
    keepExisting(set);
  }

  private static void refuseUnless(boolean right, String name) {
    if (!right) {
      throw new State.Refused("plic." + name + " has a value or a length that no PLIC has");
    }
  }
}
