package duality.faults;

import duality.faults.agent.Agent;
import duality.faults.child.Host;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A JVM with the system under test in it, and the line to its agent. */
final class ChildJvm implements AutoCloseable {
  private static final int START_SECONDS = 90;

  /** The child did not answer in time, or is no more. */
  static final class Silent extends Exception {
    private static final long serialVersionUID = 1;

    Silent(String message) {
      super(message);
    }
  }

  /** The child's system refused a request. */
  static final class Failed extends Exception {
    private static final long serialVersionUID = 1;

    Failed(String message) {
      super(message);
    }
  }

  private final Process process;
  private final Socket socket;
  private final PrintWriter out;
  private final AtomicLong numbers = new AtomicLong();
  private final Map<String, CompletableFuture<String[]>> open = new ConcurrentHashMap<>();

  /**
   * Starts it and waits until its agent has called.
   *
   * @param options more options for the JVM
   * @throws Silent when the system does not come up
   */
  ChildJvm(Installation from, Path bundles, Path folder, List<String> options)
      throws IOException, InterruptedException, Silent {
    Files.createDirectories(folder);
    try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(
          List.of(
              "--enable-native-access=ALL-UNNAMED",
              "--sun-misc-unsafe-memory-access=allow",
              "-XX:PerMethodTrapLimit=0",
              "-XX:+UseSerialGC",
              // Much is started here and little runs for long: the second compiler would not pay.
              "-XX:TieredStopAtLevel=1",
              "-Xmx640m",
              "-Dduality.processors=2",
              "-Dduality.memory=2G",
              "-Dduality.faults.port=" + listening.getLocalPort()));
      command.addAll(options);
      command.addAll(
          List.of(
              "-cp",
              from.framework + java.io.File.pathSeparator + from.own,
              Host.class.getName(),
              bundles.toString(),
              folder.resolve("cache").toString()));
      Path log = folder.resolve("log");
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      listening.setSoTimeout(500);
      Socket accepted = null;
      for (int i = 0; accepted == null; i++) {
        try {
          accepted = listening.accept();
        } catch (java.net.SocketTimeoutException e) {
          if (!process.isAlive() || i == 2 * START_SECONDS) {
            process.destroyForcibly();
            throw new Silent("the system did not come up: " + tail(log));
          }
        }
      }
      socket = accepted;
    }
    socket.setTcpNoDelay(true);
    out = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.UTF_8);
    Thread reader = new Thread(this::read, "answers of the child");
    reader.setDaemon(true);
    reader.start();
  }

  private static String tail(Path log) throws IOException {
    List<String> lines = Files.readAllLines(log, StandardCharsets.ISO_8859_1);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
  }

  private void read() {
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line; (line = in.readLine()) != null; ) {
        String[] words = line.split("\t", -1);
        CompletableFuture<String[]> waiting = open.remove(words[0]);
        if (waiting != null && words.length == 3) {
          waiting.complete(words);
        }
      }
    } catch (IOException e) {
      // The child is gone: who waits is told below.
    }
    open.values().forEach(each -> each.cancel(false));
  }

  /** Asks, and waits for the answer for a while. */
  String ask(long millis, String verb, String... arguments) throws Silent, Failed {
    String number = Long.toString(numbers.incrementAndGet());
    CompletableFuture<String[]> answer = new CompletableFuture<>();
    open.put(number, answer);
    StringBuilder line = new StringBuilder(number).append('\t').append(verb);
    for (String each : arguments) {
      line.append('\t').append(Agent.escape(each));
    }
    synchronized (out) {
      out.println(line);
    }
    try {
      String[] words = answer.get(isAlive() ? millis : 1, TimeUnit.MILLISECONDS);
      String text = Agent.unescape(words[2]);
      if (!words[1].equals("ok")) {
        throw new Failed(text);
      }
      return text;
    } catch (TimeoutException | java.util.concurrent.CancellationException e) {
      open.remove(number);
      throw new Silent(verb + ": no answer within " + millis + " ms");
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Silent("interrupted");
    }
  }

  boolean isAlive() {
    return process.isAlive() && !socket.isClosed();
  }

  @Nullable Integer exitStatus() {
    return process.isAlive() ? null : process.exitValue();
  }

  @Override
  public void close() {
    try {
      socket.close();
      if (!process.waitFor(2, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
