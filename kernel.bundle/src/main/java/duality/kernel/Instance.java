package duality.kernel;

import org.osgi.annotation.versioning.ConsumerType;

/** A server at work for one endpoint; also implements the endpoint's protocol. */
@ConsumerType
public interface Instance {
  /**
   * Flattens all that a successor needs. Called when no call and no worker is inside; the instance may
   * be asked to serve on afterwards, when the swap is rolled back.
   */
  State save();

  /**
   * Lets go of host resources (files, sockets, threads of its own). Called once, at rest, after the
   * successor took over or when the endpoint ends. What the context gave out is taken back by the kernel.
   */
  default void close() {}
}
