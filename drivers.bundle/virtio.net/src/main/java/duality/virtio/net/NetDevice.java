package duality.virtio.net;

import duality.drivers.MacAddress;
import duality.drivers.Network;
import duality.drivers.Slots;
import duality.drivers.WorkTallies;
import duality.drivers.virtio.Chain;
import duality.drivers.virtio.Malformed;
import duality.drivers.virtio.Rings;
import duality.drivers.virtio.VirtioDevice;
import duality.drivers.virtio.VirtioMmio;
import duality.drivers.virtio.Virtqueue;
import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Grant;
import duality.kernel.Notification;
import duality.kernel.Rights;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The logic of a virtio network card (VIRTIO 1.2 §5.1): moves frames between its two queues and a
 * {@link Network}. Frames go from the guest's memory straight into the network's queues and back.
 *
 * <p>Nothing is on the way inside: a frame's buffer goes back after the network has the frame, and
 * a frame is fetched only when there is a buffer for it. A crash in between sends a frame twice or
 * loses one, as Ethernet may; the rings tell the rest.
 *
 * <p>While the guest's driver is not running, the card is not plugged in. While there is no
 * network, the link is down, and what the guest sends is lost as on a cable that hangs loose.
 */
final class NetDevice implements VirtioDevice {
  static final int RECEIVE = 0;
  static final int TRANSMIT = 1;

  /** What precedes each frame in the queues (§5.1.6): nothing in it is used but its last field. */
  static final int HEADER_BYTES = 12;

  private static final int BUFFER_COUNT_OFFSET = 10;

  private static final int TYPE = 1;
  private static final int QUEUE_SIZE = 256;

  private static final long FEATURE_MTU = 1L << 3;
  private static final long FEATURE_MAC = 1L << 5;
  private static final long FEATURE_STATUS = 1L << 16;

  private static final int LINK_UP = 1;
  private static final int CONFIG_BYTES = 12;
  private static final int STATUS_OFFSET = 6;
  private static final int PAIRS_OFFSET = 8;
  private static final int MTU_OFFSET = 10;
  private static final int ETHERNET_HEADER_BYTES = 14;

  /** What frames are like where the network cannot be asked. */
  private static final int USUAL_FRAME = 1514;

  /** Buffers that are moved in one turn of the worker, in each direction. */
  private static final int TURN = QUEUE_SIZE;

  private final Context context;
  private final Network network;
  private final long card;
  private final int longestFrame;

  /** Copies are counted by the network, which makes them. */
  private final WorkTallies.Tally tally;

  private final Chain chain = new Chain();
  private @Nullable VirtioMmio attached;

  private volatile boolean linkUp = true;

  /** The network knows of us. Only the worker uses it. */
  private boolean plugged;

  /** The driver was reset: what waits is not for the next one. */
  private boolean wasReset;

  NetDevice(Context context) {
    this.context = context;
    tally = NetServer.WORK.of(context.path());
    network = context.slot(Slots.BACKEND, Network.class);
    try {
      card = MacAddress.parse(context.config("mac", ""));
    } catch (IllegalArgumentException wrong) {
      throw new CallFailed.BadRequest(context.path() + ": 'mac': " + wrong.getMessage());
    }
    longestFrame = longestFrame();
  }

  private int longestFrame() {
    try {
      return network.longestFrame();
    } catch (CallFailed.ServerFailed | CallFailed.Revoked givenUp) {
      return USUAL_FRAME;
    }
  }

  @Override
  public String schema() {
    return "virtio.net";
  }

  @Override
  public int type() {
    return TYPE;
  }

  @Override
  public long features() {
    return FEATURE_MAC | FEATURE_STATUS | FEATURE_MTU;
  }

  @Override
  public int queues() {
    return 2;
  }

  @Override
  public int queueSize() {
    return QUEUE_SIZE;
  }

  @Override
  public byte[] config() {
    return ByteBuffer.allocate(CONFIG_BYTES)
        .putLong(0, card << 16) // in the order of the wire
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort(STATUS_OFFSET, (short) (linkUp ? LINK_UP : 0))
        .putShort(PAIRS_OFFSET, (short) 1)
        .putShort(MTU_OFFSET, (short) (longestFrame - ETHERNET_HEADER_BYTES))
        .array();
  }

  @Override
  public void attach(VirtioMmio transport) {
    attached = transport;
  }

  /** Before each frame (VIRTIO 1.2 §5.1.6.1); a legacy driver counts no buffers there. */
  private int headerBytes() {
    return transport().modern() ? HEADER_BYTES : BUFFER_COUNT_OFFSET;
  }

  private VirtioMmio transport() {
    if (attached == null) {
      throw new IllegalStateException("a network card without a transport");
    }
    return attached;
  }

  @Override
  public void work(long bits) {
    tally.notified();
    try {
      boolean running = transport().running();
      if (wasReset || !running) {
        unplug();
      }
      if (running) {
        serve();
      }
    } catch (CallFailed.ServerFailed | CallFailed.Revoked broken) {
      if (networkAnswers()) {
        transport().again();
      } else {
        plugged = false;
        link(false);
        serveAlone();
      }
    } catch (Malformed malformed) {
      transport().needsReset(malformed);
    }
  }

  private void unplug() {
    if (plugged || wasReset) {
      network.unplug(card);
      plugged = false;
      wasReset = false;
    }
  }

  /** Whether the network that has just failed was mended; if not, it was given up or removed. */
  private boolean networkAnswers() {
    try {
      return network.longestFrame() > 0;
    } catch (CallFailed.ServerFailed | CallFailed.Revoked givenUp) {
      return false;
    }
  }

  private void serve() throws Malformed {
    if (!plugged) {
      Notification events =
          context.derive(transport().events(), Notification.class, Rights.WRITE, 0);
      plugged = network.plug(card, events, 0);
      link(plugged);
    }
    transmit();
    if (plugged) {
      receive();
    }
  }

  /** There is no network: frames of the guest go nowhere. */
  private void serveAlone() {
    try {
      transmit();
    } catch (Malformed malformed) {
      transport().needsReset(malformed);
    }
  }

  private void link(boolean up) {
    if (linkUp != up) {
      linkUp = up;
      context.log(up ? "link up" : "link down: its network has no place for it, or is gone");
      transport().configChanged();
    }
  }

  // To the network.

  private void transmit() throws Malformed {
    if (!transport().running() || !transport().queue(TRANSMIT).ready()) {
      return;
    }
    boolean interrupt = false;
    try (Rings rings = transport().rings(TRANSMIT)) {
      try {
        rings.mute();
        int moved = 0;
        do {
          while (moved < TURN && rings.next(chain)) {
            if (chain.readableBytes() < headerBytes()) {
              throw new Malformed("frame " + chain.head() + " has no header");
            }
            if (plugged && !send()) {
              plugged = false;
              transport().again();
              return;
            }
            rings.take();
            tally.descriptors(chain.buffers());
            rings.complete(chain.head(), 0);
            moved += chain.buffers();
          }
        } while (moved < TURN && rings.unmute());
        if (moved >= TURN) {
          transport().again(); // a turn must end, also when the guest never stops sending
        }
      } finally {
        interrupt = rings.interruptWanted();
      }
    } finally {
      if (interrupt) {
        tally.notified();
        transport().interrupt();
      }
    }
  }

  /** Sends the chain's frame; false when the network does not know us, or began anew meanwhile. */
  private boolean send() throws Malformed {
    // One byte too many is enough to be refused for it.
    long skip = headerBytes();
    long left = Math.min(chain.readableBytes() - skip, longestFrame + 1L);
    int part = Network.FIRST;
    for (int i = 0; i < chain.readable() && left > 0; i++) {
      long length = chain.length(i);
      if (skip >= length) {
        skip -= length;
        continue;
      }
      int count = (int) Math.min(length - skip, left);
      left -= count;
      try (Grant piece =
          Virtqueue.lend(transport().memory(), chain.address(i) + skip, count, Memory.READ)) {
        int last = left == 0 ? Network.LAST : 0;
        if (network.send(card, piece, 0, count, part | last) != Network.TAKEN) {
          return false;
        }
      }
      skip = 0;
      part = 0;
    }
    return true;
  }

  // From the network.

  private void receive() throws Malformed {
    if (!transport().running() || !transport().queue(RECEIVE).ready()) {
      return;
    }
    boolean interrupt = false;
    try (Rings rings = transport().rings(RECEIVE)) {
      try {
        receive(rings);
      } finally {
        interrupt = rings.interruptWanted();
      }
    } finally {
      if (interrupt) {
        tally.notified();
        transport().interrupt();
      }
    }
  }

  /** New buffers are of interest only while a frame waits for one: only then kicks are wanted. */
  private void receive(Rings rings) throws Malformed {
    int header = headerBytes();
    rings.mute();
    int moved = 0;
    while (moved < TURN) {
      int length = network.waiting(card);
      if (length == 0) {
        return;
      }
      if (length < 0) {
        plugged = false;
        break;
      }
      if (!rings.next(chain)) {
        if (rings.unmute()) {
          continue;
        }
        return;
      }
      if (chain.readable() > 0 || chain.writableBytes() < header) {
        throw new Malformed("receive buffer " + chain.head() + " has no room for a header");
      }
      if (chain.writableBytes() - header < length) {
        network.drop(card);
      } else if (fill(header, length)) {
        rings.take();
        tally.descriptors(chain.buffers());
        rings.complete(chain.head(), header + length);
      } else {
        break;
      }
      moved += chain.buffers();
    }
    transport().again();
  }

  /** Puts the frame that waits into the chain; false when it is another one by now. */
  private boolean fill(int headerBytes, int length) throws Malformed {
    int whole = headerBytes + length;
    int at = 0;
    for (int i = 0; i < chain.buffers() && at < whole; i++) {
      int count = (int) Math.min(chain.length(i), whole - at);
      try (Grant buffer =
          Virtqueue.lend(transport().memory(), chain.address(i), count, Memory.WRITE)) {
        int header = Math.clamp(headerBytes - at, 0, count);
        for (int j = 0; j < header; j++) {
          buffer.setByte(j, at + j == BUFFER_COUNT_OFFSET ? 1 : 0);
        }
        if (count > header
            && network.receive(card, at + header - headerBytes, buffer, header, count - header)
                != length) {
          return false;
        }
      }
      at += count;
    }
    return true;
  }

  // Life.

  @Override
  public void reset() {
    wasReset = true;
    transport().again();
  }

  @Override
  public boolean takes(int queue) {
    return queue == TRANSMIT || plugged && network.waiting(card) > 0;
  }

  /** That a frame came, or that there is a network again, may not have been said: it looks. */
  @Override
  public void check() {
    transport().again();
  }

  @Override
  public void ended() {
    try {
      network.unplug(card);
    } catch (CallFailed nobody) {
      // The network finds out itself when it has something for this card.
    }
  }

  @Override
  public State checkpoint() {
    return save();
  }

  @Override
  public State save() {
    return State.of("virtio.net.device", 1).with("card", card);
  }

  @Override
  public void restore(State saved) {
    saved.expect("virtio.net.device", 1);
    if (saved.number("card") != card) {
      throw new State.Refused(
          "the guest's card is "
              + MacAddress.text(saved.number("card"))
              + ", this one "
              + MacAddress.text(card));
    }
  }
}
