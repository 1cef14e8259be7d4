package duality.shell.lab;

import duality.drivers.Console;
import duality.guests.Boot;
import duality.servers.Root;
import duality.shell.command.CommandFailed;
import duality.vmm.MachineReport;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A small guest that works in rounds: it computes, takes new memory, reads its clock, and, if it
 * has a disk, writes and reads it.
 */
final class NanoGuest extends WorkingGuest {
  private static final long MEMORY_BYTES = 512L << 20;
  private static final long DISK_BYTES = 256 * 512;
  private static final long BOOT_SECONDS = 120;
  private static final long LONG_SECONDS = 120;

  private final Console console;
  private final VirtualMachine machine;
  private final boolean hasDisk;
  private final String monitor;

  /**
   * Makes one; nothing of it stays when that fails.
   *
   * @param disk the image of its disk, or null for none
   * @param monitor the server of its machine; empty for the routed one
   */
  NanoGuest(Root root, String name, Boot boot, @Nullable Path disk, String monitor)
      throws IOException {
    this(root, name, boot, disk, monitor, Map.of());
  }

  /** The same with more of the machine's configuration. */
  NanoGuest(
      Root root,
      String name,
      Boot boot,
      @Nullable Path disk,
      String monitor,
      Map<String, String> more)
      throws IOException {
    super(root, "vm/" + name);
    hasDisk = disk != null;
    this.monitor = monitor;
    Map<String, String> config = new HashMap<>(more);
    config.put("kernel", boot.kernel().toString());
    config.put("append", boot.commandLine());
    config.put("memory", Long.toString(MEMORY_BYTES));
    config.put("around", "1"); // a fault for each page, so that faults can be counted
    if (!monitor.isEmpty()) {
      config.put("server", monitor);
    }
    if (disk != null) {
      try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
        file.setLength(Math.max(file.length(), DISK_BYTES));
      }
      config.put("disk0", disk.toString());
    }
    machine = root.create(path(), VirtualMachine.class, config);
    console = root.connect(path() + "/console", Console.class);
  }

  /** Makes one on a monitor, from the image that is written for it. */
  static NanoGuest on(Trial trial, String monitor, String name, @Nullable Path disk)
      throws IOException, CommandFailed {
    String image = monitor.equals("vmm.xen") ? "nano-xen" : "nano";
    return new NanoGuest(trial.root(), name, trial.boot(image), disk, monitor);
  }

  @Override
  String structure() {
    return monitor.isEmpty() ? "machine" : monitor.replace("vmm.", "");
  }

  @Override
  List<String> parts() {
    boolean split = monitor.equals("vmm.xen");
    List<String> all = new ArrayList<>(List.of("", "/pager", "/console"));
    all.addAll(split ? List.of("/vcon") : List.of("/plic", "/uart", "/rtc"));
    if (hasDisk) {
      all.addAll(List.of(split ? "/vbd0" : "/blk0", "/store0"));
    }
    return all;
  }

  @Override
  void boot() {
    machine.start();
    if (answered(0, BOOT_SECONDS).isEmpty()) {
      throw new IllegalStateException(path() + " does not boot: " + machine.report());
    }
  }

  @Override
  Console console() {
    return console;
  }

  @Override
  List<String> commands(int freshPages) {
    String touch = "touch " + freshPages;
    return hasDisk
        ? List.of("sum 300", touch, "time", "put 3 4 77", "get 3 4")
        : List.of("sum 300", touch, "time");
  }

  @Override
  boolean answers(String command, String seen) {
    return seen.contains(command)
        && !seen.contains("only ")
        && !seen.contains("NOT")
        && (!seen.contains("status ") || seen.contains("status 0"));
  }

  @Override
  String state() {
    return machine.report().state();
  }

  /** Types a command and answers what it prints; not beside {@link #begin}. */
  String command(String line) {
    long from = console.position();
    int typed = console.type(line + "\r");
    String seen = answered(from, LONG_SECONDS);
    if (typed != line.length() + 1 || seen.isEmpty()) {
      throw new IllegalStateException(path() + " does not answer '" + line + "': " + condition());
    }
    String[] lines = seen.split("\r\n", -1);
    return lines.length < 2 ? "" : lines[1];
  }

  /**
   * Types commands without waiting for each; not beside {@link #begin}.
   *
   * @param lines so many that they fit into the console's input
   * @return what it prints until it prompts behind the last one
   */
  String commands(List<String> lines) {
    long from = console.position();
    String text = String.join("\r", lines) + "\r";
    int typed = console.type(text);
    String seen = answered(from, lines.size(), LONG_SECONDS);
    if (typed != text.length() || seen.isEmpty()) {
      throw new IllegalStateException(
          path() + " does not answer " + lines.size() + " commands: " + condition());
    }
    return seen;
  }

  /** What its monitor says. */
  MachineReport report() {
    return machine.report();
  }
}
