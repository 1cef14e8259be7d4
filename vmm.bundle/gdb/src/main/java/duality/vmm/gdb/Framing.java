package duality.vmm.gdb;

import java.util.function.Consumer;

/**
 * The frames of the remote serial protocol ({@code $data#xx}, GDB manual appendix E.1): bytes in,
 * packets out, and the other way round. One character is one byte. Not thread-safe.
 */
final class Framing {
  /** Longest packet that is taken; what is longer is forgotten. */
  static final int MOST_PACKET = 1 << 17;

  /** Who gets what comes in. */
  interface Listener {
    /** A whole packet, its escapes resolved. */
    void packet(String data);

    /** Ctrl-C, outside of packets. */
    void interrupt();
  }

  private static final char INTERRUPT = 3;
  private static final char ESCAPE = '}';
  private static final int FLIP = 0x20;

  private final Consumer<String> out;
  private final StringBuilder packet = new StringBuilder();
  private boolean inside;

  /** Digits of the checksum that have come, or -1 inside of the data. */
  private int digits = -1;

  private int checksum;
  private boolean acknowledged = true;
  private String last = "";

  /**
   * For a connection.
   *
   * @param out takes bytes to send
   */
  Framing(Consumer<String> out) {
    this.out = out;
  }

  /** From now on packets are not acknowledged, on either side. */
  void withoutAcknowledgements() {
    acknowledged = false;
  }

  boolean isAcknowledged() {
    return acknowledged;
  }

  /** Sends a packet. */
  void send(String data) {
    StringBuilder frame = new StringBuilder(data.length() + 4).append('$');
    for (int i = 0; i < data.length(); i++) {
      char c = data.charAt(i);
      if (c == '#' || c == '$' || c == ESCAPE || c == '*') {
        frame.append(ESCAPE).append((char) (c ^ FLIP));
      } else {
        frame.append(c);
      }
    }
    int sum = 0;
    for (int i = 1; i < frame.length(); i++) {
      sum += frame.charAt(i);
    }
    last = frame.append('#').append(hex(sum >>> 4)).append(hex(sum)).toString();
    out.accept(last);
  }

  private static char hex(int digit) {
    return Character.forDigit(digit & 15, 16);
  }

  /** Takes bytes. */
  void accept(String bytes, Listener listener) {
    for (int i = 0; i < bytes.length(); i++) {
      accept(bytes.charAt(i), listener);
    }
  }

  private void accept(char c, Listener listener) {
    if (!inside) {
      if (c == '$') {
        inside = true;
        digits = -1;
        packet.setLength(0);
      } else if (c == INTERRUPT) {
        listener.interrupt();
      } else if (c == '-' && acknowledged) {
        out.accept(last);
      }
      return;
    }
    if (digits < 0) {
      if (c == '#') {
        digits = 0;
        checksum = 0;
      } else if (c == '$') {
        packet.setLength(0); // the one before has lost its end
      } else if (packet.length() <= MOST_PACKET) {
        packet.append(c);
      }
      return;
    }
    checksum = checksum << 4 | Math.max(Character.digit(c, 16), 0);
    if (++digits == 2) {
      inside = false;
      whole(listener);
    }
  }

  private void whole(Listener listener) {
    int sum = 0;
    for (int i = 0; i < packet.length(); i++) {
      sum += packet.charAt(i);
    }
    boolean good = (sum & 0xff) == checksum && packet.length() <= MOST_PACKET;
    if (acknowledged) {
      out.accept(good ? "+" : "-");
    }
    if (good) {
      listener.packet(resolved());
    }
  }

  private String resolved() {
    StringBuilder data = new StringBuilder(packet.length());
    for (int i = 0; i < packet.length(); i++) {
      char c = packet.charAt(i);
      boolean escaped = c == ESCAPE && i + 1 < packet.length();
      data.append(escaped ? (char) (packet.charAt(++i) ^ FLIP) : c);
    }
    return data.toString();
  }
}
