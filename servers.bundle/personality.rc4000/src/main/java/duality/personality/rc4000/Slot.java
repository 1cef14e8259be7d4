package duality.personality.rc4000;

import duality.kernel.KernelThread;
import duality.kernel.Space;

/**
 * A space and a thread of the core, which processes have one after the other.
 *
 * @param number of the place
 * @param space empty between two processes
 * @param thread suspended between two processes
 */
record Slot(int number, Space space, KernelThread thread) {
  /** Whether nobody is in it any more, not even its last process on the way out. */
  boolean isAtRest() {
    return thread.state().equals("SUSPENDED");
  }
}
