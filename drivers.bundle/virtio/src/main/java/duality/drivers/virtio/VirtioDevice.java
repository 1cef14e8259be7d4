package duality.drivers.virtio;

import duality.kernel.State;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;
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
   * After a restart from a state, before anything else is done: which chains of a queue this device
   * goes on with by itself. All others of {@code outstanding} are shown to it once more; what it
   * holds besides was given back already, or cannot be gone on with, and is forgotten.
   *
   * @param outstanding heads of the chains that the driver waits for
   * @return those of them that are in flight here, with all that belongs to them
   */
  default BitSet resume(int queue, BitSet outstanding) {
    return new BitSet();
  }

  /**
   * What a successor needs that gets no state of the last moment; chains that are in flight it
   * finds in the rings, through {@link #resume}. Null when such a successor would do wrong. Called
   * by any thread whenever the registers change.
   */
  default @Nullable State checkpoint() {
    return null;
  }

  /** Whether a chain that is available in that queue would be taken now. */
  default boolean takes(int queue) {
    return false;
  }

  /**
   * Looks whether this device is sound, see {@link duality.kernel.Instance#check}.
   *
   * @throws RuntimeException when it is not
   */
  default void check() {}

  /** The device is taken out for good, see {@link duality.kernel.Instance#ended}. */
  default void ended() {}

  /**
   * The device's own state, after all that is on the way has come to rest.
   *
   * @throws IllegalStateException when something does not come to rest
   */
  State save();

  /**
   * Takes over a predecessor's state: what {@link #save} answered, or {@link #checkpoint}.
   *
   * @throws State.Refused when it makes no sense
   */
  void restore(State saved);
}
