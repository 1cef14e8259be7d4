package duality.servers;

import duality.kernel.Frame;
import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import duality.kernel.Router;
import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Holds all frames and quotas and the routing of servers to endpoints: L4's sigma0 and the system's
 * start. Endpoint {@code root}, shared.
 */
@ConsumerType
@Protocol(rank = Protocol.ROOT, deadlineMillis = 60_000, stallMillis = 3_000)
public interface Root extends Router {
  /**
   * Makes a top-level endpoint, such as {@code vm/a} or {@code task/1}.
   *
   * @param path a path that the routing file allows
   * @param protocol its protocol
   * @return a capability to it
   * @throws duality.kernel.CallFailed.BadRequest when the path is taken, or not routed; the message
   *     says what to do
   */
  <P> P create(String path, Class<P> protocol, Map<String, String> config);

  /** A capability to an endpoint that is there. */
  <P> P connect(String path, Class<P> protocol);

  /** Ends an endpoint and all below it. */
  void remove(String path);

  /** Paths of the endpoints of a protocol, for completion and lists. */
  @Idempotent
  List<String> paths(Class<?> protocol);

  /**
   * Frames for a pager, charged to {@code owner}.
   *
   * @param owner the endpoint path that is charged
   * @param count frames, at least 1
   * @return a contiguous run
   * @throws duality.kernel.CallFailed.BadRequest when the quota or the pool is used up; the message
   *     has the figures
   */
  Frame allocate(String owner, long count);

  /** Gives a run (or a part of one) back. */
  void free(String owner, Frame frames);

  /** Frames in the pool, and how many are free. */
  @Idempotent
  FrameBalance balance();

  /**
   * Frames of the pool.
   *
   * @param total frames of 4 KiB in all
   * @param free frames nobody is charged for
   * @param owners frames by owner
   */
  record FrameBalance(long total, long free, Map<String, Long> owners) {}
}
