package duality.kernel;

import org.osgi.annotation.versioning.ConsumerType;

/** A server at work for one endpoint; also implements the endpoint's protocol. */
@ConsumerType
public interface Instance {
  /**
   * Flattens all that a successor needs. Called when no call and no worker is inside; the instance
   * may be asked to serve on afterwards, when the swap is rolled back.
   */
  State save();

  /**
   * Looks whether this instance is sound, cheaply: takes its locks, compares what must be equal.
   * Called now and then like a call, inside the gate and under the deadline of the protocol.
   *
   * @throws CallFailed when somebody whom it asked does not answer, which proves nothing
   * @throws RuntimeException when it is not; it then counts as failed
   */
  default void check() {}

  /**
   * Somebody waits until the calls inside have ended, for a swap or an end: calls that only wait
   * for something to happen shall return now, as if their time were up. Called while calls are
   * inside, on a thread of the kernel's, again every millisecond as long as they stay.
   */
  default void hurry() {}

  /**
   * The endpoint ends and nobody takes over: gives back what others count as lent to it, such as a
   * pager's frames to root. Called once, before {@link #close}, and not when a successor took over.
   * Calls through the context's capabilities still work.
   */
  default void ended() {}

  /**
   * Lets go of host resources (files, sockets, threads of its own). Called once, at rest, after the
   * successor took over or when the endpoint ends. What the context gave out is taken back by the
   * kernel.
   */
  default void close() {}
}
