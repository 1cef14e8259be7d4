package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.drivers.Console;
import duality.guests.Boot;
import duality.servers.Root;
import duality.vmm.GuestAgent;
import duality.vmm.VirtualMachine;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A machine in a test: made and started, talked to, and removed at the end. */
final class RunningMachine implements AutoCloseable {
  private final Root root;
  private final String path;
  final VirtualMachine machine;
  final Console console;

  /**
   * Makes a machine and starts it.
   *
   * @param more configuration beside what the boot says
   */
  RunningMachine(Root root, String name, Boot boot, Map<String, String> more) {
    this.root = root;
    path = "vm/" + name;
    Map<String, String> config = new HashMap<>();
    config.put("kernel", boot.kernel().toString());
    boot.initrd().ifPresent(initrd -> config.put("initrd", initrd.toString()));
    config.put("append", boot.commandLine());
    config.put("memory", Long.toString(boot.memoryBytes()));
    config.put("agent", Boolean.toString(boot.agent()));
    config.putAll(more);
    machine = root.create(path, VirtualMachine.class, config);
    console = root.connect(path + "/console", Console.class);
    machine.start();
  }

  /** The far end of the guest's agent. */
  GuestAgent agent() {
    return root.connect(path + "/agent", GuestAgent.class);
  }

  /** Waits for a condition; the console's wait is the pace. */
  void until(String what, long seconds, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError(
            "never within "
                + seconds
                + " s: "
                + what
                + "; "
                + machine.report()
                + "\n"
                + console.output(console.oldest(), 65_536, 0));
      }
      console.output(Long.MAX_VALUE, 1, 20);
    }
  }

  /** Waits until the console has printed a text since {@code position}; answers all since then. */
  String await(long position, String text, long seconds) {
    StringBuilder seen = new StringBuilder();
    until(
        "'" + text + "' on the console",
        seconds,
        () -> {
          seen.append(console.output(position + seen.length(), 65_536, 100));
          return seen.indexOf(text) >= 0;
        });
    return seen.toString();
  }

  /** Types a line and waits for what it prints. */
  String command(String line, String answer, long seconds) {
    long from = console.position();
    assertEquals(line.length() + 1, console.type(line + "\r"), "input taken");
    return await(from, answer, seconds);
  }

  /** All output of a job, up to its end. */
  String finish(long job, long seconds) {
    GuestAgent agent = agent();
    StringBuilder text = new StringBuilder();
    until(
        "end of job " + job,
        seconds,
        () -> {
          text.append(agent.output(job, text.length(), 65_536, 200));
          GuestAgent.Job now = agent.job(job);
          return now.ended() && text.length() == now.outputBytes();
        });
    return text.toString();
  }

  /** Runs a command that has to succeed; its output. */
  String exec(String command, long seconds) {
    long job = agent().start(command, TimeUnit.SECONDS.toMillis(seconds));
    String output = finish(job, seconds + 15);
    GuestAgent.Job ended = agent().job(job);
    assertEquals("exited 0", ended.state() + " " + ended.status(), () -> ended + "\n" + output);
    agent().forget(job);
    return output;
  }

  @Override
  public void close() {
    root.remove(path);
  }
}
