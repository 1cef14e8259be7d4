package duality.vmm.gdb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.kernel.CallFailed;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Notification;
import duality.kernel.State;
import duality.vmm.GdbStub;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The server: a port, at most one debugger, and a worker that reads what it says and looks whether
 * the machine has stopped. Each round of the worker waits for at most a fifth of a second, so a
 * swap can come between two of them.
 */
final class Stub implements GdbStub, Instance {
  static final String SCHEMA = "gdb";
  private static final int VERSION = 1;
  private static final String MACHINE = "machine";
  private static final String SAID = "said";
  private static final long AWAKE = 1;

  private static final long IDLE_MILLIS = 200;
  private static final long RUNNING_MILLIS = 10;

  /** Rounds behind a resume in which a stop is looked for each millisecond: it may be near. */
  private static final int QUICK_ROUNDS = 30;

  /** Characters; a debugger that does not take its answers gets no more. */
  private static final int MOST_UNSENT = 1 << 20;

  private final Context context;
  private final Notification awake;
  private final Selector selector;
  private final Sockets sockets;
  private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);

  // Of the debugger that is there:
  private Framing framing = new Framing(this::send);
  private @Nullable Conversation conversation;

  /** Bytes that the connection has not taken yet. */
  private String unsent = "";

  /** One whose debugger has gone while the machine did not answer. */
  private @Nullable Conversation leaving;

  private int quickRounds;
  private volatile boolean attached;
  private volatile long packets;

  /** A predecessor of the endpoint has left nothing but its sockets. */
  private boolean orphaned;

  /** Set by whoever waits for the worker. */
  private volatile boolean hurried;

  Stub(Context context, @Nullable State saved) {
    this.context = context;
    awake = context.notification("awake");
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new CallFailed.BadRequest("no sockets: " + e.getMessage());
    }
    sockets = Sockets.of(context.path());
    if (saved != null) {
      restore(saved);
    } else {
      orphaned = sockets.listens();
    }
    context.worker("packets", awake, AWAKE, bits -> round());
  }

  // ---- what people ask for ----

  @Override
  public int serve(VirtualMachine machine) {
    if (context.has(MACHINE)) {
      throw new CallFailed.BadRequest("it serves already");
    }
    int port;
    try {
      port = Integer.parseInt(context.config("port", "0"));
    } catch (NumberFormatException e) {
      throw new CallFailed.BadRequest("port is '" + context.config("port", "") + "'");
    }
    if (port < 0 || port > 65_535) {
      throw new CallFailed.BadRequest("port " + port + " is not from 0 to 65535");
    }
    try {
      sockets.listen(port);
    } catch (IOException e) {
      throw new CallFailed.BadRequest(
          "port " + port + " cannot be had: " + e.getMessage() + "; 0 means any that is free");
    }
    context.keep(MACHINE, machine);
    selector.wakeup();
    return sockets.port();
  }

  @Override
  public Report report() {
    return new Report(sockets.port(), attached, packets);
  }

  // ---- the worker ----

  private void round() {
    if (sockets.own()) {
      register();
    }
    try {
      long most = waitMillis();
      hurried = false;
      selector.select(key -> {}, most);
      if (context.has(MACHINE)) {
        serve();
      }
    } catch (CallFailed.Revoked gone) {
      // The machine is no more, and so is what a debugger could see.
      conversation = null;
      attached = false;
      sockets.close();
      return;
    } catch (CallFailed passing) {
      // It does not answer just now: we look again.
    } catch (IOException e) {
      disconnect();
    }
    awake.signal(AWAKE);
  }

  /** Sockets that a predecessor made are known to its selector only. */
  private void register() {
    try {
      sockets.register(selector);
    } catch (IOException e) {
      disconnect();
    }
  }

  private long waitMillis() {
    Conversation now = conversation;
    if (hurried) {
      return 1;
    }
    if (leaving != null) {
      return RUNNING_MILLIS;
    }
    if (now == null || !now.running()) {
      return IDLE_MILLIS;
    }
    if (now.inRange()) {
      return 1;
    }
    quickRounds++;
    return quickRounds < QUICK_ROUNDS ? 1 : RUNNING_MILLIS;
  }

  private void serve() throws IOException {
    VirtualMachine machine = context.slot(MACHINE, VirtualMachine.class);
    if (orphaned) {
      sockets.disconnect();
      machine.stopAt(List.of());
      machine.resume();
      orphaned = false;
    }
    leave();
    talk();
    SocketChannel fresh = sockets.accept();
    if (fresh == null) {
      return;
    }
    boolean taken = false;
    try {
      makeRoom();
      taken = sockets.take(fresh, selector);
    } finally {
      if (!taken) {
        fresh.close();
      }
    }
    if (taken) {
      begin(machine);
      talk();
    }
  }

  /** The debugger that was there may have gone since it was looked at. */
  private void makeRoom() {
    try {
      talk();
    } catch (IOException e) {
      disconnect();
    }
    leave();
  }

  private void talk() throws IOException {
    SocketChannel connection = sockets.connection();
    Conversation now = conversation;
    if (connection == null || now == null) {
      return;
    }
    flush(connection);
    if (unsent.length() > MOST_UNSENT) {
      throw new IOException("it says much and hears nothing");
    }
    buffer.clear();
    int count = connection.read(buffer);
    if (count < 0) {
      disconnect();
      return;
    }
    if (count > 0) {
      listen(new String(buffer.array(), 0, count, ISO_8859_1), now);
    }
    now.look();
    packets = now.answered();
    flush(connection);
    if (now.over() && unsent.isEmpty()) {
      disconnect();
    }
  }

  private void begin(VirtualMachine machine) {
    unsent = "";
    framing = new Framing(this::send);
    Conversation fresh = new Conversation(machine, framing);
    try {
      fresh.begin();
    } catch (CallFailed e) {
      sockets.disconnect(); // it may come again
      throw e;
    }
    conversation = fresh;
    attached = true;
    context.log("a debugger has attached");
  }

  private void listen(String bytes, Conversation now) {
    framing.accept(
        bytes,
        new Framing.Listener() {
          @Override
          public void packet(String data) {
            quickRounds = 0;
            now.packet(data);
          }

          @Override
          public void interrupt() {
            now.interrupt();
          }
        });
  }

  private void send(String bytes) {
    unsent += bytes;
  }

  private void flush(SocketChannel connection) throws IOException {
    if (!unsent.isEmpty()) {
      ByteBuffer bytes = ByteBuffer.wrap(unsent.getBytes(ISO_8859_1));
      connection.write(bytes);
      unsent = unsent.substring(bytes.position());
    }
  }

  private void disconnect() {
    Conversation now = conversation;
    conversation = null;
    attached = false;
    unsent = "";
    sockets.disconnect();
    if (now != null) {
      context.log("the debugger has gone");
      leaving = now;
      hurried = true; // not to wait before it is left
    }
  }

  /** Leaves the machine as it would be without its debugger; again when it does not answer. */
  private void leave() {
    Conversation gone = leaving;
    if (gone != null) {
      gone.end();
      leaving = null;
    }
  }

  // ---- its life ----

  @Override
  public void hurry() {
    hurried = true;
    selector.wakeup();
  }

  @Override
  public State save() {
    Conversation now = conversation != null ? conversation : leaving;
    sockets.leave();
    return State.of(SCHEMA, VERSION)
        .with(SAID, now == null ? List.of() : List.of(now.save()))
        .with("unsent", unsent.getBytes(ISO_8859_1));
  }

  private void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    unsent = new String(saved.bytes("unsent"), ISO_8859_1);
    List<State> said = saved.states(SAID);
    if (!said.isEmpty()) {
      VirtualMachine machine = context.slot(MACHINE, VirtualMachine.class);
      Conversation same = new Conversation(machine, framing);
      same.restore(said.getFirst());
      attached = sockets.connection() != null;
      if (attached) {
        conversation = same;
      } else {
        leaving = same;
      }
    }
  }

  @Override
  public void ended() {
    Conversation now = conversation != null ? conversation : leaving;
    if (now != null) {
      try {
        now.end();
      } catch (CallFailed gone) {
        // The machine has ended before.
      }
    }
    sockets.close();
  }

  @Override
  public void close() {
    sockets.closeUnlessTaken();
    try {
      selector.close();
    } catch (IOException e) {
      // Nothing depends on it any more.
    }
  }
}
