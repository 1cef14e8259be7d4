package hot;

import duality.kernel.Protocol;

/** Counts visits of pages. */
@Protocol(rank = Protocol.BACKEND, deadlineMillis = 5_000)
public interface Visits {
  /**
   * Counts visits.
   *
   * @return how many the page has had by now, these included
   */
  long add(String page, long visits);
}
