package duality.vmm.agent;

import duality.kernel.State;
import java.util.Arrays;

/**
 * The host's side of the agent's protocol as a machine of two conditions: greeting (all bytes are
 * skipped until the answer to our HELLO) and open (bytes are frames). What comes from the guest is
 * hostile: whatever is no frame ends the session. Not thread-safe.
 */
final class Session {
  static final String SCHEMA = "session";
  private static final int VERSION = 1;

  /** Who is told what the guest says. */
  interface Listener {
    /** The guest answered our greeting. */
    void opened();

    /** The session has ended, or there is somebody to greet; {@link Session#greet} is due. */
    void ended(String why);

    /** A job wrote. */
    void output(int job, byte[] bytes);

    /** A job ended; kind and code as in the protocol. */
    void exit(int job, int kind, int code);
  }

  private final Listener listener;
  private boolean open;
  private long nonce;
  private byte[] buffer = new byte[0];

  Session(Listener listener) {
    this.listener = listener;
  }

  /** Whether the guest has answered. */
  boolean open() {
    return open;
  }

  /**
   * Begins anew.
   *
   * @param freshNonce not zero, never used before
   * @return the HELLO to send
   */
  byte[] greet(long freshNonce) {
    open = false;
    nonce = freshNonce;
    buffer = new byte[0];
    return Frames.hello(Frames.STARTED, freshNonce);
  }

  /** Takes bytes from the guest and tells the listener what they say. */
  void accept(byte[] bytes) {
    int before = buffer.length;
    buffer = Arrays.copyOf(buffer, before + bytes.length);
    System.arraycopy(bytes, 0, buffer, before, bytes.length);
    int at = 0;
    while (true) {
      int next = open ? frame(at) : answer(at);
      if (next <= at) {
        break;
      }
      at = next;
    }
    buffer = Arrays.copyOfRange(buffer, Math.min(at, buffer.length), buffer.length);
  }

  /** Looks for the answer to our greeting; where to go on, at most {@code buffer.length}. */
  private int answer(int from) {
    byte[] expected = Frames.hello(Frames.ANSWER, nonce);
    byte[] started = Frames.hello(Frames.STARTED, 0);
    byte[] confused = Frames.hello(Frames.CONFUSED, 0);
    int last = buffer.length - Frames.HELLO_BYTES;
    for (int at = from; at <= last; at++) {
      if (starts(at, expected)) {
        open = true;
        listener.opened();
        return at + Frames.HELLO_BYTES;
      }
      if (starts(at, started) || starts(at, confused)) {
        return ended(at + Frames.HELLO_BYTES, "the guest's agent has started");
      }
    }
    return Math.max(from, last + 1);
  }

  private boolean starts(int at, byte[] what) {
    return Arrays.equals(buffer, at, at + what.length, what, 0, what.length);
  }

  /** Takes the frame at a place, if all of it is there; where to go on. */
  private int frame(int at) {
    if (buffer.length - at < Frames.HEADER_BYTES) {
      return at;
    }
    int length = Frames.length(buffer, at);
    if (length < 0) {
      return ended(buffer.length, "the guest's agent sent something that is no frame");
    }
    if (buffer.length - at < length) {
      return at;
    }
    Frames.Frame frame = Frames.read(buffer, at);
    int next = at + length;
    switch (frame.type()) {
      case Frames.OUT -> listener.output(frame.job(), frame.payload());
      case Frames.EXIT -> listener.exit(frame.job(), frame.word(0), frame.word(4));
      default -> {
        if (!frame.hello(Frames.ANSWER)) {
          return ended(next, "the guest's agent started again");
        }
      }
    }
    return next;
  }

  /**
   * Ends the session. The listener greets anew, which empties the buffer: nothing that is still in
   * it can be the answer to a greeting that has not been sent.
   */
  private int ended(int next, String why) {
    open = false;
    listener.ended(why);
    return Math.min(next, buffer.length);
  }

  State save() {
    return State.of(SCHEMA, VERSION).with("open", open).with("nonce", nonce).with("buffer", buffer);
  }

  void restore(State saved) {
    saved.expect(SCHEMA, VERSION);
    byte[] bytes = saved.bytes("buffer");
    if (bytes.length > Frames.HEADER_BYTES + Frames.MOST_PAYLOAD) {
      throw new State.Refused("session.buffer has " + bytes.length + " bytes, more than a frame");
    }
    open = saved.flag("open");
    nonce = saved.number("nonce");
    buffer = bytes;
  }
}
