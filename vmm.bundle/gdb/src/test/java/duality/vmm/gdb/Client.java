package duality.vmm.gdb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;

/** A debugger of our own: says packets, hears answers. */
final class Client implements AutoCloseable {
  private static final int TIMEOUT_MILLIS = 120_000;

  private final Socket socket;

  Client(int port) throws IOException {
    socket = new Socket(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port);
    socket.setSoTimeout(TIMEOUT_MILLIS);
    assertEquals("OK", ask("QStartNoAckMode"));
  }

  void say(String packet) throws IOException {
    int sum = packet.chars().sum() & 0xff;
    raw("$" + packet + "#" + String.format("%02x", sum));
  }

  void raw(String bytes) throws IOException {
    socket.getOutputStream().write(bytes.getBytes(ISO_8859_1));
  }

  String hear() throws IOException {
    StringBuilder packet = new StringBuilder();
    int c = next();
    while (c != '$') {
      assertTrue(c == '+', "between packets: " + c);
      c = next();
    }
    for (c = next(); c != '#'; c = next()) {
      packet.append((char) (c == '}' ? next() ^ 0x20 : c));
    }
    next();
    next();
    return packet.toString();
  }

  private int next() throws IOException {
    int c = socket.getInputStream().read();
    assertTrue(c >= 0, "the connection has ended");
    return c;
  }

  String ask(String packet) throws IOException {
    say(packet);
    return hear();
  }

  /** A register by its number. */
  long register(int number) throws IOException {
    String hex = ask("p" + Integer.toHexString(number));
    return Long.reverseBytes(Long.parseUnsignedLong(hex, 16));
  }

  /** Whether the other side has closed the connection. */
  boolean ended() throws IOException {
    return socket.getInputStream().read() < 0;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
