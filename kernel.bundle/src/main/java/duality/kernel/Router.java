package duality.kernel;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** Chooses servers for endpoints: the policy side of binding, served by root. */
@ConsumerType
@Protocol(rank = Protocol.ROOT)
public interface Router {
  /**
   * The servers for a path, best first; the others are spares.
   *
   * @param path such as {@code vm/a/blk0}
   * @param protocol fully qualified name of the protocol
   * @return names of servers, never empty
   * @throws CallFailed.BadRequest when the routing file has no line for it
   */
  List<String> route(String path, String protocol);
}
