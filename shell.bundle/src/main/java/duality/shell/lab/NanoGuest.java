package duality.shell.lab;

import duality.drivers.Console;
import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.vmm.MachineReport;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A small guest that works in rounds, each of which needs all of its servers: it computes, takes
 * new memory, reads its clock, and, if it has a disk, writes and reads it.
 *
 * <p><em>Concurrency:</em> the rounds are typed by a thread of its own; anybody may ask how far it
 * is.
 */
final class NanoGuest implements AutoCloseable {
  private static final String TOUCH = "touch ";
  private static final String PROMPT = "\r\n> ";
  private static final long MEMORY_BYTES = 512L << 20;
  private static final long DISK_BYTES = 256 * 512;
  private static final long BOOT_SECONDS = 120;
  private static final long LONG_SECONDS = 120;
  private static final long COMMAND_SECONDS = 10;
  private static final int FEW_PAGES = 2;

  /** More than a pager takes of root at once and may have left. */
  private static final int MANY_PAGES = 4_500;

  private static final int REMEMBERED = 4_096;

  private final Root root;
  private final String path;
  private final Console console;
  private final VirtualMachine machine;
  private final List<String> commands;
  private final Thread typist;
  private volatile boolean stopping;
  private volatile int pages = FEW_PAGES;

  /** Guarded by itself: begin and end of rounds that were done whole. */
  private final Deque<long[]> rounds = new ArrayDeque<>();

  private long done;

  /**
   * Makes one; nothing of it stays when that fails.
   *
   * @param disk the image of its disk, or null for none
   * @param monitor the server of its machine; empty for the routed one
   */
  NanoGuest(Root root, String name, Boot boot, @Nullable Path disk, String monitor)
      throws IOException {
    this.root = root;
    path = "vm/" + name;
    Map<String, String> config = new HashMap<>();
    config.put("kernel", boot.kernel().toString());
    config.put("append", boot.commandLine());
    config.put("memory", Long.toString(MEMORY_BYTES));
    if (!monitor.isEmpty()) {
      config.put("server", monitor);
    }
    if (disk != null) {
      try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
        file.setLength(DISK_BYTES);
      }
      config.put("disk0", disk.toString());
    }
    commands =
        disk == null
            ? List.of("sum 300", TOUCH, "time")
            : List.of("sum 300", TOUCH, "time", "put 3 4 77", "get 3 4");
    machine = root.create(path, VirtualMachine.class, config);
    console = root.connect(path + "/console", Console.class);
    typist = Thread.ofPlatform().daemon().name("lab " + name).unstarted(this::work);
  }

  /** Path of the machine. */
  String path() {
    return path;
  }

  /** Boots it; it waits for commands. */
  void boot() {
    machine.start();
    if (answered(0, BOOT_SECONDS).isEmpty()) {
      throw new IllegalStateException(path + " does not boot: " + machine.report());
    }
  }

  /** Boots it; it works from then on. */
  void begin() {
    boot();
    typist.start();
  }

  /** Types a command and answers what it prints; not beside {@link #begin}. */
  String command(String line) {
    long from = console.position();
    int typed = console.type(line + "\r");
    String seen = answered(from, LONG_SECONDS);
    if (typed != line.length() + 1 || seen.isEmpty()) {
      throw new IllegalStateException(path + " does not answer '" + line + "': " + condition());
    }
    String[] lines = seen.split("\r\n", -1);
    return lines.length < 2 ? "" : lines[1];
  }

  /** What its monitor says. */
  MachineReport report() {
    return machine.report();
  }

  /** How many fresh pages it takes in each round: a few, or so many that its pager asks root. */
  void manyPages(boolean many) {
    pages = many ? MANY_PAGES : FEW_PAGES;
  }

  private void work() {
    while (!stopping) {
      long begun = System.nanoTime();
      if (round()) {
        synchronized (rounds) {
          rounds.add(new long[] {begun, System.nanoTime()});
          done++;
          if (rounds.size() > REMEMBERED) {
            rounds.remove();
          }
        }
      }
    }
  }

  /** Says whether all of it was done. */
  private boolean round() {
    try {
      for (String each : commands) {
        String command = each.equals(TOUCH) ? TOUCH + pages : each;
        long from = console.position();
        if (console.type(command + "\r") != command.length() + 1) {
          return false;
        }
        String seen = answered(from, COMMAND_SECONDS);
        if (!seen.contains(command)
            || seen.contains("only ")
            || seen.contains("NOT")
            || (seen.contains("status ") && !seen.contains("status 0"))) {
          return false;
        }
      }
      return true;
    } catch (CallFailed gone) {
      clearLine();
      return false;
    }
  }

  /** Whatever a crash left in the guest's line is ended. */
  private void clearLine() {
    try {
      long from = console.position();
      if (console.type("\r") == 1) {
        String unused = answered(from, COMMAND_SECONDS);
      }
    } catch (CallFailed still) {
      Thread.onSpinWait(); // the call has waited already as long as its deadline allows
    }
  }

  private String answered(long from, long seconds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    StringBuilder seen = new StringBuilder();
    while (System.nanoTime() - end < 0 && !stopping) {
      seen.append(console.output(from + seen.length(), 65_536, 100));
      if (seen.indexOf(PROMPT) >= 0) {
        return seen.toString();
      }
    }
    return "";
  }

  /** Rounds that were begun and done within that time. */
  int roundsWithin(long fromNanos, long toNanos) {
    synchronized (rounds) {
      return (int)
          rounds.stream()
              .filter(each -> each[0] - fromNanos >= 0 && each[1] - toNanos <= 0)
              .count();
    }
  }

  /** Rounds so far. */
  long done() {
    synchronized (rounds) {
      return done;
    }
  }

  /** How long a round took, the median of the last few; 0 when there were none. */
  long recentNanos() {
    synchronized (rounds) {
      long[] last =
          rounds.stream()
              .skip(Math.max(0, rounds.size() - 11))
              .mapToLong(each -> each[1] - each[0])
              .sorted()
              .toArray();
      return last.length == 0 ? 0 : last[last.length / 2];
    }
  }

  /** Waits until it has done so many more rounds. */
  boolean advances(int more, long seconds, BooleanSupplier cancelled) {
    long wanted = done() + more;
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (done() < wanted) {
      if (System.nanoTime() - end > 0 || cancelled.getAsBoolean()) {
        return false;
      }
      pause(2);
    }
    return true;
  }

  /** Where it is, for people. */
  String condition() {
    try {
      long from = Math.max(console.oldest(), console.position() - 300);
      return machine.report().state()
          + ", it says: "
          + console.output(from, 300, 0).replace("\r", "").replace("\n", " | ");
    } catch (CallFailed e) {
      return String.valueOf(e.getMessage());
    }
  }

  static void pause(long millis) {
    java.util.concurrent.locks.LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  @Override
  public void close() {
    stopping = true;
    root.remove(path);
  }
}
