package duality.supervisor;

import java.util.Locale;

/**
 * One step of a policy.
 *
 * @param action what is done
 * @param times how often it is tried before the next step
 */
record Step(Action action, int times) {
  /** What can be done about a failed server. */
  enum Action {
    RESTART,
    FRESH,
    SPARE,
    FALLBACK,
    GIVEUP
  }

  @Override
  public String toString() {
    return action.name().toLowerCase(Locale.ROOT) + (times == 1 ? "" : "*" + times);
  }
}
