package duality.soak;

import java.time.Duration;
import java.util.List;

/**
 * What a soak shall do. It ends at whichever of the two limits comes first.
 *
 * @param swaps after so many swaps, at least 1
 * @param duration after so much time
 * @param seed of all that is random, 0 to 999,999
 * @param kinds names of the kinds to swap; empty for all that there are
 * @param verb how: {@code swap}, or {@code update} of the bundle by plain OSGi from a file
 * @param gap mean time between two swaps
 * @param probes whether calls are made to measure what a caller waits; they cost processor time
 * @param cpus harts of the guest
 */
public record Plan(
    long swaps,
    Duration duration,
    long seed,
    List<String> kinds,
    String verb,
    Duration gap,
    boolean probes,
    int cpus) {
  /** Verb: {@code kernel:swap}. */
  public static final String SWAP = "swap";

  /** Verb: {@code felix:update}. */
  public static final String UPDATE = "update";

  /** Checks the values. */
  public Plan {
    kinds = List.copyOf(kinds);
    if (swaps < 1 || duration.isNegative() || gap.isNegative() || seed < 0 || seed > 999_999) {
      throw new IllegalArgumentException(
          "a soak of " + swaps + " swaps and " + duration + ", seed " + seed + ", gap " + gap);
    }
    if (!verb.equals(SWAP) && !verb.equals(UPDATE)) {
      throw new IllegalArgumentException("verb '" + verb + "': swap or update");
    }
  }
}
