package duality.guests;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Follows long work. Called on the thread that does the work, at most some ten times a second for
 * each step, and always once at the end of a step with {@code done == total}.
 */
@ConsumerType
@FunctionalInterface
public interface Progress {

  /** Listens to nothing. */
  Progress NONE = (what, done, total) -> {};

  /**
   * Work went on.
   *
   * @param what the step in a few words; the same for all calls about one step
   * @param done bytes done so far, from 0
   * @param total bytes in all, or -1 when that is not known yet
   */
  void step(String what, long done, long total);
}
