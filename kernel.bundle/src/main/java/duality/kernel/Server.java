package duality.kernel;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A factory of server instances: what a server bundle registers as its one OSGi service.
 *
 * <p>The service has the properties {@link #NAME} (such as {@code scheduler.fair}) and {@link
 * #PROTOCOL} (fully qualified names of the protocols it serves, one or several). The raw server is
 * never registered under its protocol, so that no reference can go round the kernel.
 */
@ConsumerType
public interface Server {
  /** Service property: the server's name, unique in the system. */
  String NAME = "duality.server";

  /** Service property: fully qualified name(s) of the protocol interface(s) it serves. */
  String PROTOCOL = "duality.protocol";

  /**
   * Service property, if wanted: the path at which this server asks to be reached, such as {@code
   * service/visits}. Whether it is, root's routing file decides.
   */
  String ENDPOINT = "duality.endpoint";

  /**
   * Opens an instance for one endpoint. The answer implements the endpoint's protocol. No calls
   * reach it before this method has returned, and on a swap not before the old instance is at rest.
   *
   * @param context what this instance may use
   * @param saved what its predecessor saved, or null at a first start; untrusted: validate it, and
   *     refuse with {@link State.Refused} saying why
   */
  Instance open(Context context, @Nullable State saved);
}
