package duality.net.learning;

import duality.drivers.MacAddress;
import duality.drivers.Network;
import duality.drivers.WorkTallies;
import duality.kernel.Notification;
import duality.kernel.State;
import java.util.Arrays;

/** A card's end at the switch: the frame that it is sending, those that wait for it, its counts. */
final class Port {
  /** Length of a frame that became longer than any may be. */
  static final int TOO_LONG = Integer.MAX_VALUE;

  /** Bytes that may wait for one card. */
  static final int QUEUE_LIMIT = 1 << 19;

  final int number;
  final long card;
  Notification events;
  int bit;

  /** What was done in calls for this card. */
  final WorkTallies.Tally work;

  final FrameQueue queue = new FrameQueue(QUEUE_LIMIT);

  /** What there is of a frame that is being sent; nothing when it is too long. */
  byte[] frame = {};

  int length;
  boolean begun;

  long sentFrames;
  long sentBytes;
  long receivedFrames;
  long receivedBytes;
  long dropped;
  long refused;

  Port(int number, long card, Notification events, int bit, WorkTallies.Tally work) {
    this.number = number;
    this.card = card;
    this.events = events;
    this.bit = bit;
    this.work = work;
  }

  /** Room for that many bytes of the frame, with what there is. */
  byte[] room(int bytes) {
    if (bytes > frame.length) {
      frame = Arrays.copyOf(frame, Math.max(2048, bytes));
    }
    return frame;
  }

  /** A frame goes to this card; says whether it has to be told. */
  boolean take(byte[] bytes, int count) {
    boolean first = queue.isEmpty();
    if (!queue.add(bytes, count)) {
      dropped++;
      return false;
    }
    return first;
  }

  Network.Card report() {
    return new Network.Card(
        MacAddress.text(card),
        sentFrames,
        sentBytes,
        receivedFrames,
        receivedBytes,
        dropped,
        refused,
        queue.bytes());
  }

  /** Which card it is and how it is told: what a successor needs at least. */
  State identity() {
    return State.of("net.switch.card", 1).with("card", card).with("bit", bit);
  }

  State save() {
    return identity()
        .with("frame", Arrays.copyOf(frame, begun && length != TOO_LONG ? length : 0))
        .with("length", length)
        .with("begun", begun)
        .with("queue", queue.content())
        .with(
            "counts",
            new long[] {sentFrames, sentBytes, receivedFrames, receivedBytes, dropped, refused});
  }

  /** Takes over the rest of what {@link #save} said. */
  void restore(State saved, int longest) {
    byte[] part = saved.bytes("frame");
    length = (int) saved.number("length", 0, Integer.MAX_VALUE);
    begun = saved.flag("begun");
    boolean whole = length <= longest && part.length == length;
    if (begun && !whole && !(length == TOO_LONG && part.length == 0)) {
      throw new State.Refused("net.switch: a frame of " + length + " bytes has " + part.length);
    }
    frame = part;
    if (!queue.restore(saved.bytes("queue"), longest)) {
      throw new State.Refused("net.switch: what waits for " + MacAddress.text(card) + " is broken");
    }
    long[] counts = saved.numbers("counts");
    if (counts.length != 6) {
      throw new State.Refused("net.switch: " + counts.length + " counts of a card, not 6");
    }
    sentFrames = counts[0];
    sentBytes = counts[1];
    receivedFrames = counts[2];
    receivedBytes = counts[3];
    dropped = counts[4];
    refused = counts[5];
  }
}
