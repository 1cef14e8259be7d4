package duality.kernel;

import java.time.Instant;
import java.util.List;

/**
 * What is known about one failure of a server: a post-mortem record.
 *
 * @param number counts from 1
 * @param path the endpoint
 * @param server name of the server that was bound; empty when there was none
 * @param bundle its bundle and version
 * @param kind what was noticed
 * @param reason what was wrong, in words
 * @param stack the top frames of where it was, innermost first; may be empty
 * @param inside calls and workers that were inside then
 * @param at when, by the calendar
 * @param atNanos when, on the host's monotonic clock
 */
public record FailureReport(
    long number,
    String path,
    String server,
    String bundle,
    Kind kind,
    String reason,
    List<String> stack,
    int inside,
    Instant at,
    long atNanos) {
  /** How a failure was noticed. */
  public enum Kind {
    /** It threw something else than {@link CallFailed.BadRequest}. */
    EXCEPTION,
    /** A call was inside longer than the deadline of its protocol. */
    DEADLINE,
    /** A worker did not come back, or nothing went on although there was something to do. */
    STALL,
    /** Its own check ({@link Instance#check}) or somebody's who watches it found it wrong. */
    CHECK,
    /** Its answer made no sense. */
    NONSENSE,
    /** The server is not there any more: its bundle was stopped, updated or uninstalled. */
    GONE
  }
}
