package duality.vmm.machine;

import duality.clock.ClintServer;
import duality.clock.RtcServer;
import duality.console.host.HostConsoleServer;
import duality.drivers.Console;
import duality.drivers.InterruptController;
import duality.drivers.MmioDevice;
import duality.drivers.Store;
import duality.finisher.FinisherServer;
import duality.kernel.CallFailed;
import duality.kernel.Pager;
import duality.kernel.Scheduler;
import duality.kernel.Server;
import duality.kernel.core.Core;
import duality.pager.demand.DemandPager;
import duality.pager.pinned.PinnedPager;
import duality.plic.PlicServer;
import duality.processor.interpreter.Interpreter;
import duality.root.RootServer;
import duality.scheduler.fair.FairServer;
import duality.scheduler.roundrobin.RoundRobinServer;
import duality.servers.Root;
import duality.servers.Swapper;
import duality.store.file.FileStoreServer;
import duality.swapper.SwapperServer;
import duality.uart.UartServer;
import duality.virtio.blk.BlkServer;
import duality.virtio.console.ConsoleServer;
import duality.vmm.GuestAgent;
import duality.vmm.VirtualMachine;
import duality.vmm.agent.AgentServer;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The system on a plain class path: core, root, policies, drivers and engine, without OSGi. */
public final class Rig implements AutoCloseable {
  /** No server here is slow, but the host of the tests may be. */
  private static final int PATIENCE = 20;

  public final Core core;
  public final Root root;
  private final Map<String, String> server;

  /** A system whose machines are run by the monitor that root's routing names. */
  public Rig(int processors, long poolBytes) {
    this(processors, poolBytes, Map.of());
  }

  private Rig(int processors, long poolBytes, Map<String, String> server) {
    this.server = server;
    core = Core.start(processors, poolBytes, PATIENCE);
    core.engine("interpreter", new Interpreter());
    core.register("plic", new PlicServer(), InterruptController.class);
    core.register("uart", new UartServer(), MmioDevice.class);
    core.register("clint", new ClintServer(), MmioDevice.class);
    core.register("rtc", new RtcServer(), MmioDevice.class);
    core.register("finisher", new FinisherServer(), MmioDevice.class);
    core.register("virtio.console", new ConsoleServer(), MmioDevice.class);
    core.register("virtio.blk", new BlkServer(), MmioDevice.class);
    core.register("store.file", new FileStoreServer(), Store.class);
    core.register("console.host", new HostConsoleServer(), Console.class);
    core.register("agent", new AgentServer(), GuestAgent.class);
    core.register("vmm.machine", new MachineServer(), VirtualMachine.class);
    core.register("scheduler.fair", new FairServer(), Scheduler.class);
    core.register("scheduler.roundrobin", new RoundRobinServer(), Scheduler.class);
    core.register("pager.demand", new DemandPager(), Pager.class);
    core.register("pager.pinned", new PinnedPager(), Pager.class);
    core.register("swapper", new SwapperServer(), Swapper.class);
    core.register("root", new RootServer(), Root.class);
    core.boot("root", Root.class);
    root = core.kernel().connect("root", Root.class);
  }

  /** The same with another monitor. */
  public static Rig with(String name, Server monitor, int processors, long poolBytes) {
    Rig rig = new Rig(processors, poolBytes, Map.of("server", name));
    rig.core.register(name, monitor, VirtualMachine.class);
    return rig;
  }

  /** Who replaces servers; root starts it a moment after itself. */
  public Swapper swapper() {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    while (true) {
      try {
        return core.kernel().connect("swapper", Swapper.class);
      } catch (CallFailed.BadRequest notYet) {
        if (System.nanoTime() - end > 0) {
          throw notYet;
        }
        Thread.onSpinWait();
      }
    }
  }

  /** Makes a machine. */
  public VirtualMachine machine(String name, Map<String, String> config) {
    Map<String, String> all = new HashMap<>(server);
    all.putAll(config);
    return root.create("vm/" + name, VirtualMachine.class, all);
  }

  /** The console of a machine. */
  public Console console(String name) {
    return core.kernel().connect("vm/" + name + "/console", Console.class);
  }

  /** Reads a console until it has printed a text since {@code position}; all of it since then. */
  public String await(Console console, long position, String text, long seconds) {
    StringBuilder seen = new StringBuilder();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    long at = position;
    while (seen.indexOf(text) < 0) {
      String more = console.output(at, 65_536, 200);
      at += more.length();
      seen.append(more);
      if (System.nanoTime() - end > 0) {
        throw new AssertionError(
            "no '"
                + text
                + "' within "
                + seconds
                + " s, but:\n"
                + seen
                + "\n"
                + String.join("\n", core.trace())
                + "\n"
                + core.threads());
      }
    }
    return seen.toString();
  }

  @Override
  public void close() {
    core.close();
  }
}
