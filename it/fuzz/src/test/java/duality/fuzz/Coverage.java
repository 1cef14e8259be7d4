package duality.fuzz;

/**
 * Which places of the code were reached, and about how often. Each {@link CoveredClasses} has its
 * own copy of this class, so that what one worker's targets do does not count for another's.
 */
public final class Coverage {
  /** A power of two. */
  public static final int PLACES = 1 << 16;

  /**
   * Visits of each place, modulo 256. Threads write it without order: a count may be lost, a place
   * hardly ever.
   */
  public static final byte[] MAP = new byte[PLACES];

  private Coverage() {}

  /** Woven into the beginning of each method and behind each label that something jumps to. */
  public static void hit(int place) {
    MAP[place & PLACES - 1]++;
  }
}
