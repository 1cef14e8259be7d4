package duality.virtio.console;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import duality.drivers.Console;
import duality.drivers.Settings;
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
import duality.kernel.State;
import duality.kernel.processor.Memory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The logic of a virtio console device with several ports (VIRTIO 1.2 §5.3). Each port is a stream
 * of bytes to and from a {@link Console} of its own; the control queues say which ports there are.
 *
 * <p>Nothing is ever on the way: output is handed on before its buffer goes back, and input is
 * fetched only when the driver has given a buffer for it. So the rings say which chains are still
 * to be served, whatever became of the device; what they do not say, its ports and the messages
 * that wait, is left as a checkpoint whenever it changes: before the driver's message is given back
 * and after one for the driver was. A message may be heard or said twice by a crash in between,
 * which does nothing more than once.
 */
final class ConsoleDevice implements VirtioDevice {
  private static final int TYPE = 3;
  private static final int QUEUE_SIZE = 128;
  private static final int CONTROL_RECEIVE = 2;
  private static final int CONTROL_TRANSMIT = 3;

  private static final long FEATURE_SIZE = 1;
  private static final long FEATURE_MULTIPORT = 2;

  private static final int MOST_PORTS = 13;

  /** Longest output in one chain, so that a turn of the worker is short whatever a guest asks. */
  private static final int OUTPUT_LIMIT = 1 << 20;

  private static final int INPUT_LIMIT = 65_536;

  /** Control messages that wait for a buffer, above which none are taken from the driver. */
  private static final int WAITING_LIMIT = 64;

  private final List<Port> ports = new ArrayList<>();
  private final int columns;
  private final int rows;
  private final int portCount;
  private final byte[] config;
  private final WorkTallies.Tally tally;
  private final Deque<ControlMessage> waiting = new ArrayDeque<>();
  private final Chain chain = new Chain();
  private @Nullable VirtioMmio attached;

  /** What {@link #save} would answer now; for other threads. */
  private volatile State kept;

  ConsoleDevice(Context context) {
    tally = ConsoleServer.WORK.of(context.path());
    portCount = Settings.number(context, "ports", 1, MOST_PORTS, 2);
    columns = Settings.number(context, "columns", 0, 65_535, 0);
    rows = Settings.number(context, "rows", 0, 65_535, 0);
    for (int i = 0; i < portCount; i++) {
      String slot = Slots.BACKEND + i;
      if (context.has(slot)) {
        String name = context.config("name" + i, "");
        ports.add(new Port(i, name, context.slot(slot, Console.class)));
      }
    }
    if (ports.isEmpty()) {
      throw new CallFailed.BadRequest(
          context.path() + ": no console in slots backend0 to backend" + (portCount - 1));
    }
    config =
        ByteBuffer.allocate(12)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putShort(0, (short) columns)
            .putShort(2, (short) rows)
            .putInt(4, portCount)
            .array();
    kept = save();
  }

  @Override
  public String schema() {
    return "virtio.console";
  }

  @Override
  public int type() {
    return TYPE;
  }

  @Override
  public long features() {
    return FEATURE_MULTIPORT | (sized() ? FEATURE_SIZE : 0);
  }

  private boolean sized() {
    return columns > 0 && rows > 0;
  }

  @Override
  public int queues() {
    return 2 + 2 * portCount;
  }

  @Override
  public int queueSize() {
    return QUEUE_SIZE;
  }

  @Override
  public byte[] config() {
    return config;
  }

  @Override
  public void attach(VirtioMmio transport) {
    attached = transport;
  }

  private VirtioMmio transport() {
    if (attached == null) {
      throw new IllegalStateException("a console device without a transport");
    }
    return attached;
  }

  @Override
  public void work(long bits) {
    tally.notified();
    if (!transport().running()) {
      return;
    }
    try {
      if (transport().negotiated(FEATURE_MULTIPORT)) {
        serve(CONTROL_TRANSMIT, this::control);
        boolean full = waiting.size() > WAITING_LIMIT;
        serve(CONTROL_RECEIVE, this::inform);
        if (full && waiting.size() <= WAITING_LIMIT) {
          transport().again(); // there is place for more messages now
        }
      }
      for (Port port : ports) {
        if (port.number == 0 || transport().negotiated(FEATURE_MULTIPORT)) {
          serve(port.transmitQueue(), rings -> output(rings, port));
          if (takesInput(port)) {
            serve(port.receiveQueue(), rings -> input(rings, port));
          }
        }
      }
    } catch (Malformed malformed) {
      transport().needsReset(malformed);
    }
  }

  /** Without several ports there is only a terminal, and it is always ready. */
  private boolean takesInput(Port port) {
    return port.takesInput() || !transport().negotiated(FEATURE_MULTIPORT);
  }

  /** What is done with the chain at the front of a queue. */
  private interface Step {
    /** Serves the chain; whether it was taken. */
    boolean serve(Rings rings) throws Malformed;
  }

  /** Serves one queue until it is empty, or has nothing that can be served now. */
  private void serve(int queue, Step step) throws Malformed {
    if (!transport().queue(queue).ready()) {
      return;
    }
    boolean interrupt;
    try (Rings rings = transport().rings(queue)) {
      try {
        int served = 0;
        boolean more = true;
        while (served < QUEUE_SIZE && more) {
          if (rings.next(chain)) {
            more = step.serve(rings);
            if (more) {
              served++;
              tally.descriptors(chain.buffers());
            }
          } else {
            more = rings.unmute(); // chains that cannot be served now wait for something else
          }
        }
        if (served == QUEUE_SIZE) {
          transport().again(); // a turn must end, also when the guest never stops asking
        }
      } finally {
        interrupt = rings.interruptWanted();
        if (interrupt) {
          tally.notified();
          transport().interrupt();
        }
      }
    }
  }

  // Streams.

  private boolean output(Rings rings, Port port) throws Malformed {
    port.backend.written(new String(bytes(OUTPUT_LIMIT), ISO_8859_1));
    rings.take();
    rings.complete(chain.head(), 0);
    return true;
  }

  private boolean input(Rings rings, Port port) throws Malformed {
    int first = chain.readable();
    if (first == chain.buffers()) {
      throw new Malformed("receive buffer " + chain.head() + " has nothing to write to");
    }
    long room = Math.min(chain.length(first), INPUT_LIMIT);
    // Borrowed before input is fetched: what is fetched must not be lost.
    try (Grant buffer =
        Virtqueue.lend(transport().memory(), chain.address(first), room, Memory.WRITE)) {
      byte[] bytes = port.backend.input((int) room).getBytes(ISO_8859_1);
      if (bytes.length == 0) {
        return false;
      }
      buffer.write(0, MemorySegment.ofArray(bytes), 0, bytes.length);
      tally.read(bytes.length);
      rings.take();
      rings.complete(chain.head(), bytes.length);
      return true;
    }
  }

  /** What the driver wrote into the chain. */
  private byte[] bytes(int limit) throws Malformed {
    if (chain.readableBytes() > limit) {
      throw new Malformed(
          "output "
              + chain.head()
              + " of "
              + chain.readableBytes()
              + " bytes; at most "
              + limit
              + " are taken at once");
    }
    byte[] bytes = new byte[(int) chain.readableBytes()];
    int done = 0;
    for (int i = 0; i < chain.readable(); i++) {
      int length = (int) chain.length(i);
      try (Grant buffer =
          Virtqueue.lend(transport().memory(), chain.address(i), length, Memory.READ)) {
        buffer.read(0, MemorySegment.ofArray(bytes), done, length);
      }
      done += length;
    }
    tally.written(bytes.length);
    return bytes;
  }

  // Control messages.

  private boolean control(Rings rings) throws Malformed {
    if (waiting.size() > WAITING_LIMIT) {
      return false; // until the driver gives buffers for the answers
    }
    byte[] message = bytes(OUTPUT_LIMIT);
    if (message.length >= ControlMessage.BYTES) {
      long packed = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
      heard(ControlMessage.unpacked(packed));
      changed();
    }
    rings.take();
    rings.complete(chain.head(), 0);
    return true;
  }

  private void changed() {
    kept = save();
    transport().changed();
  }

  private void heard(ControlMessage message) {
    if (message.event() == ControlMessage.DEVICE_READY && message.value() == 1) {
      for (Port port : ports) {
        say(port, ControlMessage.PORT_ADD, 1);
      }
      return;
    }
    for (Port port : ports) {
      if (port.number == message.port()) {
        heard(port, message);
      }
    }
  }

  private void heard(Port port, ControlMessage message) {
    boolean yes = message.value() != 0;
    if (message.event() == ControlMessage.PORT_OPEN) {
      port.open = yes;
    } else if (message.event() == ControlMessage.PORT_READY) {
      port.ready = yes;
      if (yes) {
        introduce(port);
      }
    }
  }

  private void introduce(Port port) {
    if (port.isConsole()) {
      say(port, ControlMessage.CONSOLE_PORT, 1);
      if (sized()) {
        say(port, ControlMessage.RESIZE, 0);
      }
    }
    if (!port.name.isEmpty()) {
      say(port, ControlMessage.PORT_NAME, 1);
    }
    say(port, ControlMessage.PORT_OPEN, 1); // our end is there as long as the device is
  }

  private void say(Port port, int event, int value) {
    waiting.add(new ControlMessage(port.number, event, value));
  }

  /** Puts the next message that waits into a buffer of the driver's. */
  private boolean inform(Rings rings) throws Malformed {
    ControlMessage message = waiting.peek();
    if (message == null) {
      return false;
    }
    byte[] bytes = encoded(message);
    int first = chain.readable();
    if (first == chain.buffers() || chain.length(first) < bytes.length) {
      throw new Malformed(
          "control buffer " + chain.head() + " is too small for " + bytes.length + " bytes");
    }
    try (Grant buffer =
        Virtqueue.lend(transport().memory(), chain.address(first), bytes.length, Memory.WRITE)) {
      buffer.write(0, MemorySegment.ofArray(bytes), 0, bytes.length);
    }
    tally.read(bytes.length);
    rings.take();
    rings.complete(chain.head(), bytes.length);
    waiting.remove();
    changed();
    return true;
  }

  private byte[] encoded(ControlMessage message) {
    byte[] more = new byte[0];
    if (message.event() == ControlMessage.PORT_NAME) {
      more = name(message.port());
    } else if (message.event() == ControlMessage.RESIZE) {
      more = Arrays.copyOf(config, 4); // columns, then rows (§5.3.6.2)
    }
    return ByteBuffer.allocate(ControlMessage.BYTES + more.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(message.packed())
        .put(more)
        .array();
  }

  private byte[] name(int number) {
    for (Port port : ports) {
      if (port.number == number) {
        return port.name.getBytes(UTF_8);
      }
    }
    return new byte[0];
  }

  // State.

  @Override
  public void reset() {
    waiting.clear();
    ports.forEach(Port::forget);
    kept = save();
  }

  /** What the driver sends is always taken, but for messages when too many answers wait. */
  @Override
  public boolean takes(int queue) {
    if (queue == CONTROL_TRANSMIT) {
      return transport().negotiated(FEATURE_MULTIPORT) && waiting.size() <= WAITING_LIMIT;
    }
    return ports.stream()
        .anyMatch(
            port ->
                queue == port.transmitQueue()
                    && (port.number == 0 || transport().negotiated(FEATURE_MULTIPORT)));
  }

  /** That input came may not have been said: the worker looks. */
  @Override
  public void check() {
    if (ports.stream().anyMatch(this::takesInput)) {
      transport().again();
    }
  }

  @Override
  public State checkpoint() {
    return kept;
  }

  @Override
  public State save() {
    return State.of("virtio.console.device", 1)
        .with("ports", ports.stream().map(Port::save).toList())
        .with("waiting", waiting.stream().mapToLong(ControlMessage::packed).toArray());
  }

  @Override
  public void restore(State saved) {
    saved.expect("virtio.console.device", 1);
    List<State> states = saved.states("ports");
    if (states.size() != ports.size()) {
      throw new State.Refused(
          "the guest's console has " + states.size() + " ports, this one " + ports.size());
    }
    for (int i = 0; i < states.size(); i++) {
      ports.get(i).restore(states.get(i));
    }
    long[] messages = saved.numbers("waiting");
    if (messages.length > WAITING_LIMIT + 8 * MOST_PORTS) {
      throw new State.Refused("virtio.console.waiting holds " + messages.length + " messages");
    }
    for (long message : messages) {
      waiting.add(ControlMessage.unpacked(message));
    }
    kept = save();
  }
}
