package duality.guests;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * A guest image is not there and could not be got. Says what failed, why, and what to try next; the
 * message is all three in a form that can be shown as it is.
 */
public final class GuestUnavailable extends Exception {

  @Serial private static final long serialVersionUID = 1L;

  /** What kind of failure it is, for programs. */
  public enum Reason {
    /** Not in the cache, and no way to download was found or allowed. */
    NOT_CACHED,
    /** The mirror could not be reached, or the connection broke. */
    NETWORK,
    /** The mirror answered, and does not have the file. */
    NOT_FOUND,
    /** A signature or hash does not match: the file must not be used. */
    NOT_AUTHENTIC,
    /** The cache folder cannot be written, or the disk is full. */
    STORAGE,
    /** A file was authentic but not of the form that is understood here. */
    MALFORMED,
    /** A setting or argument is wrong. */
    SETTINGS,
    /** The calling thread was interrupted. */
    CANCELLED
  }

  private final Reason reason;
  private final String what;
  private final String why;
  private final String next;

  /** A failure without an exception behind it. */
  public GuestUnavailable(Reason reason, String what, String why, String next) {
    this(reason, what, why, next, null);
  }

  /**
   * A failure.
   *
   * @param reason its kind
   * @param what what was not possible, as a clause without a full stop
   * @param why the cause, as a clause without a full stop
   * @param next what the user can try, as a sentence without a full stop; may be empty
   * @param cause the exception behind it
   */
  public GuestUnavailable(
      Reason reason, String what, String why, String next, @Nullable Throwable cause) {
    super(what + ": " + why + "." + (next.isEmpty() ? "" : " " + next + "."), cause);
    this.reason = reason;
    this.what = what;
    this.why = why;
    this.next = next;
  }

  /** The kind of failure. */
  public Reason reason() {
    return reason;
  }

  /** What was not possible. */
  public String what() {
    return what;
  }

  /** The cause. */
  public String why() {
    return why;
  }

  /** What the user can try, or empty. */
  public String next() {
    return next;
  }
}
