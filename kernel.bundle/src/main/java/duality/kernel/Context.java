package duality.kernel;

import duality.kernel.processor.HartMode;
import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;

/**
 * What a server instance may use: the endpoint's configuration and its capabilities.
 *
 * <p>Everything here belongs to the endpoint, not to the instance. Spaces, threads, notifications
 * and children that an instance asked for by name are found again under the same name by its
 * successor; they end with the endpoint. Workers belong to the instance and end with it.
 *
 * <p><em>Concurrency:</em> any thread.
 */
@ProviderType
public interface Context {
  /** The endpoint's path, such as {@code vm/a/blk0}. */
  String path();

  /** The server's name, such as {@code virtio.blk}. */
  String server();

  /** The endpoint's configuration, fixed when it was made. */
  Map<String, String> config();

  /** One configuration value, or {@code otherwise}. */
  default String config(String key, String otherwise) {
    return config().getOrDefault(key, otherwise);
  }

  /**
   * A capability from the endpoint's slots: endowed when it was made, or kept since.
   *
   * @throws CallFailed.BadRequest when the slot is empty or of another type; the message names both
   */
  <T> T slot(String slot, Class<T> type);

  /** Whether the slot holds something. */
  boolean has(String slot);

  /**
   * Keeps a capability in a slot, for this instance and its successors; replaces what was there.
   */
  void keep(String slot, Object capability);

  /** Empties a slot. */
  void drop(String slot);

  /**
   * The child endpoint {@code path()/name}, made when it is not there: the server is chosen by
   * root's routing file (a key {@code server} in {@code config} names another).
   *
   * @param endowment capabilities for the child's slots; each is derived for the child
   * @return a capability to it
   * @throws CallFailed.NoServer when no server for it is there
   */
  <P> P child(
      String name, Class<P> protocol, Map<String, String> config, Map<String, Object> endowment);

  /** Ends a child endpoint, with all below it. No effect when there is none. */
  void removeChild(String name);

  /** The endpoint's space of that name, made empty when it is not there. */
  Space space(String name);

  /** The endpoint's notification of that name, made when it is not there. */
  Notification notification(String name);

  /**
   * The endpoint's thread of that name, made (suspended, in reset state) when it is not there.
   *
   * @param space where it runs
   * @param handler who gets its exits; usually the caller's own endpoint, see {@link #self}
   * @param engine name of the engine, or empty for the default one
   */
  KernelThread thread(String name, HartMode mode, Space space, TrapHandler handler, String engine);

  /** Ends a thread of this endpoint. No effect when there is none. */
  void removeThread(String name);

  /** Ends a space of this endpoint; its frames go back. No effect when there is none. */
  void removeSpace(String name);

  /** A capability to this endpoint itself, to hand to others (or to the kernel, as a handler). */
  <P> P self(Class<P> protocol);

  /**
   * Starts a worker of this instance: a host thread outside the processors that takes the masked
   * bits of {@code notification} whenever there are any and does {@code work}. It is run once at
   * the start with all bits of the mask, so that a newly bound device looks through its rings.
   */
  void worker(String name, Notification notification, long mask, Work work);

  /**
   * Does {@code work} on a host thread of this instance's own, outside the gate, from now on: for
   * what waits for the host, such as its files. The thread is there already, so that who opens an
   * instance does not wait for it; it ends with the work, which has to end when the instance is
   * closed.
   */
  void host(String name, Runnable work);

  /**
   * The badge of the capability through which the current call came; 0 when it has none or outside
   * of a call.
   */
  long badge();

  /** A child of {@code capability} with at most these rights and that badge. */
  <T> T derive(T capability, Class<T> type, int rights, long badge);

  /** Makes a capability that this server gave out, and all derived from it, invalid. */
  void revoke(Object capability);

  /**
   * The kernel itself: only for servers to which root's routing file gives it ({@code control}).
   */
  Kernel kernel();

  /**
   * Leaves a state with the endpoint, for a successor of an instance that could not save: worth it
   * when something that matters and changes seldom has changed. It must stay true until the next
   * one, because a successor may get it much later.
   */
  void checkpoint(State state);

  /** Writes one line to the system's log, with the endpoint's name. */
  void log(String message);
}
