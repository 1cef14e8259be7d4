package duality.kernel;

import java.time.Instant;

/**
 * One event of the kernel's trace ring.
 *
 * @param number counts from 0, without gaps; the ring forgets the oldest
 * @param time when it happened
 * @param kind what it was, for those who count or record
 * @param endpoint path of the endpoint it is about; empty when it is about none
 * @param text one line for people
 */
public record TraceEvent(long number, Instant time, Kind kind, String endpoint, String text) {
  /** What happened. */
  public enum Kind {
    /** Everything else that is worth a line. */
    NOTE,
    /** A server failed: it threw, did not answer, or answered nonsense. */
    FAILED,
    /** The watchdog gave a call up that was inside past its deadline. */
    GIVEN_UP,
    /** The kernel goes on without a server, by the means of last resort. */
    FALLBACK
  }

  /** The time and the text, as {@link Observation#trace()} gives them. */
  public String line() {
    return time + "  " + text;
  }
}
