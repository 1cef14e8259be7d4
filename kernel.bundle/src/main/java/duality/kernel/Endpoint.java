package duality.kernel;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A named, typed, long-lived place where a server can be reached, seen from above: what root and
 * the swapper hold. Clients hold capabilities that look like the protocol.
 *
 * <p>Hold, drain, rebind, release is the only swap mechanism of the core. While an endpoint is
 * held, callers wait at its gate; drained means that no call and no worker is inside.
 *
 * <p><em>Concurrency:</em> any thread; a set of endpoints is held by one {@link Kernel#hold} at a
 * time.
 */
@ProviderType
public interface Endpoint {
  /** Its path, such as {@code vm/a/blk0}. */
  String path();

  /** Fully qualified name of its protocol. */
  String protocol();

  /** Rank of its protocol. */
  int rank();

  /** Name of the server bound to it; empty when it is vacant. */
  String server();

  /**
   * The server that was replaced, while it worked, by the one that serves now.
   *
   * @param withinNanos how long ago that may be at most
   * @return its name; empty when it was longer ago, when that server is gone, or when the present
   *     one took the place of one that had failed or left
   */
  String predecessor(long withinNanos);

  /** Its counters and its condition now. */
  EndpointReport report();

  /** What the bound instance saves. Only while it is drained. */
  State save();

  /**
   * Loads the classes of a server, so that an open while the endpoint is held does not wait for
   * them.
   *
   * @throws CallFailed.NoServer when there is no such server
   */
  void prepare(String server);

  /**
   * Opens an instance beside the one that serves, without binding it.
   *
   * @param server name of a registered server of the same protocol
   * @param saved state for it, or null
   * @throws CallFailed.NoServer when there is no such server
   * @throws CallFailed.ServerFailed when it throws; a {@link State.Refused} is in the message
   */
  Opened open(String server, @Nullable State saved);

  /** An instance that is open but not bound. */
  @ProviderType
  interface Opened {
    /** The server's name. */
    String server();

    /**
     * Binds it in place of the old instance, which is closed. Only while the endpoint is drained.
     */
    void bind();

    /** Closes it unbound. */
    void discard();
  }

  /** The servers for this endpoint by root's routing file, best first. */
  List<String> route();

  /**
   * What an instance that failed can still save, asked on a thread of its own. Only while it is
   * held.
   *
   * @param timeoutNanos how long to wait for it
   * @throws CallFailed.ServerFailed when it throws
   * @throws CallFailed.TimedOut when it does not answer
   */
  State salvage(long timeoutNanos);

  /** The last checkpoint of this endpoint, or null. */
  @Nullable State checkpoint();

  /** Leaves a checkpoint with this endpoint; replaces the one before. */
  void checkpoint(State state);

  /**
   * Has the instance look whether it is sound, inside the gate as a call. No effect unless it is
   * open.
   *
   * @throws CallFailed when it is not; it counts as failed then
   */
  void check();

  /** Declares the instance failed: who watches it found it wrong. */
  void fail(String reason);

  /**
   * Nobody will mend a failed endpoint: its callers are refused with this reason from now on, until
   * a server is bound.
   */
  void giveUp(String reason);

  /**
   * Gives up all calls and workers that are inside a failed endpoint, as the watchdog does when
   * their deadline is over.
   *
   * @return how many
   */
  int abandon();

  /** Names of endpoints directly below this one. */
  List<String> children();
}
