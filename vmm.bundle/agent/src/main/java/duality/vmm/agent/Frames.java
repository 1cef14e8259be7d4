package duality.vmm.agent;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The frames of the agent's protocol, version 1: a header of 16 bytes (magic, type, three zero
 * bytes, job, payload length; little-endian) and a payload.
 */
final class Frames {
  static final int HEADER_BYTES = 16;
  static final int MOST_PAYLOAD = 65_536;

  /** What a FEED has before its command. */
  static final int FEED_BYTES = 4;

  static final int HELLO_BYTES = HEADER_BYTES + 16;

  static final int HELLO = 1;
  static final int RUN = 2;
  static final int KILL = 3;
  static final int OUT = 4;
  static final int EXIT = 5;
  static final int FEED = 6;

  /** Reason of a HELLO: the agent has started. */
  static final int STARTED = 0;

  /** Reason of a HELLO: the answer to ours. */
  static final int ANSWER = 1;

  /** Reason of a HELLO: what the agent received was no frame. */
  static final int CONFUSED = 2;

  private static final int MAGIC = 0x01417544; // D u A 1
  private static final int VERSION = 1;

  private Frames() {}

  /** One frame as it came. */
  record Frame(int type, int job, byte[] payload) {
    /** A little-endian number of 32 bits in the payload. */
    int word(int at) {
      return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).getInt(at);
    }

    /** Whether it is a HELLO that says so. */
    boolean hello(int reason) {
      return type == HELLO && word(4) == reason;
    }
  }

  /** A frame as bytes. */
  static byte[] write(int type, int job, byte[] payload) {
    ByteBuffer frame = ByteBuffer.allocate(HEADER_BYTES + payload.length);
    frame.order(ByteOrder.LITTLE_ENDIAN);
    return frame.putInt(MAGIC).putInt(type).putInt(job).putInt(payload.length).put(payload).array();
  }

  /** A FEED: a command and its input. */
  static byte[] feed(int job, byte[] command, byte[] input) {
    ByteBuffer payload = ByteBuffer.allocate(FEED_BYTES + command.length + input.length);
    payload.order(ByteOrder.LITTLE_ENDIAN).putInt(command.length).put(command).put(input);
    return write(FEED, job, payload.array());
  }

  /** A HELLO. */
  static byte[] hello(int reason, long nonce) {
    ByteBuffer payload = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    return write(HELLO, 0, payload.putInt(VERSION).putInt(reason).putLong(nonce).array());
  }

  /** How many bytes the frame has that starts here, or -1 when it is none that an agent sends. */
  static int length(byte[] bytes, int at) {
    ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int type = header.getInt(at + 4); // the three zero bytes included
    int payload = header.getInt(at + 12);
    boolean whole =
        switch (type) {
          case HELLO -> payload == 16;
          case OUT -> payload >= 1 && payload <= MOST_PAYLOAD;
          case EXIT -> payload == 8;
          default -> false;
        };
    return header.getInt(at) == MAGIC && whole ? HEADER_BYTES + payload : -1;
  }

  /** The frame that starts here; all of it is there. */
  static Frame read(byte[] bytes, int at) {
    ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    byte[] payload = new byte[header.getInt(at + 12)];
    System.arraycopy(bytes, at + HEADER_BYTES, payload, 0, payload.length);
    return new Frame(header.getInt(at + 4), header.getInt(at + 8), payload);
  }
}
