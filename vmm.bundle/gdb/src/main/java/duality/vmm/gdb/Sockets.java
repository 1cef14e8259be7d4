package duality.vmm.gdb;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * The port of an endpoint and the connection of its debugger. No state can carry them from one
 * instance to the next, so they lie in a place of the JVM's own that all versions of this bundle
 * can see: among the system properties, as objects of Java's. Whoever owns the entry there closes
 * them.
 *
 * <p><em>Concurrency:</em> the worker, and before it {@link #listen}.
 */
final class Sockets {
  private final String key;

  /** The entry: listener and connection. */
  private @Nullable Object[] both = new @Nullable Object[2];

  private volatile int port;
  private boolean owned;

  /** The instance has been saved, and its successor may have them. */
  private boolean left;

  private Sockets(String key) {
    this.key = key;
  }

  /** Those of an endpoint: a predecessor's, if there are some. */
  static Sockets of(String path) {
    Sockets sockets = new Sockets("duality.gdb:" + path);
    if (System.getProperties().get(sockets.key) instanceof Object[] there && there.length == 2) {
      sockets.both = there.clone();
      sockets.port = portOf(sockets.listener());
    }
    return sockets;
  }

  private static int portOf(@Nullable ServerSocketChannel listener) {
    return listener == null ? 0 : listener.socket().getLocalPort();
  }

  private @Nullable ServerSocketChannel listener() {
    return both[0] instanceof ServerSocketChannel there ? there : null;
  }

  /** The debugger's, if there is one. */
  @Nullable SocketChannel connection() {
    return both[1] instanceof SocketChannel there ? there : null;
  }

  boolean listens() {
    return listener() != null;
  }

  int port() {
    return port;
  }

  /** Opens the port, for this host only. */
  void listen(int wanted) throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open();
    try {
      listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      listener.bind(
          new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), wanted));
      listener.configureBlocking(false);
    } catch (IOException e) {
      listener.close();
      throw e;
    }
    both[0] = listener;
    port = portOf(listener);
    owned = false; // the worker takes them anew, and waits for them too
  }

  /** This instance serves: the sockets are its own from now on; false when they were already. */
  boolean own() {
    if (owned) {
      return false;
    }
    owned = true;
    left = false;
    System.getProperties().put(key, both);
    return true;
  }

  /** Somebody else may take them. */
  void leave() {
    owned = false;
    left = true;
  }

  void register(Selector selector) throws IOException {
    ServerSocketChannel listener = listener();
    if (listener != null) {
      listener.register(selector, SelectionKey.OP_ACCEPT);
    }
    SocketChannel connection = connection();
    if (connection != null) {
      connection.register(selector, SelectionKey.OP_READ);
    }
  }

  /** A debugger that has come; null for none. To be taken. */
  @Nullable SocketChannel accept() throws IOException {
    ServerSocketChannel listener = listener();
    return listener == null ? null : listener.accept();
  }

  /** Takes one; while another is there it is sent away. */
  boolean take(SocketChannel fresh, Selector selector) throws IOException {
    if (connection() != null) {
      fresh.close();
      return false;
    }
    fresh.configureBlocking(false);
    fresh.setOption(StandardSocketOptions.TCP_NODELAY, true);
    fresh.register(selector, SelectionKey.OP_READ);
    both[1] = fresh;
    return true;
  }

  void disconnect() {
    SocketChannel connection = connection();
    both[1] = null;
    if (connection != null) {
      try {
        connection.close();
      } catch (IOException e) {
        // It is not used any more in either case.
      }
    }
  }

  void close() {
    disconnect();
    ServerSocketChannel listener = listener();
    both[0] = null;
    if (listener != null) {
      try {
        listener.close();
      } catch (IOException e) {
        // As above.
      }
    }
    System.getProperties().remove(key, both);
  }

  /** The instance goes: what nobody else has, or may come to have, is closed. */
  void closeUnlessTaken() {
    if (!left && System.getProperties().get(key) == both) {
      close();
    }
  }
}
