package duality.shell.machine;

import duality.drivers.Console;
import duality.guests.Boot;
import duality.guests.GuestImage;
import duality.guests.GuestUnavailable;
import duality.guests.Progress;
import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.shell.command.CommandFailed;
import duality.shell.text.Near;
import duality.vmm.GdbStub;
import duality.vmm.GuestAgent;
import duality.vmm.MachineReport;
import duality.vmm.VirtualMachine;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Finds machines and their ends by name, and remembers which guests have come up. */
@Component(service = Machines.class)
public final class Machines {
  private static final String FOLDER = "vm/";
  private static final String DEBUGGERS = "gdb/";

  private final Root root;
  private final GuestImages images;
  private final Map<String, ReadyWatch> watches = new ConcurrentHashMap<>();

  /** What the machines made here were made from. */
  private final Map<String, Boot> boots = new ConcurrentHashMap<>();

  /** With what they are found through. */
  @Activate
  public Machines(@Reference Root root, @Reference GuestImages images) {
    this.root = root;
    this.images = images;
  }

  /** Names of all machines, in order. */
  public List<String> names() {
    return root.paths(VirtualMachine.class).stream()
        .filter(path -> path.startsWith(FOLDER))
        .map(path -> path.substring(FOLDER.length()))
        .sorted()
        .toList();
  }

  /** The machine of that name. */
  VirtualMachine machine(String name) throws CommandFailed {
    check(name);
    return root.connect(FOLDER + name, VirtualMachine.class);
  }

  /** The far end of a machine's serial line. */
  Console console(String name) throws CommandFailed {
    check(name);
    return root.connect(FOLDER + name + "/console", Console.class);
  }

  /** The agent in a machine's guest, which has said hello. */
  GuestAgent agent(String name) throws CommandFailed {
    check(name);
    String path = FOLDER + name + "/agent";
    if (!root.paths(GuestAgent.class).contains(path)) {
      throw new CommandFailed(
          "the guest of '" + name + "' takes no commands this way; use vm:type and vm:console");
    }
    GuestAgent agent = root.connect(path, GuestAgent.class);
    if (!agent.ready()) {
      String state = machine(name).report().state();
      throw new CommandFailed(
          state.equals("running")
              ? "the guest of '" + name + "' is not up yet; first: vm:wait " + name + " --for ready"
              : "'" + name + "' is " + state);
    }
    return agent;
  }

  /** What all machines are doing, by name. */
  List<MachineReport> reports() {
    List<MachineReport> reports = new ArrayList<>();
    for (String name : names()) {
      try {
        reports.add(root.connect(FOLDER + name, VirtualMachine.class).report());
      } catch (CallFailed.Revoked e) {
        // Deleted since its name was read.
      } catch (CallFailed e) {
        String state = "no answer: " + e.getMessage();
        reports.add(new MachineReport(name, "", state, 0, 0, 0, 0, 0, 0, "", "", ""));
      }
    }
    return reports;
  }

  /** Makes a machine and starts it; nothing of it stays when it does not start. */
  VirtualMachine create(String name, Map<String, String> config, Boot boot) throws CommandFailed {
    VirtualMachine machine = root.create(FOLDER + name, VirtualMachine.class, config);
    boolean started = false;
    try {
      boots.put(name, boot);
      watch(name, boot, 0);
      machine.start();
      started = true;
      return machine;
    } finally {
      if (!started) {
        delete(name);
      }
    }
  }

  /** Switches a machine that has stopped on again. */
  void start(String name) throws CommandFailed {
    VirtualMachine machine = machine(name);
    String state = machine.report().state();
    if (state.equals("running") || state.equals("paused")) {
      throw new CommandFailed("'" + name + "' is " + state);
    }
    watch(name, boot(name), console(name).position());
    machine.start();
  }

  /**
   * Lets debuggers attach to a machine.
   *
   * @param port 0 for any that is free
   * @return the port
   */
  int openToDebuggers(String name, int port) throws CommandFailed {
    VirtualMachine machine = machine(name);
    String path = DEBUGGERS + name;
    if (root.paths(GdbStub.class).contains(path)) {
      int there = root.connect(path, GdbStub.class).report().port();
      throw new CommandFailed(
          "debuggers can attach to '"
              + name
              + "' already, at port "
              + there
              + "; vm:gdb "
              + name
              + " --end ends that");
    }
    GdbStub stub = root.create(path, GdbStub.class, Map.of("port", Integer.toString(port)));
    boolean open = false;
    try {
      int opened = stub.serve(machine);
      open = true;
      return opened;
    } finally {
      if (!open) {
        root.remove(path);
      }
    }
  }

  /** Sends the debugger of a machine away, and lets none attach any more; whether one could. */
  boolean closeToDebuggers(String name) {
    boolean open = root.paths(GdbStub.class).contains(DEBUGGERS + name);
    if (open) {
      root.remove(DEBUGGERS + name);
    }
    return open;
  }

  /** Ends a machine and forgets it. */
  void delete(String name) {
    closeToDebuggers(name);
    ReadyWatch watch = watches.remove(name);
    if (watch != null) {
      watch.end();
    }
    boots.remove(name);
    root.remove(FOLDER + name);
  }

  /** Follows a machine's guest until it is up. */
  ReadyWatch watch(String name) throws CommandFailed {
    check(name);
    ReadyWatch watch = watches.get(name);
    return watch != null ? watch : watch(name, boot(name), 0);
  }

  private ReadyWatch watch(String name, Boot boot, long position) throws CommandFailed {
    ReadyWatch watch =
        new ReadyWatch(
            root.connect(FOLDER + name + "/console", Console.class),
            boot,
            position,
            () -> hasAgent(name, boot));
    ReadyWatch old = watches.put(name, watch);
    if (old != null) {
      old.end();
    }
    watch.start("watch " + name);
    return watch;
  }

  private boolean hasAgent(String name, Boot boot) {
    String path = FOLDER + name + "/agent";
    return boot.agent()
        && root.paths(GuestAgent.class).contains(path)
        && root.connect(path, GuestAgent.class).ready();
  }

  /** Whether what the guest runs for us has said hello, or there is no such thing in this guest. */
  boolean agentReady(String name, ReadyWatch watch) {
    if (!watch.boot().agent()) {
      return true;
    }
    GuestAgent agent = watch.agent();
    if (agent == null) {
      String path = FOLDER + name + "/agent";
      if (!root.paths(GuestAgent.class).contains(path)) {
        return true;
      }
      agent = root.connect(path, GuestAgent.class);
      watch.agent(agent);
    }
    return agent.ready();
  }

  private Boot boot(String name) throws CommandFailed {
    Boot known = boots.get(name);
    if (known != null) {
      return known;
    }
    GuestImage image = images.get(machine(name).report().image());
    try {
      return image.prepare(Progress.NONE);
    } catch (GuestUnavailable e) {
      throw new CommandFailed(String.valueOf(e.getMessage()));
    }
  }

  private void check(String name) throws CommandFailed {
    List<String> names = names();
    if (!names.contains(name)) {
      throw new CommandFailed(
          "there is no machine '"
              + name
              + "'"
              + (names.isEmpty() ? "; vm:run makes one" : Near.hint(name, names)));
    }
  }
}
