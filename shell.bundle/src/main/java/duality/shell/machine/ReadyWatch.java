package duality.shell.machine;

import duality.drivers.Console;
import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.vmm.GuestAgent;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads a guest's console from its start until the line comes that says the guest is up, so that
 * the answer is still known when that line has long been forgotten. Ends with the machine.
 */
final class ReadyWatch {
  private static final int MOST_BYTES = 8192;
  private static final long WAIT_MILLIS = 200;
  private static final int LONGEST_LINE = 1024;
  static final long QUIET_NANOS = 3_000_000_000L;

  private final Console console;
  private final Boot boot;
  private long position;
  private final StringBuilder line = new StringBuilder();
  private final CountDownLatch up = new CountDownLatch(1);
  private volatile boolean ended;
  private volatile @Nullable GuestAgent agent;
  private volatile String lastLine = "";

  /** Whether the agent in the guest has said hello. */
  private final BooleanSupplier hello;

  /** When it was first seen to have, or 0. */
  private long helloNanos;

  ReadyWatch(Console console, Boot boot, long position) {
    this(console, boot, position, () -> false);
  }

  ReadyWatch(Console console, Boot boot, long position, BooleanSupplier hello) {
    this.hello = hello;
    this.console = console;
    this.boot = boot;
    this.position = position;
  }

  /** Begins to read, on a thread of its own. */
  void start(String name) {
    Thread.ofPlatform().daemon().name(name).start(this::read);
  }

  /** Whether the line has come. */
  boolean ready() {
    return up.getCount() == 0;
  }

  /** Waits for the line, at most that long. */
  void await(Duration most) throws InterruptedException {
    if (up.await(most.toNanos(), TimeUnit.NANOSECONDS)) {
      ended = true;
    }
  }

  /** The guest's agent, when it has been looked for. */
  @Nullable GuestAgent agent() {
    return agent;
  }

  /** Keeps the guest's agent, so that it is looked for once. */
  void agent(GuestAgent found) {
    agent = found;
  }

  /** What is booted. */
  Boot boot() {
    return boot;
  }

  /** The last line with something on it, for people who wait in vain. */
  String lastLine() {
    return lastLine;
  }

  /** Reads no more. */
  void end() {
    ended = true;
  }

  private void read() {
    try {
      while (!ended && !ready()) {
        String more = console.output(position, MOST_BYTES, WAIT_MILLIS);
        position = Math.max(position, console.oldest()) + more.length();
        take(more);
        if (more.isEmpty() && quietlyUp()) {
          up.countDown();
        }
      }
    } catch (CallFailed e) {
      // The machine is no more.
    }
  }

  /**
   * A guest whose console is elsewhere (console=hvc0) is up when its agent has been for a while.
   */
  private boolean quietlyUp() {
    if (helloNanos == 0 && hello.getAsBoolean()) {
      helloNanos = Math.max(1, System.nanoTime());
    }
    return helloNanos != 0 && System.nanoTime() - helloNanos > QUIET_NANOS;
  }

  /** Takes bytes of the console, one character each. */
  void take(String bytes) {
    for (int i = 0; i < bytes.length(); i++) {
      char c = bytes.charAt(i);
      if (c == '\n') {
        String text = line.toString().stripTrailing();
        line.setLength(0);
        if (text.equals(boot.readyLine().stripTrailing())) {
          up.countDown();
        }
        if (!text.isBlank()) {
          lastLine = text;
        }
      } else if (line.length() < LONGEST_LINE) {
        line.append(c);
      }
    }
  }
}
