package duality.kernel;

/**
 * A call through a capability did not succeed. Without a stack trace, because it is an expected
 * outcome: the message names the endpoint, the reason and what to do.
 */
public abstract sealed class CallFailed extends RuntimeException {
  private static final long serialVersionUID = 1;

  private CallFailed(String message) {
    super(message, null, false, false);
  }

  /** Nobody serves the endpoint, and nobody came before the deadline. */
  public static final class NoServer extends CallFailed {
    private static final long serialVersionUID = 1;

    /** Says which endpoint. */
    public NoServer(String message) {
      super(message);
    }
  }

  /** The deadline passed. Whether the call had an effect is in doubt. */
  public static final class TimedOut extends CallFailed {
    private static final long serialVersionUID = 1;

    /** Says which call and which deadline. */
    public TimedOut(String message) {
      super(message);
    }
  }

  /** The server threw something else than {@link BadRequest}: it counts as failed. */
  public static final class ServerFailed extends CallFailed {
    private static final long serialVersionUID = 1;

    /** Says which server and what it threw. */
    public ServerFailed(String message) {
      super(message);
    }
  }

  /** The capability, or one it was derived from, was revoked; or the endpoint is no more. */
  public static final class Revoked extends CallFailed {
    private static final long serialVersionUID = 1;

    /** Says which. */
    public Revoked(String message) {
      super(message);
    }
  }

  /**
   * The caller asked for something it may not have or that makes no sense: a missing right, an
   * upward call, an argument out of range. The one exception that a server may throw harmlessly.
   */
  public static final class BadRequest extends CallFailed {
    private static final long serialVersionUID = 1;

    /** Says what was wrong with the request, why, and what would be right. */
    public BadRequest(String message) {
      super(message);
    }
  }
}
