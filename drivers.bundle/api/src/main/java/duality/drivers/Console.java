package duality.drivers;

import duality.kernel.Idempotent;
import duality.kernel.Protocol;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * The far end of a serial line: the guest's device at one side, people and programs at the other.
 * It remembers the last output (64 KiB unless configured), so that who attaches later sees it.
 *
 * <p>Bytes travel in strings of ISO 8859-1, one character a byte.
 */
@ConsumerType
@Protocol(rank = Protocol.BACKEND, stallMillis = 2_000)
public interface Console {
  /** Device side: the guest wrote these bytes. Never waits. */
  void written(String bytes);

  /**
   * Device side: takes up to {@code most} bytes of input, empty when there is none. New input is
   * announced by a bit of the notification in {@link Slots#EVENTS} (bit 0 unless {@link
   * Slots#EVENT_BIT} says otherwise).
   */
  String input(int most);

  /**
   * People's side: input for the guest; at most 64 KiB are kept, the answer says how many were
   * taken.
   */
  int type(String bytes);

  /** How many bytes the guest has written since the console was made. */
  @Idempotent
  long position();

  /** The oldest position that is still remembered. */
  @Idempotent
  long oldest();

  /**
   * People's side: output from {@code position} on, at most {@code most} bytes; waits up to {@code
   * timeoutMillis} (at most 1,000) for the first byte. A position that is forgotten already starts
   * at {@link #oldest}; the caller sees that from {@link #oldest}.
   */
  @Idempotent
  String output(long position, int most, long timeoutMillis);
}
