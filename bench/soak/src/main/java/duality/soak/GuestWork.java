package duality.soak;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import duality.drivers.Console;
import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.vmm.GuestAgent;
import duality.vmm.VirtualMachine;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * The guest and its three kinds of work: rounds on its disk, sums of its memory, answers on its
 * console. Each is listened to by a thread of its own, which checks every word.
 */
final class GuestWork implements AutoCloseable {
  private static final int COPIES = 32;
  private static final long BOOT_SECONDS = 400;
  private static final long COMMAND_SECONDS = 120;

  /** What a healthy guest never says in its log. */
  private static final Pattern TROUBLE =
      Pattern.compile(
          "I/O error|Buffer I/O|rcu.*(stall|detected)|soft lockup|hung_task|blocked for more than"
              + "|Call Trace|Oops|BUG:|WARNING:|Unable to handle|hw_csum|clocksource.*unstable"
              + "|timed out|reset");

  /** The second card is where the first one reaches it through the switch only. */
  private static final String NETWORK =
      String.join(
          "\n",
          "set -e",
          "unshare -n sh -c 'echo $$ >/tmp/ns; while [ ! -e /tmp/stop ]; do sleep 1; done' &",
          "while [ ! -s /tmp/ns ]; do sleep 0.1; done",
          "ip link set eth1 netns $(cat /tmp/ns)",
          "ip addr add 192.168.7.1/24 dev eth0",
          "nsenter -t $(cat /tmp/ns) -n ip addr add 192.168.7.2/24 dev eth1",
          "nsenter -t $(cat /tmp/ns) -n ip link set eth1 up",
          "while [ ! -e /tmp/stop ]; do",
          "  got=$(ping -c 1 -W 30 192.168.7.2 | sed -n 's/.* \\([0-9]*\\) packets"
              + " received.*/\\1/p')",
          "  echo N $got $(head -c 64 /dev/hwrng | wc -c)",
          "done");

  private final Root root;
  private final String path;
  private final Path disk;
  private final String cpus;
  private final VirtualMachine machine;
  private final Console console;
  private final GuestAgent agent;
  private final DiskPattern pattern;
  private final Consumer<String> fault;
  private final List<Thread> listeners = new ArrayList<>();
  private final AtomicLong rounds = new AtomicLong();
  private final AtomicLong sums = new AtomicLong();
  private final AtomicLong packets = new AtomicLong();
  private final AtomicLong answers = new AtomicLong();
  private volatile boolean stopping;

  GuestWork(Root root, String name, Boot boot, Path disk, Plan plan, Consumer<String> fault)
      throws IOException {
    this.root = root;
    cpus = Integer.toString(plan.cpus());
    this.path = "vm/" + name;
    this.disk = disk;
    this.fault = fault;
    pattern = new DiskPattern(plan.seed());
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(DiskPattern.DISK_BYTES);
    }
    Map<String, String> config = new HashMap<>();
    config.put("kernel", boot.kernel().toString());
    boot.initrd().ifPresent(initrd -> config.put("initrd", initrd.toString()));
    config.put("append", boot.commandLine());
    config.put("memory", Long.toString(boot.memoryBytes()));
    config.put("agent", Boolean.toString(boot.agent()));
    config.put("disk0", disk.toString());
    config.put("rng", "true");
    config.put("net0", "soak");
    config.put("net1", "soak");
    if (plan.cpus() > 1) {
      config.put("cpus", cpus);
    }
    machine = root.create(path, VirtualMachine.class, config);
    console = root.connect(path + "/console", Console.class);
    agent = root.connect(path + "/agent", GuestAgent.class);
  }

  /** The machine's path. */
  String path() {
    return path;
  }

  long rounds() {
    return rounds.get();
  }

  long sums() {
    return sums.get();
  }

  long answers() {
    return answers.get();
  }

  /** Boots the guest and sets it to work; returns when it has done something of everything. */
  void begin() {
    machine.start();
    until("the guest is ready", BOOT_SECONDS, agent::ready);
    String harts = command("nproc").strip();
    if (!harts.equals(cpus)) {
      fault.accept("the guest has " + harts + " harts, not " + cpus);
    }
    listen("disk", pattern.script(), line -> round(line));
    String memory =
        String.join(
            "\n",
            "set -e",
            "while [ ! -e /tmp/numbers ]; do sleep 0.1; done",
            "i=0; while [ $i -lt " + COPIES + " ]; do cat /tmp/numbers; i=$((i + 1)); done >/tmp/m",
            "while [ ! -e /tmp/stop ]; do",
            "  cp /tmp/m /tmp/copy; echo M $(md5sum /tmp/copy | cut -c1-32); rm /tmp/copy",
            "done");
    String sum = "M " + pattern.memory(COPIES);
    listen("memory", memory, line -> summed(line, sum));
    listen("network", NETWORK, this::pinged);
    Thread talker = Thread.ofPlatform().daemon().name("soak console").start(this::talk);
    listeners.add(talker);
    until(
        "some work is done",
        COMMAND_SECONDS,
        () -> rounds.get() > 1 && sums.get() > 0 && packets.get() > 0 && answers.get() > 0);
  }

  /** One more packet went through the switch and back, and randomness came; none may be lost. */
  private void pinged(String line) {
    packets.incrementAndGet();
    if (!line.equals("N 1 64")) {
      fault.accept("network: the guest says '" + line + "', right is 'N 1 64'");
    }
  }

  private void round(String line) {
    String expected = pattern.answer((int) rounds.getAndIncrement());
    if (!line.equals(expected)) {
      fault.accept("disk: the guest says '" + line + "', right is '" + expected + "'");
    }
  }

  private void summed(String line, String expected) {
    sums.incrementAndGet();
    if (!line.equals(expected)) {
      fault.accept("memory: the guest says '" + line + "', right is '" + expected + "'");
    }
  }

  /** Starts a job that ends when the guest has the file {@code /tmp/stop}. */
  private void listen(String what, String script, Consumer<String> line) {
    long job = agent.start(script, 0);
    listeners.add(
        Thread.ofPlatform()
            .daemon()
            .name("soak " + what)
            .start(
                () -> {
                  try {
                    GuestAgent.Job end = read(job, line);
                    if (!end.state().equals("exited") || end.status() != 0) {
                      fault.accept(what + ": its program ended: " + end);
                    }
                  } catch (CallFailed e) {
                    fault.accept(what + ": " + e);
                  }
                }));
  }

  /** Hands on all lines of a job up to its end. */
  private GuestAgent.Job read(long job, Consumer<String> line) {
    StringBuilder text = new StringBuilder();
    long position = 0;
    while (true) {
      String more = agent.output(job, position, 65_536, 200);
      position += more.length();
      text.append(more);
      for (int end; (end = text.indexOf("\n")) >= 0; ) {
        line.accept(text.substring(0, end));
        text.delete(0, end + 1);
      }
      GuestAgent.Job now = agent.job(job);
      if (now.ended() && position == now.outputBytes()) {
        agent.forget(job);
        return now;
      }
    }
  }

  /** Types sums and waits for the results. */
  private void talk() {
    try {
      for (long n = 1; !stopping; n++) {
        long from = console.position();
        String line = "echo soak-$((" + n + " * " + n + "))-\r";
        if (console.type(line) != line.length()) {
          fault.accept("console: it did not take '" + line.strip() + "'");
          return;
        }
        String expected = "soak-" + n * n + "-";
        StringBuilder seen = new StringBuilder();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(COMMAND_SECONDS);
        while (seen.indexOf(expected) < 0) {
          seen.append(console.output(from + seen.length(), 65_536, 200));
          if (System.nanoTime() - end > 0) {
            fault.accept("console: no '" + expected + "' in '" + seen + "'");
            return;
          }
        }
        answers.incrementAndGet();
      }
    } catch (CallFailed e) {
      fault.accept("console: " + e);
    }
  }

  /** Ends the work and checks what is there then. */
  void end() throws IOException, InterruptedException {
    stopping = true;
    command("touch /tmp/stop");
    for (Thread each : listeners) {
      each.join(TimeUnit.SECONDS.toMillis(2 * COMMAND_SECONDS));
      if (each.isAlive()) {
        fault.accept(each.getName() + ": no end within " + 2 * COMMAND_SECONDS + " s");
      }
    }
    String seen =
        command(
            "sync; echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vda bs=64k 2>/dev/null | md5sum");
    if (!seen.startsWith(pattern.sum())) {
      fault.accept("disk: the guest reads " + seen.strip() + " at the end, not " + pattern.sum());
    }
    for (String line : command("dmesg").split("\n", -1)) {
      if (TROUBLE.matcher(line).find()) {
        fault.accept("dmesg: " + line.strip());
      }
    }
    machine.stop();
    String difference = pattern.difference(Files.readAllBytes(disk));
    if (!difference.isEmpty()) {
      fault.accept("disk: " + difference);
    }
  }

  /** The guest's clock since its start, in nanoseconds, to a hundredth of a second. */
  long uptimeNanos() {
    return (long) (Double.parseDouble(command("cat /proc/uptime").split(" ", -1)[0]) * 1e9);
  }

  /** Runs a command that has to succeed; its standard output and error. */
  private String command(String command) {
    long job = agent.start(command, TimeUnit.SECONDS.toMillis(COMMAND_SECONDS));
    StringBuilder text = new StringBuilder();
    GuestAgent.Job end = read(job, line -> text.append(line).append('\n'));
    if (!end.state().equals("exited") || end.status() != 0) {
      fault.accept("'" + command + "' ended: " + end + "\n" + text);
    }
    return new String(text.toString().getBytes(ISO_8859_1), ISO_8859_1);
  }

  private void until(String what, long seconds, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new IllegalStateException(
            "not within "
                + seconds
                + " s: "
                + what
                + "; "
                + machine.report()
                + "\n"
                + console.output(console.oldest(), 65_536, 0));
      }
      console.output(Long.MAX_VALUE, 1, 20); // its wait is the pace
    }
  }

  @Override
  public void close() {
    stopping = true;
    root.remove(path);
  }
}
