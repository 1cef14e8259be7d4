package duality.drivers;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * The back half of a split driver: its front half is in a guest that knows what runs it, and both
 * share a page with descriptor rings [BDF+03].
 *
 * <p>It reaches what the guest granted and nothing else: slot {@link Slots#MEMORY} is a space in
 * which page N is the page of the guest's grant N, if there is one. What the guest sends it comes
 * as bit {@link #KICK} of {@link Slots#EVENTS}. To call the guest it signals the bit that its
 * configuration {@link #PORT} names in slot {@link #PORTS}, then that in slot {@link Slots#HART} 0.
 * Everything in a ring is hostile: a wrong one ends in a status, or in {@link #BROKEN}.
 */
@ConsumerType
@Protocol(rank = Protocol.DEVICE, stallMillis = 1_000)
public interface BackEnd {
  /** Bit of {@link Slots#EVENTS}: the guest has put something into a ring. */
  long KICK = 1L << 32;

  /** Slot of the notification with one bit for each back end of a guest. */
  String PORTS = "ports";

  /** Configuration: number of this one's bit. */
  String PORT = "port";

  /** Grants are numbered from 0 up to this. */
  int GRANTS = 2048;

  /** Answer of {@link #state}: no ring is shared. */
  int CLOSED = 0;

  /** Answer of {@link #state}: at work. */
  int CONNECTED = 1;

  /** Answer of {@link #state}: the guest did what cannot be in a ring; connected anew it works. */
  int BROKEN = 2;

  /**
   * Begins with a ring, which is empty.
   *
   * @param grant of the page that holds it, which may be written
   * @return whether that can be used
   */
  boolean connect(int grant);

  /** Leaves the ring. What is in flight ends, and nobody hears of it. */
  @Idempotent
  void disconnect();

  /**
   * The guest wants a grant back.
   *
   * @return whether nothing here uses it, nor will before it is granted again
   */
  boolean release(int grant);

  /** One of {@link #CLOSED}, {@link #CONNECTED}, {@link #BROKEN}. */
  @Idempotent
  int state();

  /** What the driver is for: bytes of a disk, 0 for others. */
  @Idempotent
  long sizeBytes();

  /** Whether it cannot be written. */
  @Idempotent
  boolean readOnly();
}
