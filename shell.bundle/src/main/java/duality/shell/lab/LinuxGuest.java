package duality.shell.lab;

import duality.guests.Boot;
import duality.servers.Swapper;
import duality.shell.command.CommandFailed;
import duality.vmm.GuestAgent;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Debian in a machine, with a program of the host as {@code /tmp/ops} and an empty disk. */
final class LinuxGuest implements AutoCloseable {
  private static final long SECONDS = 600;
  private static final long SECTOR = 512;

  private final Trial trial;
  private final String path;
  private final VirtualMachine machine;
  private final GuestAgent agent;

  /**
   * Boots it.
   *
   * @param program the file that becomes {@code /tmp/ops}, or null
   * @param scratch the host's file behind {@code /dev/vdb}
   * @param scratchBytes its size
   * @param monitor the server of its machine
   */
  LinuxGuest(
      Trial trial,
      String name,
      @Nullable Path program,
      Path scratch,
      long scratchBytes,
      String monitor)
      throws Exception {
    this(trial, name, program, scratch, scratchBytes, monitor, Map.of());
  }

  /** The same with more settings of its machine. */
  LinuxGuest(
      Trial trial,
      String name,
      @Nullable Path program,
      Path scratch,
      long scratchBytes,
      String monitor,
      Map<String, String> more)
      throws Exception {
    this.trial = trial;
    path = "vm/" + name;
    Boot boot = trial.boot("linux");
    Path image = trial.folder().resolve("program-" + name);
    if (program == null) {
      resize(image, SECTOR);
    } else {
      Files.copy(program, image);
      resize(image, (Files.size(image) + SECTOR - 1) / SECTOR * SECTOR);
    }
    resize(scratch, scratchBytes);
    Map<String, String> config = new HashMap<>(more);
    config.put("kernel", boot.kernel().toString());
    boot.initrd().ifPresent(initrd -> config.put("initrd", initrd.toString()));
    config.put("append", boot.commandLine());
    config.put("memory", Long.toString(Math.max(boot.memoryBytes(), 256L << 20)));
    config.put("around", "1"); // a fault for each page, so that faults can be counted
    config.put("image", "linux");
    config.put("disk0", image + ",ro");
    config.put("disk1", scratch.toString());
    config.put("server", monitor);
    machine = trial.root().create(path, VirtualMachine.class, config);
    try {
      machine.start();
      agent = trial.root().connect(path + "/agent", GuestAgent.class);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (!agent.ready()) {
        trial.cancellation().check();
        if (System.nanoTime() - end > 0) {
          throw new CommandFailed("the guest is not up within " + SECONDS + " s");
        }
        WorkingGuest.pause(20);
      }
      trial.say().accept("the guest is up on " + monitor);
      if (program != null) {
        String unused =
            exec("head -c " + Files.size(program) + " /dev/vda > /tmp/ops && chmod 755 /tmp/ops");
      }
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  private static void resize(Path file, long bytes) throws IOException {
    try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
      opened.setLength(bytes);
    }
  }

  /** Path of the machine. */
  String path() {
    return path;
  }

  /** What its monitor counts of the guest's exits; empty when it does not. */
  String overhead() {
    return machine.report().overhead();
  }

  /** Moves it to another monitor while it runs. */
  void cross(String monitor) throws CommandFailed {
    Swapper.Swap swap =
        trial.swapper().swapAll(java.util.List.of(new Swapper.Move(path, monitor, false)));
    if (!swap.done() && !swap.from().equals(monitor)) {
      throw new CommandFailed("the guest does not cross: " + swap.outcome());
    }
  }

  /** Runs a command of its shell; what it prints. Fails when its status is not 0. */
  String exec(String command) throws CommandFailed {
    long job = agent.start(command, TimeUnit.SECONDS.toMillis(SECONDS));
    StringBuilder text = new StringBuilder();
    while (true) {
      trial.cancellation().check();
      text.append(agent.output(job, text.length(), 65_536, 500));
      GuestAgent.Job now = agent.job(job);
      if (now.ended() && text.length() == now.outputBytes()) {
        agent.forget(job);
        if (!now.state().equals("exited") || now.status() != 0) {
          throw new CommandFailed(
              text.toString().strip() + " (" + now.state() + " " + now.status() + ")");
        }
        return text.toString();
      }
    }
  }

  @Override
  public void close() {
    trial.root().remove(path);
  }
}
