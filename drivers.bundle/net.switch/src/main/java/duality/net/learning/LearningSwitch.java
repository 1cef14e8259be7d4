package duality.net.learning;

import duality.drivers.MacAddress;
import duality.drivers.Network;
import duality.drivers.Settings;
import duality.drivers.WorkTallies;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A learning switch (IEEE 802.1D-2004 §7): a frame goes to the port at which its destination was
 * last seen as a source, else to all others; never back to where it came from.
 *
 * <p>It has no thread: a frame is copied out of the sender's memory and into the receivers' queues
 * in the sender's call, and into a receiver's memory in the receiver's. Queues are bounded; what
 * does not fit is dropped and counted. The address of each card is known from the start, and nobody
 * else may send by it.
 *
 * <p>It has no links to other switches, and a port is a card and not a segment, so it has no loops
 * of its own. One that guests make by bridging two cards is theirs to break; frames of the spanning
 * tree protocol are passed on like others, so that they can.
 *
 * <p><em>Concurrency:</em> one lock. Only notifications are signalled under it.
 */
final class LearningSwitch implements Network, Instance {
  static final int MOST_CARDS = 64;

  private static final String SCHEMA = "net.switch";
  private static final int VERSION = 1;

  private static final int HEADER_BYTES = 14;
  private static final int SOURCE_OFFSET = 6;

  /** IEEE 802.3: what a frame carries at most, unless the configuration says otherwise. */
  private static final int USUAL_MTU = 1500;

  private static final String SLOT = "card-";

  private final Context context;
  private final LongSupplier clock;
  private final int longest;
  private final @Nullable Port[] ports = new @Nullable Port[MOST_CARDS];
  private final AddressTable table = new AddressTable(MOST_CARDS);
  private byte[] passing = {};
  private long flooded;

  private LearningSwitch(Context context, LongSupplier clock) {
    this.context = context;
    this.clock = clock;
    longest = HEADER_BYTES + Settings.number(context, "mtu", 68, 65_521, USUAL_MTU);
  }

  static LearningSwitch open(Context context, LongSupplier clock, @Nullable State saved) {
    LearningSwitch made = new LearningSwitch(context, clock);
    if (saved != null) {
      made.restore(saved);
    }
    return made;
  }

  @Override
  public int longestFrame() {
    return longest;
  }

  @Override
  public synchronized boolean plug(long card, Notification events, int bit) {
    checkCaller(card);
    if (!MacAddress.isCard(card) || bit < 0 || bit > 31) {
      throw new CallFailed.BadRequest(
          "card " + Long.toHexString(card) + " with bit " + bit + ": an address and 0 to 31");
    }
    Port port = find(card);
    if (port == null) {
      int free = free();
      if (free < 0) {
        return false;
      }
      port = new Port(free, card, events, bit, tally(card));
      ports[free] = port;
    }
    port.events = events;
    port.bit = bit;
    context.keep(SLOT + MacAddress.text(card), events);
    leaveCheckpoint();
    if (!port.queue.isEmpty()) {
      tell(port);
    }
    return true;
  }

  @Override
  public synchronized void unplug(long card) {
    checkCaller(card);
    Port port = find(card);
    if (port != null) {
      remove(port);
      leaveCheckpoint();
    }
  }

  private void remove(Port port) {
    ports[port.number] = null;
    table.forget(port.number);
    context.drop(SLOT + MacAddress.text(port.card));
  }

  private WorkTallies.Tally tally(long card) {
    return SwitchServer.WORK.of(context.path() + ":" + MacAddress.text(card));
  }

  /** A place for one more card; cards of machines that are no more make room. */
  private int free() {
    int free = firstFree();
    if (free < 0) {
      for (Port port : ports) {
        if (port != null) {
          tell(port);
        }
      }
      free = firstFree();
    }
    return free;
  }

  private int firstFree() {
    return Arrays.asList(ports).indexOf(null);
  }

  private @Nullable Port find(long card) {
    for (Port port : ports) {
      if (port != null && port.card == card) {
        return port;
      }
    }
    return null;
  }

  /** A capability with a badge speaks for that card only. */
  private void checkCaller(long card) {
    long badge = context.badge();
    if (badge != 0 && badge != card) {
      throw new CallFailed.BadRequest(
          "the card " + MacAddress.text(badge) + " speaks for " + MacAddress.text(card));
    }
  }

  @Override
  public synchronized int send(long card, Grant from, long offset, int length, int part) {
    checkCaller(card);
    Port port = find(card);
    if (port == null) {
      return UNPLUGGED;
    }
    if ((part & FIRST) != 0) {
      port.length = 0;
      port.begun = true;
    } else if (!port.begun) {
      return BEGIN_AGAIN;
    }
    if (length < 0) {
      throw new CallFailed.BadRequest("a part of " + length + " bytes");
    }
    if (length > longest - Math.min(port.length, longest)) {
      port.length = Port.TOO_LONG;
    } else if (length > 0) {
      MemorySegment room = MemorySegment.ofArray(port.room(port.length + length));
      from.read(offset, room, port.length, length);
      port.work.written(length);
      port.length += length;
    }
    if ((part & LAST) != 0) {
      port.begun = false;
      forward(port);
    }
    return TAKEN;
  }

  private void forward(Port from) {
    byte[] frame = from.frame;
    int length = from.length;
    if (length < HEADER_BYTES || length > longest) {
      from.refused++;
      return;
    }
    long source = address(frame, SOURCE_OFFSET);
    long destination = address(frame, 0);
    Port owner = find(source);
    if (!MacAddress.isCard(source) || owner != null && owner != from) {
      from.refused++;
      return;
    }
    from.sentFrames++;
    from.sentBytes += length;
    long now = clock.getAsLong();
    if (owner == null) {
      table.learn(source, from.number, now);
    }
    Port to = MacAddress.isGroup(destination) ? null : known(destination, now);
    if (to != null) {
      deliver(from, to, frame, length);
      return;
    }
    if (!MacAddress.isGroup(destination)) {
      flooded++;
    }
    for (Port each : ports) {
      if (each != null) {
        deliver(from, each, frame, length);
      }
    }
  }

  private @Nullable Port known(long destination, long now) {
    Port port = find(destination);
    if (port == null) {
      int number = table.port(destination, now);
      port = number < 0 ? null : ports[number];
    }
    return port;
  }

  /** The sender's thread does it, so the sender's work it is: a copy for each who gets one. */
  private void deliver(Port from, Port to, byte[] frame, int length) {
    if (to == from) {
      return;
    }
    long dropped = to.dropped;
    boolean first = to.take(frame, length);
    if (to.dropped == dropped) {
      from.work.written(length);
    }
    if (first) {
      from.work.notified();
      tell(to);
    }
  }

  /** A frame waits for the card. When the machine is no more, the card is pulled out. */
  private void tell(Port port) {
    try {
      port.events.signal(1L << port.bit);
    } catch (CallFailed gone) {
      remove(port);
    }
  }

  private static long address(byte[] frame, int offset) {
    long address = 0;
    for (int i = 0; i < MacAddress.BYTES; i++) {
      address = address << 8 | frame[offset + i] & 0xffL;
    }
    return address;
  }

  @Override
  public synchronized int waiting(long card) {
    checkCaller(card);
    Port port = find(card);
    return port == null ? UNPLUGGED : port.queue.firstLength();
  }

  @Override
  public synchronized int receive(long card, int skip, Grant to, long offset, int most) {
    checkCaller(card);
    Port port = find(card);
    if (port == null) {
      return UNPLUGGED;
    }
    if (skip < 0 || most < 0) {
      throw new CallFailed.BadRequest(most + " bytes of a frame from its byte " + skip + " on");
    }
    int length = port.queue.firstLength();
    if (length == 0 || skip >= length) {
      return length; // another frame than the caller thinks: it sees that from the length
    }
    int count = Math.min(most, length - skip);
    if (count > passing.length) {
      passing = new byte[Math.max(2048, count)];
    }
    port.queue.copyFirst(skip, passing, count);
    to.write(offset, MemorySegment.ofArray(passing), 0, count);
    port.work.read(count);
    if (skip + count == length) {
      port.queue.removeFirst();
      port.receivedFrames++;
      port.receivedBytes += length;
    }
    return length;
  }

  @Override
  public synchronized void drop(long card) {
    checkCaller(card);
    Port port = find(card);
    if (port != null && !port.queue.isEmpty()) {
      port.queue.removeFirst();
      port.dropped++;
    }
  }

  @Override
  public synchronized Report report() {
    List<Card> cards = new ArrayList<>();
    for (Port port : ports) {
      if (port != null) {
        cards.add(port.report());
      }
    }
    return new Report(cards, table.size(), flooded);
  }

  /** Whether the table counts right, and every card's place and capability are its own. */
  @Override
  public synchronized void check() {
    if (!table.sound()) {
      throw new IllegalStateException("the table of addresses does not count what it holds");
    }
    for (int i = 0; i < ports.length; i++) {
      Port port = ports[i];
      if (port != null && (port.number != i || find(port.card) != port)) {
        throw new IllegalStateException("card " + MacAddress.text(port.card) + " is there twice");
      }
      if (port != null && !port.queue.isSound()) {
        throw new IllegalStateException(
            "what waits for " + MacAddress.text(port.card) + " is lost");
      }
      if (port != null && !port.queue.isEmpty()) {
        tell(port); // that it was told may have been lost
      }
    }
  }

  // State.

  /** Which cards there are is all that an instance after a crash needs: frames may be lost. */
  private void leaveCheckpoint() {
    List<State> cards = new ArrayList<>();
    for (Port port : ports) {
      if (port != null) {
        cards.add(port.identity());
      }
    }
    context.checkpoint(State.of(SCHEMA, VERSION).with("cards", cards));
  }

  @Override
  public synchronized State save() {
    long now = clock.getAsLong();
    List<State> cards = new ArrayList<>();
    for (Port port : ports) {
      if (port != null) {
        cards.add(port.save().with("learned", table.entries(port.number, now)));
      }
    }
    return State.of(SCHEMA, VERSION).with("cards", cards).with("flooded", flooded);
  }

  private synchronized void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    long now = clock.getAsLong();
    List<State> cards = saved.states("cards");
    if (cards.size() > MOST_CARDS) {
      throw new State.Refused("net.switch: " + cards.size() + " cards");
    }
    for (State each : cards) {
      each.expect("net.switch.card", 1);
      long card = each.number("card");
      String slot = SLOT + MacAddress.text(card);
      if (!MacAddress.isCard(card) || find(card) != null) {
        throw new State.Refused("net.switch: " + slot + " is no card, or there twice");
      }
      if (!context.has(slot)) {
        continue; // it was unplugged since
      }
      int number = firstFree();
      Port port =
          new Port(
              number,
              card,
              context.slot(slot, Notification.class),
              (int) each.number("bit", 0, 31),
              tally(card));
      ports[number] = port;
      if (each.has("queue")) {
        port.restore(each, longest);
        learn(port, each.numbers("learned"), now);
      }
    }
    flooded = saved.has("flooded") ? saved.number("flooded", 0, Long.MAX_VALUE) : 0;
  }

  private void learn(Port port, long[] learned, long now) {
    if (learned.length % 2 != 0 || learned.length > 2 * AddressTable.MOST_OF_A_PORT) {
      throw new State.Refused("net.switch: " + learned.length + " numbers about addresses");
    }
    for (int i = 0; i < learned.length; i += 2) {
      if (!MacAddress.isCard(learned[i]) || learned[i + 1] < 0) {
        throw new State.Refused("net.switch: an address that cannot be");
      }
      table.learn(learned[i], port.number, now - learned[i + 1]);
    }
  }
}
