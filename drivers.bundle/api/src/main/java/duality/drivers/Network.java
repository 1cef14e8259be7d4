package duality.drivers;

import duality.kernel.Grant;
import duality.kernel.Idempotent;
import duality.kernel.Notification;
import duality.kernel.Protocol;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * An Ethernet that cards are plugged into. Frames are from destination address to the end of the
 * data, without the check sequence. What cannot be delivered is dropped and counted, as on a wire:
 * nobody ever waits for anybody.
 *
 * <p>A card is named by its address, as a number: the first byte on the wire is the highest of six.
 * The capability that a machine gives to a card's driver has that number for a badge, so that
 * nobody can speak for another card; a call without a badge is believed.
 *
 * <p><em>Concurrency:</em> any thread; calls for one card come from one thread at a time.
 *
 * <p><em>After a swap:</em> all cards stay plugged in, and frames that wait for them wait on. An
 * instance that lost that answers {@link #UNPLUGGED}, and the card is plugged in once more.
 */
@ConsumerType
@Protocol(rank = Protocol.BACKEND, stallMillis = 2_000)
public interface Network {
  /** Part of a frame: its beginning. */
  int FIRST = 1;

  /** Part of a frame: its end. */
  int LAST = 2;

  /** Answer: done. */
  int TAKEN = 0;

  /** Answer: no such card is plugged in. */
  int UNPLUGGED = -1;

  /** Answer: it is a later part of a frame of which the beginning was not seen. */
  int BEGIN_AGAIN = -2;

  /** Length of the longest frame that is taken, in bytes: 14 and what the network carries. */
  @Idempotent
  int longestFrame();

  /**
   * Plugs a card in, or says anew how it is told of frames.
   *
   * @param card its address, no group's
   * @param events signalled when a frame waits where none did
   * @param bit number of the bit that is signalled, 0 to 31
   * @return false when there is no room for one more
   */
  @Idempotent
  boolean plug(long card, Notification events, int bit);

  /** Pulls a card out; what waits for it is lost. No effect when it is not there. */
  @Idempotent
  void unplug(long card);

  /**
   * Sends a frame, or a part of one: the parts of a frame follow each other, the first one with
   * {@link #FIRST}, the last one with {@link #LAST}. A beginning forgets what was not ended. Frames
   * that are too long or too short are dropped and counted.
   *
   * @param from memory of which {@code length} bytes from {@code offset} on are read before the
   *     call returns
   * @return {@link #TAKEN}, {@link #UNPLUGGED} or {@link #BEGIN_AGAIN}
   */
  int send(long card, Grant from, long offset, int length, int part);

  /** Length of the frame that waits first for a card, 0 when none does, or {@link #UNPLUGGED}. */
  @Idempotent
  int waiting(long card);

  /**
   * Copies from the frame that waits first. When its end was copied, it waits no longer. A frame
   * that ends before {@code skip} is left alone.
   *
   * @param skip bytes at its beginning that are not wanted, or were copied before
   * @param to memory that is written from {@code offset} on
   * @param most bytes that there is room for
   * @return the whole length of the frame, 0 when none waits, or {@link #UNPLUGGED}
   */
  int receive(long card, int skip, Grant to, long offset, int most);

  /** The card has no room for the frame that waits first: it is dropped and counted. */
  void drop(long card);

  /** What there is and what happened. */
  @Idempotent
  Report report();

  /**
   * A network.
   *
   * @param cards those that are plugged in
   * @param learned addresses behind them that are known, besides their own
   * @param flooded frames that went to all, since nobody was known to have the address
   */
  record Report(List<Card> cards, int learned, long flooded) {}

  /**
   * A card.
   *
   * @param address in the usual notation
   * @param sentFrames frames that it sent
   * @param sentBytes bytes in them
   * @param receivedFrames frames that it fetched
   * @param receivedBytes bytes in them
   * @param dropped frames for it for which there was no room
   * @param refused frames of it that were too long, too short, or of another card's address
   * @param waitingBytes bytes that wait for it
   */
  record Card(
      String address,
      long sentFrames,
      long sentBytes,
      long receivedFrames,
      long receivedBytes,
      long dropped,
      long refused,
      int waitingBytes) {}
}
