package duality.kernel;

/** What a worker does each time its notification has bits for it. */
@FunctionalInterface
public interface Work {
  /**
   * Does it. Runs inside the endpoint's gate, as a call does: a swap waits until it has returned.
   * An exception fails the server.
   *
   * @param bits the bits that were taken from the notification
   */
  void run(long bits);
}
