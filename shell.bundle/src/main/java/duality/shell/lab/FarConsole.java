package duality.shell.lab;

import duality.drivers.Console;
import duality.shell.command.CommandFailed;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A console in another process: the same system is started once more beside this one, with the same
 * bundles from the same file, and its server is called through a socket. A call is a byte there and
 * a number back.
 */
final class FarConsole implements AutoCloseable {
  /** What a system is started with that belongs to one system alone. */
  private static final List<String> OWN =
      List.of(
          "-Dduality.script.",
          "-Dduality.run.folder=",
          "-Dlaunch.storage.dir=",
          "-Djava.io.tmpdir=");

  private static final long SECONDS = 120;

  private final Path folder;
  private final Process process;
  private final SocketChannel channel;

  private FarConsole(Path folder, Process process, SocketChannel channel) {
    this.folder = folder;
    this.process = process;
    this.channel = channel;
  }

  /** Starts it; fails where this system was not started from one file. */
  static FarConsole start(Trial trial) throws Exception {
    Path jar = jar();
    if (jar == null) {
      throw new CommandFailed("this system does not run from one file");
    }
    Path folder = Files.createTempDirectory("far");
    Path socket = folder.resolve("s");
    Process process = null;
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      server.configureBlocking(false);
      process =
          new ProcessBuilder(command(jar, folder, "lab:far " + socket))
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("output").toFile())
              .start();
      return new FarConsole(folder, process, accepted(trial, server, process, folder));
    } catch (Exception e) {
      end(process, folder);
      throw e;
    }
  }

  private static SocketChannel accepted(
      Trial trial, ServerSocketChannel server, Process process, Path folder) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (true) {
      SocketChannel found = server.accept();
      if (found != null) {
        found.configureBlocking(true);
        return found;
      }
      if (!process.isAlive() || System.nanoTime() - end > 0) {
        throw new CommandFailed(
            "the other system does not come up: " + Files.readString(folder.resolve("output")));
      }
      trial.cancellation().check();
      WorkingGuest.pause(20);
    }
  }

  /** The file that this system runs from, or null. */
  private static @Nullable Path jar() {
    String path = System.getProperty("java.class.path", "");
    boolean one = path.endsWith(".jar") && !path.contains(File.pathSeparator);
    return one && Files.isRegularFile(Path.of(path)) ? Path.of(path) : null;
  }

  private static List<String> command(Path jar, Path folder, String script) {
    List<String> words = new ArrayList<>();
    words.add(ProcessHandle.current().info().command().orElse("java"));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(each -> OWN.stream().noneMatch(each::startsWith))
        .forEach(words::add);
    words.add("-Dduality.script.commands=" + script);
    words.add("-Dduality.run.folder=" + folder);
    words.add("-Dlaunch.storage.dir=" + folder.resolve("felix"));
    words.add("-Djava.io.tmpdir=" + folder);
    words.add("-jar");
    words.add(jar.toString());
    return words;
  }

  /** {@link Console#position} there. */
  long position() {
    try {
      return call(channel);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A call from this side. */
  static long call(SocketChannel channel) throws IOException {
    ByteBuffer question = ByteBuffer.allocate(1);
    if (channel.write(question) != 1) {
      throw new IOException("a byte does not go out");
    }
    ByteBuffer answer = ByteBuffer.allocate(Long.BYTES);
    while (answer.hasRemaining()) {
      if (channel.read(answer) < 0) {
        throw new EOFException("the other system has ended");
      }
    }
    return answer.getLong(0);
  }

  /** Answers calls from the other side until it goes. */
  static void serve(SocketChannel channel, Console console) throws IOException {
    ByteBuffer question = ByteBuffer.allocate(1);
    ByteBuffer answer = ByteBuffer.allocate(Long.BYTES);
    while (channel.read(question) == 1) {
      answer.clear().putLong(console.position()).flip();
      while (answer.hasRemaining()) {
        int unused = channel.write(answer);
      }
      question.clear();
    }
  }

  /** In the other system: a guest's console, for who listens there. */
  static void serve(Trial trial, Path socket) throws Exception {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        NanoGuest guest =
            new NanoGuest(trial.root(), "lab-far", trial.boot("nano"), null, "vmm.machine")) {
      guest.boot();
      connect(channel, socket);
      Console console = trial.root().connect(guest.path() + "/console", Console.class);
      trial.say().accept("its console is served until the other side ends");
      try {
        trial
            .cancellation()
            .interruptibly(
                () -> {
                  serve(channel, console);
                  return true;
                });
      } catch (ClosedByInterruptException e) {
        trial.cancellation().check();
        throw e;
      }
    }
  }

  private static void connect(SocketChannel channel, Path socket) throws CommandFailed {
    try {
      if (channel.connect(UnixDomainSocketAddress.of(socket))) {
        return;
      }
    } catch (IOException e) {
      throw new CommandFailed("nobody listens at " + socket + ": " + e.getMessage());
    }
    throw new CommandFailed("nobody listens at " + socket);
  }

  private static void end(@Nullable Process process, Path folder) throws IOException {
    if (process != null && process.isAlive()) {
      process.destroy();
      try {
        if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
    if (!Files.isDirectory(folder)) {
      return; // the other system has removed it at its end
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        boolean unused = Files.deleteIfExists(each);
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
    try {
      boolean unused = process.waitFor(SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    end(process, folder);
  }
}
