package duality.guests.linux;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A mirror on this machine that can misbehave. */
final class LoopbackMirror implements AutoCloseable {

  /** What is wrong with the next answers. */
  enum Fault {
    NONE,
    /** Ends the connection in the middle of the file. */
    BREAKS_OFF,
    /** Sends half and then nothing more. */
    STALLS,
    /** Ignores a wish to start in the middle. */
    NO_RANGES,
    /** Answers 503. */
    OVERLOADED
  }

  final Map<String, byte[]> files = new ConcurrentHashMap<>();
  final List<String> requests = new CopyOnWriteArrayList<>();
  volatile Fault fault = Fault.NONE;

  /** How many answers have the fault before all is well. */
  volatile int faults = Integer.MAX_VALUE;

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch end = new CountDownLatch(1);

  LoopbackMirror() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/debian/", this::answer);
    server.start();
  }

  URI root() {
    return URI.create(
        "http://"
            + InetAddress.getLoopbackAddress().getHostAddress()
            + ":"
            + server.getAddress().getPort()
            + "/debian");
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath().substring("/debian/".length());
    String range = exchange.getRequestHeaders().getFirst("Range");
    requests.add(path + (range == null ? "" : " " + range));
    try (exchange) {
      Fault now = faults-- > 0 ? fault : Fault.NONE;
      byte[] file = files.get(path);
      if (file == null) {
        exchange.sendResponseHeaders(404, -1);
        return;
      }
      if (now == Fault.OVERLOADED) {
        exchange.sendResponseHeaders(503, -1);
        return;
      }
      int from = 0;
      if (range != null && now != Fault.NO_RANGES) {
        from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        if (from >= file.length) {
          exchange.sendResponseHeaders(416, -1);
          return;
        }
        exchange
            .getResponseHeaders()
            .set("Content-Range", "bytes " + from + "-" + (file.length - 1) + "/" + file.length);
      }
      exchange.sendResponseHeaders(from > 0 ? 206 : 200, file.length - from);
      boolean half = now == Fault.BREAKS_OFF || now == Fault.STALLS;
      int length = half ? (file.length - from) / 2 : file.length - from;
      exchange.getResponseBody().write(file, from, length);
      exchange.getResponseBody().flush();
      if (now == Fault.STALLS) {
        end.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    end.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
