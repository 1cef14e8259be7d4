package duality.shell.machine;

import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.shell.command.Arguments;
import duality.shell.command.Command;
import duality.shell.command.CommandFailed;
import duality.shell.command.CommandGroup;
import duality.shell.command.Invocation;
import duality.shell.command.Kind;
import duality.shell.command.Notice;
import duality.shell.command.Syntax;
import duality.shell.text.ByteSize;
import duality.shell.text.Span;
import duality.vmm.MachineReport;
import duality.vmm.VirtualMachine;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Makes machines, lists them, stops them. */
@Component(service = MachineCommands.class, immediate = true)
public final class MachineCommands extends CommandGroup {
  private static final String SCOPE = "vm";
  private static final String NAME = "NAME";
  private static final Duration WAIT = Duration.ofSeconds(60);
  private static final Duration POLL = Duration.ofMillis(25);
  private static final long PAGE = 4096;
  private static final int MOST_CARDS = 4;
  private static final int MOST_CPUS = 8;

  private final Machines machines;
  private final GuestImages images;

  /** With the machines and what they boot. */
  @Activate
  public MachineCommands(@Reference Machines machines, @Reference GuestImages images) {
    this.machines = machines;
    this.images = images;
  }

  @Override
  public List<Command> commands() {
    return List.of(
        new Command(
            Syntax.of(SCOPE, "run", "Makes a machine, boots an image in it and lets it run.")
                .mayTake("IMAGE", Kind.IMAGE, "what to boot, see guest:list; got first if need be")
                .option(FileBoot.KERNEL, Kind.FILE, "in place of an image: an Image or ELF file")
                .option(
                    FileBoot.FIRMWARE, Kind.FILE, "what starts in M-mode; none: the kernel itself")
                .option(FileBoot.INITRD, Kind.FILE, "initial RAM disk for --kernel")
                .option(FileBoot.READY, Kind.TEXT, "the console's line when the guest is up")
                .option(
                    "--name", Kind.NEW_NAME, "what to call it (the image's name, then image-2, …)")
                .option(
                    "--memory", Kind.SIZE, "guest memory, such as 512M (what the image suggests)")
                .option("--cpus", Kind.COUNT, "harts, 1 to 8, that run in parallel (1)")
                .repeated(
                    "--disk", Kind.FILE, "host file as a disk; FILE,ro for read-only; up to 7")
                .option(
                    Disks.STORE,
                    Kind.SERVER,
                    "server of the disks' stores (store.file), or store.sealed")
                .repeated(
                    "--net", Kind.NETWORK, "network to plug a card into, made if need be; up to 4")
                .flag(
                    "--legacy", "virtio-mmio of before VIRTIO 1.0, QEMU's default, for old drivers")
                .option("--append", Kind.TEXT, "words for the kernel's command line, in quotes")
                .option("--cmdline", Kind.TEXT, "the whole command line, in place of the image's")
                .option("--weight", Kind.COUNT, "each hart's share of processors, 1 to 10000 (100)")
                .option(
                    "--vmm",
                    Kind.SERVER,
                    "monitor that runs it (vmm.machine), or vmm.trap, vmm.xen")
                .option("--engine", Kind.TEXT, "engine that executes it (the kernel's default)")
                .note("The machine is the endpoint vm/NAME; vm:wait waits until its guest is up.")
                .note(
                    "An ELF kernel that is entered at 0x80000000 starts in M-mode without"
                        + " firmware."),
            this::run),
        new Command(
            Syntax.of(SCOPE, "list", "Lists the machines and what they are doing."),
            call -> machines.reports().stream().map(Line::of).toList()),
        new Command(
            Syntax.of(SCOPE, "inspect", "Shows all about a machine, its devices included.")
                .takes(NAME, Kind.MACHINE, "the machine"),
            call -> machines.machine(call.arguments().text(NAME)).report()),
        new Command(
            Syntax.of(SCOPE, "wait", "Waits until a machine's guest is up, or has stopped.")
                .takes(NAME, Kind.MACHINE, "the machine")
                .choice("--for", "what to wait for (ready)", "ready", "stopped")
                .option("--timeout", Kind.TIME, "fail after that long (60s)"),
            this::await),
        change(
            "pause",
            "Stops a machine where it is; guest time stands still.",
            "paused",
            VirtualMachine::pause),
        change("resume", "Lets a paused machine go on.", "running", VirtualMachine::resume),
        change(
            "stop",
            "Switches a machine off, after what it flushed is on disk.",
            "stopped",
            VirtualMachine::stop),
        new Command(
            Syntax.of(SCOPE, "start", "Switches a machine that has stopped on again.")
                .takes(NAME, Kind.MACHINE, "the machine"),
            call -> {
              String name = call.arguments().text(NAME);
              machines.start(name);
              return new Changed(name, "running");
            }),
        new Command(
            Syntax.of(SCOPE, "delete", "Ends a machine and all that belongs to it; disks stay.")
                .takes(NAME, Kind.MACHINE, "the machine"),
            this::delete));
  }

  /** A machine in a list: its report without the devices. */
  record Line(
      String name,
      String image,
      String state,
      int harts,
      long memoryBytes,
      long residentBytes,
      long upNanos,
      long cpuNanos,
      long instructions) {
    static Line of(MachineReport report) {
      return new Line(
          report.name(),
          report.image(),
          report.state(),
          report.harts(),
          report.memoryBytes(),
          report.residentBytes(),
          report.upNanos(),
          report.cpuNanos(),
          report.instructions());
    }
  }

  /** A machine that was made. */
  record Started(String name, String image, long memoryBytes) implements Notice {
    @Override
    public String line() {
      return name
          + ": "
          + image
          + " boots in "
          + ByteSize.show(memoryBytes)
          + " (vm:attach "
          + name
          + " shows it)";
    }
  }

  /** A machine that is now in another state. */
  record Changed(String name, String state) implements Notice {
    @Override
    public String line() {
      return name + ": " + state;
    }
  }

  /** A wait that came to its end. */
  record Waited(String name, String state, long waitedNanos) implements Notice {
    @Override
    public String line() {
      return name + ": " + state + " after " + Span.show(waitedNanos);
    }
  }

  private interface Change {
    void make(VirtualMachine machine);
  }

  private Command change(String name, String summary, String state, Change change) {
    return new Command(
        Syntax.of(SCOPE, name, summary).takes(NAME, Kind.MACHINE, "the machine"),
        call -> {
          String machine = call.arguments().text(NAME);
          VirtualMachine there = machines.machine(machine);
          change.make(there);
          String now = there.report().state();
          if (!now.equals(state) && !state.equals("stopped")) {
            throw new CommandFailed(
                "'" + machine + "' is " + now + "; vm:start " + machine + " switches it on");
          }
          return new Changed(machine, state);
        });
  }

  private Started run(Invocation call) throws Exception {
    Arguments arguments = call.arguments();
    if (FileBoot.asked(arguments)) {
      return runFiles(call);
    }
    if (!arguments.has("IMAGE")) {
      throw new CommandFailed(
          "name an image (guest:list has them), or give " + FileBoot.KERNEL + " FILE");
    }
    if (arguments.has(FileBoot.INITRD) || arguments.has(FileBoot.READY)) {
      throw new CommandFailed(
          FileBoot.INITRD + " and " + FileBoot.READY + " go with " + FileBoot.KERNEL + " only");
    }
    String monitor = arguments.text("--vmm", "");
    GuestImage image = images.get(arguments.text("IMAGE"), monitor);
    String name = name(arguments, image.name());
    Map<String, String> config = new LinkedHashMap<>(Disks.config(call));
    Boot prepared;
    try (ProgressLine progress = new ProgressLine(call)) {
      prepared = call.cancellation().interruptibly(() -> image.prepare(progress));
    } catch (GuestUnavailable e) {
      throw new CommandFailed(
          e.reason() == GuestUnavailable.Reason.CANCELLED
              ? "cancelled"
              : String.valueOf(e.getMessage()));
    }
    Boot boot = prepared.append(arguments.text("--append", ""));
    config.put("append", arguments.text("--cmdline", boot.commandLine()));
    config.put("kernel", boot.kernel().toString());
    if (monitor.isEmpty() && !image.monitor().isEmpty()) {
      config.put("server", image.monitor());
    }
    return create(arguments, name, image.name(), config, boot);
  }

  private Started runFiles(Invocation call) throws CommandFailed {
    FileBoot files = FileBoot.of(call);
    Map<String, String> config = new LinkedHashMap<>(Disks.config(call));
    config.put("append", files.boot().commandLine());
    files.kernel().ifPresent(kernel -> config.put("kernel", kernel.toString()));
    if (!files.firmware().isEmpty()) {
      config.put("firmware", files.firmware());
    }
    String name = name(call.arguments(), files.name());
    return create(call.arguments(), name, files.name(), config, files.boot());
  }

  private Started create(
      Arguments arguments, String name, String image, Map<String, String> config, Boot boot)
      throws CommandFailed {
    long memory = arguments.bytes("--memory", boot.memoryBytes());
    if (memory < boot.minimumMemoryBytes() || memory % PAGE != 0) {
      throw new CommandFailed(
          "--memory "
              + ByteSize.show(memory)
              + " is not enough or no multiple of 4K: "
              + image
              + " needs "
              + ByteSize.show(boot.minimumMemoryBytes())
              + " or more");
    }
    int weight = arguments.count("--weight", 100);
    if (weight < 1 || weight > 10_000) {
      throw new CommandFailed("--weight " + weight + " is not from 1 to 10000");
    }
    config.put("image", image);
    config.put("memory", Long.toString(memory));
    boot.initrd().ifPresent(initrd -> config.put("initrd", initrd.toString()));
    config.put("weight", Integer.toString(weight));
    int cpus = arguments.count("--cpus", 1);
    if (cpus < 1 || cpus > MOST_CPUS) {
      throw new CommandFailed("--cpus " + cpus + " is not from 1 to " + MOST_CPUS);
    }
    if (cpus > 1) {
      config.put("cpus", Integer.toString(cpus));
    }
    config.put("agent", Boolean.toString(boot.agent()));
    config.put("rng", "true");
    if (arguments.has("--legacy")) {
      config.put("legacy", "true");
    }
    List<String> networks = arguments.texts("--net");
    if (networks.size() > MOST_CARDS) {
      throw new CommandFailed(
          networks.size() + " cards are more than the " + MOST_CARDS + " of a machine");
    }
    for (int i = 0; i < networks.size(); i++) {
      config.put("net" + i, networks.get(i));
    }
    arguments.given("--engine").ifPresent(engine -> config.put("engine", engine));
    arguments.given("--vmm").ifPresent(monitor -> config.put("server", monitor));
    machines.create(name, config, boot);
    return new Started(name, image, memory);
  }

  private String name(Arguments arguments, String image) throws CommandFailed {
    List<String> taken = machines.names();
    if (arguments.has("--name")) {
      String name = arguments.text("--name");
      if (taken.contains(name)) {
        throw new CommandFailed(
            "there is a machine '"
                + name
                + "' already; choose another --name, or first: vm:delete "
                + name);
      }
      return name;
    }
    String name = image;
    for (int i = 2; taken.contains(name); i++) {
      name = image + "-" + i;
    }
    return name;
  }

  private Waited await(Invocation call) throws CommandFailed {
    String name = call.arguments().text(NAME);
    boolean forReady = call.arguments().text("--for", "ready").equals("ready");
    Duration most = call.arguments().time("--timeout").orElse(WAIT);
    VirtualMachine machine = machines.machine(name);
    ReadyWatch watch = machines.watch(name);
    long start = System.nanoTime();
    try (ProgressLine progress = new ProgressLine(call)) {
      long nextSecond = 1;
      while (true) {
        long waited = System.nanoTime() - start;
        // The state is read first: a guest that stops right after its line was ready nevertheless.
        String state = machine.report().state();
        if (forReady && watch.ready() && machines.agentReady(name, watch)) {
          return new Waited(name, "ready", waited);
        }
        boolean over = state.equals("stopped") || state.startsWith("failed");
        if (over && !forReady && state.equals("stopped")) {
          return new Waited(name, state, waited);
        }
        if (over) {
          throw new CommandFailed(
              "'"
                  + name
                  + "' is "
                  + state
                  + (forReady ? " and will not come up" : "")
                  + last(watch));
        }
        if (waited > most.toNanos()) {
          throw new CommandFailed(
              "'"
                  + name
                  + "' is "
                  + state
                  + " and not "
                  + (forReady ? "ready" : "stopped")
                  + " after "
                  + Span.show(most.toNanos())
                  + last(watch)
                  + "; see vm:console "
                  + name);
        }
        if (waited > nextSecond * 1_000_000_000) {
          progress.whisper("waiting for " + name + ", " + nextSecond + " s: " + watch.lastLine());
          nextSecond++;
        }
        pause(call, forReady ? watch : null);
      }
    }
  }

  private static void pause(Invocation call, @Nullable ReadyWatch watch) throws CommandFailed {
    if (watch == null || watch.ready()) {
      call.cancellation().sleep(POLL);
      return;
    }
    try {
      watch.await(POLL);
      call.cancellation().check();
    } catch (InterruptedException e) {
      call.cancellation().cancel();
    }
  }

  private static String last(ReadyWatch watch) {
    return watch.lastLine().isEmpty() ? "" : "; its last line: " + watch.lastLine();
  }

  private Changed delete(Invocation call) throws CommandFailed {
    String name = call.arguments().text(NAME);
    machines.machine(name).stop();
    machines.delete(name);
    return new Changed(name, "deleted");
  }
}
