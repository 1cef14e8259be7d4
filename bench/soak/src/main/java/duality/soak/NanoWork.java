package duality.soak;

import duality.drivers.Console;
import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The small guest with something to do of everything: it computes, takes memory, reads and writes
 * its disk, one command after the other, typed at its console.
 */
final class NanoWork implements AutoCloseable {
  private static final String PROMPT = "\r\n> ";
  private static final List<String> COMMANDS =
      List.of("sum 2000", "put 3 4 77", "get 3 4", "touch 3", "get 10 8", "flush", "time");
  private static final String KEPT = "put 20 8 4242";
  private static final String LOOK = "get 20 8";
  private static final long DISK_BYTES = 256 * 512;
  private static final long BOOT_SECONDS = 60;
  private static final long COMMAND_SECONDS = 20;

  private final Root root;
  private final String path;
  private final VirtualMachine machine;
  private final Console console;
  private final Thread typist;
  private final AtomicLong answers = new AtomicLong();
  private final AtomicLong interrupted = new AtomicLong();
  private String kept = "";
  private volatile boolean stopping;

  NanoWork(Root root, String name, Boot boot, Path disk) throws IOException {
    this.root = root;
    path = "vm/" + name;
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(DISK_BYTES);
    }
    Map<String, String> config = new HashMap<>();
    config.put("kernel", boot.kernel().toString());
    config.put("append", boot.commandLine());
    config.put("memory", Long.toString(boot.memoryBytes()));
    config.put("disk0", disk.toString());
    machine = root.create(path, VirtualMachine.class, config);
    console = root.connect(path + "/console", Console.class);
    typist = Thread.ofPlatform().daemon().name("soak typist").unstarted(this::type);
  }

  String path() {
    return path;
  }

  /** Commands that were answered. */
  long answers() {
    return answers.get();
  }

  /** Commands in the middle of which the console's server was gone. */
  long interrupted() {
    return interrupted.get();
  }

  void begin() {
    machine.start();
    if (!answered(0, BOOT_SECONDS)) {
      throw new IllegalStateException("the guest does not boot: " + machine.report());
    }
    if (command(KEPT).isEmpty()) {
      throw new IllegalStateException("the guest does not answer: " + machine.report());
    }
    kept = answer(command(LOOK));
    typist.start();
  }

  private void type() {
    for (int i = 0; !stopping; i++) {
      try {
        if (!command(COMMANDS.get(i % COMMANDS.size())).isEmpty()) {
          answers.incrementAndGet();
        }
      } catch (CallFailed gone) {
        interrupted.incrementAndGet();
      }
    }
  }

  /** Types a line and answers what came up to the next prompt; empty when none came. */
  private String command(String line) {
    long from = console.position();
    int unused = console.type(line + "\r");
    return answered(from, COMMAND_SECONDS) ? console.output(from, 65_536, 0) : "";
  }

  private boolean answered(long from, long seconds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    StringBuilder seen = new StringBuilder();
    while (System.nanoTime() - end < 0) {
      seen.append(console.output(from + seen.length(), 65_536, 100));
      if (seen.indexOf(PROMPT) >= 0) {
        return true;
      }
    }
    return false;
  }

  /** The line of the guest's answer. */
  private static String answer(String seen) {
    String[] lines = seen.split("\r\n", -1);
    return lines.length < 2 ? "" : lines[1];
  }

  /** Ends the work; what was not as it should be, or an empty text. */
  String end() throws InterruptedException {
    stopping = true;
    typist.join(TimeUnit.SECONDS.toMillis(2 * COMMAND_SECONDS));
    if (typist.isAlive()) {
      return "the guest's console hangs";
    }
    if (command("").isEmpty()) { // whatever a crash left in the line
      return "the guest does not answer any more: " + machine.report();
    }
    String now = answer(command(LOOK));
    return now.equals(kept) ? "" : "the guest reads '" + now + "', and wrote '" + kept + "'";
  }

  @Override
  public void close() {
    stopping = true;
    root.remove(path);
  }
}
