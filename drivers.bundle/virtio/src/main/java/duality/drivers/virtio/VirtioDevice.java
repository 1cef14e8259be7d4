package duality.drivers.virtio;

import duality.kernel.State;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * The logic of one device type, behind a transport.
 *
 * <p><em>Concurrency:</em> {@link #config} and {@link #features} are called by harts at any time;
 * the others by one thread at a time.
 */
@ConsumerType
public interface VirtioDevice {
  /** Name of the device's state schema, such as {@code virtio.blk}. */
  String schema();

  /** Device type (VIRTIO 1.2 §5). */
  int type();

  /** Features of the device type that are offered, as bits 0 to 23 (§2.2). */
  long features();

  /** Number of queues. */
  int queues();

  /** Most descriptors of a queue, a power of two. */
  int queueSize();

  /** The configuration space as it is now, little-endian. */
  byte[] config();

  /** Gets its transport, before anything else is called. */
  void attach(VirtioMmio transport);

  /**
   * Does what there is to do. The device may be {@linkplain VirtioMmio#running not running}.
   *
   * @param bits events: bits 0 to 31 from backends; for kicks see {@link VirtioMmio#kicked}
   */
  void work(long bits);

  /** Forgets all that was negotiated and begun; no queue is ready any more. */
  void reset();

  /**
   * The device's own state, after all that is on the way has come to rest.
   *
   * @throws IllegalStateException when something does not come to rest
   */
  State save();

  /**
   * Takes over a predecessor's state.
   *
   * @throws State.Refused when it makes no sense
   */
  void restore(State saved);
}
