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

  /** Names of endpoints directly below this one. */
  List<String> children();
}
