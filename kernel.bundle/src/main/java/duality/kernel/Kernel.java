package duality.kernel;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The authority over the kernel: given to root when the system starts, and through root's routing
 * file to the servers named there ({@code control}). Mechanism only.
 *
 * <p><em>Concurrency:</em> any thread.
 */
@ProviderType
public interface Kernel {
  /** All frames of the pool. */
  Frame allFrames();

  /** How many processors there are. */
  int processorCount();

  /**
   * Makes an endpoint and binds a server to it, as {@link Context#child} does, anywhere in the
   * tree.
   *
   * @param shared whether stubs of it are published as an OSGi service of its protocol
   * @return a capability to it
   */
  <P> P create(
      String path,
      Class<P> protocol,
      Map<String, String> config,
      Map<String, Object> endowment,
      boolean shared);

  /** A capability to an endpoint that is there. */
  <P> P connect(String path, Class<P> protocol);

  /**
   * Ends an endpoint with all below it: instances closed, threads, spaces and grants taken back.
   */
  void remove(String path);

  /** The endpoint of that path, to be swapped. */
  Endpoint endpoint(String path);

  /** All endpoints, by path. */
  List<Endpoint> endpointsByPath();

  /** A thread by its number, for watching and weighing. */
  KernelThread thread(int id);

  /**
   * Takes charge of mending. As long as this capability's holder lives, callers of an endpoint that
   * failed wait at its gate, at most their deadline, instead of being refused at once; until {@link
   * Endpoint#giveUp}. When the holder itself fails, the core restarts it.
   *
   * @return a word that is signalled (bit 0) whenever an endpoint fails or falls vacant, calls that
   *     the watchdog gave up included
   */
  Notification supervise();

  /** The failures with a number above {@code after} (at most the last 256), oldest first. */
  List<FailureReport> failures(long after);

  /**
   * Closes the gates of these endpoints and waits until nobody is inside: hold and drain.
   *
   * @param drainNanos how long to wait
   * @return the hold, to be released
   * @throws CallFailed.TimedOut when somebody was still inside; the gates are open again
   * @throws CallFailed.BadRequest when the caller itself is inside one of them
   */
  Hold hold(List<Endpoint> endpoints, long drainNanos);

  /**
   * Does work that holds endpoints on a thread of the kernel's own, outside all endpoints, and
   * waits for it. What hangs in a server there (in loading its classes, open, save or close) is cut
   * off: the holds that the work took are released, and whatever it does later is refused.
   *
   * @param what the work, for messages
   * @param steppingOut whether the caller counts as outside of its own endpoint while it waits, so
   *     that the work may hold that one too: how a swapper swaps itself. The caller must touch
   *     nothing that its instance has saved meanwhile.
   * @throws CallFailed.ServerFailed when the work was cut off; it says where
   */
  <T> T handOver(String what, boolean steppingOut, Supplier<T> work);

  /** All registered servers, and the engines: those of several versions of a bundle each. */
  List<ServerReport> servers();

  /** Paths of the endpoints that hold a capability to this one. */
  List<String> clients(String path);

  /**
   * Moves the harts of all threads to another engine, all or none.
   *
   * @param engine its name, or {@code name#BUNDLE}
   * @return how many
   * @throws CallFailed.NoServer when there is no such engine
   * @throws CallFailed.ServerFailed when it does not take a hart; all are where they were
   */
  int moveThreads(String engine);

  /** A set of endpoints at rest. */
  @ProviderType
  interface Hold extends AutoCloseable {
    /** Calls and workers that were inside when the gates closed. */
    long drained();

    /** When the gates closed, on the host's monotonic clock. */
    long sinceNanos();

    /** How long the gates have been closed, or were closed until they were opened. */
    long pauseNanos();

    /** Opens the gates. Releasing twice has no effect. */
    @Override
    void close();
  }
}
