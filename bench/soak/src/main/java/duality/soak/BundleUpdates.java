package duality.soak;

import duality.kernel.Observation;
import duality.servers.Swapper;

/** Updates the bundle of the server behind an endpoint from a file, by plain OSGi. */
@FunctionalInterface
public interface BundleUpdates {
  /**
   * Updates it.
   *
   * @param kernel says which bundle it is
   * @param endpoint path of the endpoint
   * @return what happened, as a swap
   */
  Swapper.Swap update(Observation kernel, String endpoint);
}
