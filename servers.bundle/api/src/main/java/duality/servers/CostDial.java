package duality.servers;

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Puts a server in front of another, which makes each call to it dearer by a chosen cost: to see
 * how much the price of a crossing matters. An OSGi service.
 *
 * <p>The one in front is a server like others: {@code kernel:swap} puts it behind an endpoint while
 * it is in use and takes it away again. It opens the server behind it, hands it the state, and
 * saves what that saves; so the two take each other's place without loss.
 *
 * <p><em>Concurrency:</em> any thread. <em>After a swap:</em> the cost of an endpoint stays until
 * it is set again.
 */
@ProviderType
public interface CostDial {
  /** What the name of a server in front of another ends with. */
  String SUFFIX = "+dial";

  /** The highest cost of a call. */
  long MOST_NANOS = 100_000;

  /**
   * Registers a server in front of another.
   *
   * @param server name of a registered server, without {@link #SUFFIX}
   * @return the name of the one in front
   * @throws IllegalArgumentException when there is no such server
   */
  String before(String server);

  /**
   * Sets what each call costs from now on, beside the generated code in front itself (some
   * nanoseconds).
   *
   * @param endpoint path
   * @param nanos busy waiting, 0 to {@link #MOST_NANOS}
   * @param handOff whether another host thread makes the call, and the caller waits for it: two
   *     real switches of threads. What asks who calls it by badge then sees none
   */
  void set(String endpoint, long nanos, boolean handOff);

  /** What is set, by endpoint. */
  List<Setting> settings();

  /**
   * What calls to an endpoint cost.
   *
   * @param endpoint its path
   * @param costNanos added to each call
   * @param handOff whether another thread makes it
   * @param calls that went through so far
   */
  record Setting(String endpoint, long costNanos, boolean handOff, long calls) {}
}
