package duality.library;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A virtual RISC-V machine in this JVM, with a guest that is up.
 *
 * <p>Images: {@code linux} (Debian's kernel and busybox, downloaded once into the user's cache) and
 * {@code nano} (a tiny one, built in, without commands and files). {@link #of} boots with more
 * settings, {@link #ofKernel} a kernel of one's own.
 *
 * <p><em>Errors:</em> what does not work is a {@link MachineException}. A thread that is
 * interrupted while it waits for a machine gets one, too.
 *
 * <p><em>Concurrency:</em> any thread; commands run at the same time.
 */
public final class Machine implements AutoCloseable {
  private final EmbeddedSystem system;
  private final String name;
  private volatile boolean closed;

  private Machine(EmbeddedSystem system, String name) {
    this.system = system;
    this.name = name;
  }

  /** Boots an image with its own settings and waits until its guest is up, at most two minutes. */
  public static Machine boot(String image) {
    return of(image).boot();
  }

  /** Settings for a machine with that image. */
  public static MachineBuilder of(String image) {
    return new MachineBuilder("image", image);
  }

  /** Settings for a machine with that kernel: a Linux {@code Image} or an ELF file. */
  public static MachineBuilder ofKernel(Path kernel) {
    return new MachineBuilder("kernel", kernel.toAbsolutePath().toString());
  }

  static Machine boot(Map<String, Object> settings) {
    EmbeddedSystem system = EmbeddedSystem.join();
    boolean up = false;
    try {
      Machine machine = new Machine(system, String.valueOf(system.call("boot", settings)));
      up = true;
      return machine;
    } finally {
      if (!up) {
        EmbeddedSystem.leave();
      }
    }
  }

  private @Nullable Object call(String operation, Map<String, Object> arguments) {
    if (closed) {
      throw new MachineException("the machine is closed");
    }
    Map<String, Object> all = new HashMap<>(arguments);
    all.put("name", name);
    return system.call(operation, all);
  }

  private String text(String operation, Map<String, Object> arguments) {
    return String.valueOf(call(operation, arguments));
  }

  /** Runs a command in the guest's shell and waits for its end, however long that takes. */
  public Execution exec(String command) {
    return exec(command, Duration.ZERO);
  }

  /**
   * Runs a command in the guest's shell and waits for its end.
   *
   * @param limit after which it is killed, with all that it started, and this method throws; zero
   *     for never
   */
  public Execution exec(String command, Duration limit) {
    Object answer = call("exec", Map.of("command", command, "limitMillis", limit.toMillis()));
    if (!(answer instanceof Object[] parts)) {
      throw new MachineException("no answer to '" + command + "'");
    }
    return new Execution(command, (int) parts[0], (String) parts[1], (String) parts[2]);
  }

  /**
   * Copies a file into the guest; its permission bits are kept.
   *
   * @param to where to in the guest, replaced if it is there; into it when it is a folder
   */
  public void copyIn(Path from, String to) {
    call("copyIn", Map.of("from", from.toAbsolutePath().toString(), "to", to));
  }

  /**
   * Copies a file out of the guest; its permission bits are kept.
   *
   * @param to where to, replaced if it is there; into it when it is a folder
   */
  public void copyOut(String from, Path to) {
    call("copyOut", Map.of("from", from, "to", to.toAbsolutePath().toString()));
  }

  /** What the guest wrote to its console, as far as it is remembered: the last 64 KiB. */
  public String console() {
    return text("console", Map.of());
  }

  /** Types on the guest's console; a line ends with {@code \r}. */
  public void type(String keys) {
    call("type", Map.of("text", keys));
  }

  /**
   * Waits until the guest has written a text to its console, behind what was awaited before.
   *
   * @return all since then, the text included
   */
  public String await(String text, Duration most) {
    return text("await", Map.of("text", text, "withinMillis", most.toMillis()));
  }

  /** {@code running}, {@code paused}, {@code stopped}, or {@code failed: …}. */
  public String state() {
    return text("state", Map.of());
  }

  /** Stops its harts where they are; guest time stands still. */
  public void pause() {
    call("pause", Map.of());
  }

  /** Goes on after {@link #pause}. */
  public void resume() {
    call("resume", Map.of());
  }

  /**
   * Ends the machine, after what its guest flushed is on disk; with the last one the system stops,
   * and no thread of it is left. A second time has no effect.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    try {
      call("close", Map.of());
    } finally {
      closed = true;
      EmbeddedSystem.leave();
    }
  }
}
