package duality.vmm.machine;

import duality.clock.RtcServer;
import duality.console.host.HostConsoleServer;
import duality.drivers.Console;
import duality.finisher.FinisherServer;
import duality.kernel.Context;
import duality.kernel.Frame;
import duality.kernel.Instance;
import duality.kernel.Pager;
import duality.kernel.Router;
import duality.kernel.Scheduler;
import duality.kernel.Space;
import duality.kernel.State;
import duality.kernel.core.Core;
import duality.plic.PlicServer;
import duality.processor.interpreter.Interpreter;
import duality.scheduler.roundrobin.RoundRobinServer;
import duality.uart.UartServer;
import duality.vmm.GuestAgent;
import duality.vmm.VirtualMachine;
import duality.vmm.agent.AgentServer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A system on a plain class path: the core with real drivers and a real engine, and in place of
 * root and a pager the smallest ones that do.
 */
final class Rig implements AutoCloseable {
  /** Name of an endpoint without its number, and who serves it. */
  private static final Map<String, String> ROUTES =
      Map.ofEntries(
          Map.entry("plic", "plic"),
          Map.entry("uart", "uart"),
          Map.entry("console", "console.host"),
          Map.entry("hvc", "console.host"),
          Map.entry("agent-port", "console.host"),
          Map.entry("agent", "agent"),
          Map.entry("rtc", "rtc"),
          Map.entry("finisher", "finisher"),
          Map.entry("ports", "virtio.console"),
          Map.entry("blk", "virtio.blk"),
          Map.entry("store", "store.file"),
          Map.entry("pager", "pager.test"),
          Map.entry("scheduler", "scheduler.roundrobin"));

  final Core core;
  private long nextFrame;

  Rig(int processors, long poolBytes) {
    core = Core.start(processors, poolBytes);
    core.engine("interpreter", new Interpreter());
    core.register("plic", new PlicServer(), duality.drivers.InterruptController.class);
    core.register("uart", new UartServer(), duality.drivers.MmioDevice.class);
    core.register("rtc", new RtcServer(), duality.drivers.MmioDevice.class);
    core.register("finisher", new FinisherServer(), duality.drivers.MmioDevice.class);
    core.register("console.host", new HostConsoleServer(), Console.class);
    core.register("agent", new AgentServer(), GuestAgent.class);
    core.register("vmm.machine", new MachineServer(), VirtualMachine.class);
    core.register("scheduler.roundrobin", new RoundRobinServer(), Scheduler.class);
    core.register("pager.test", (context, saved) -> new TestPager(context), Pager.class);
    core.register("root.test", (context, saved) -> new TestRoot(), Router.class);
    core.boot("root.test", Router.class);
    core.kernel().create("scheduler", Scheduler.class, Map.of(), Map.of(), true);
  }

  /** Makes a machine. */
  VirtualMachine machine(String name, Map<String, String> config) {
    Map<String, String> all = new HashMap<>(config);
    all.put("server", "vmm.machine");
    return core.kernel().create("vm/" + name, VirtualMachine.class, all, Map.of(), false);
  }

  /** The console of a machine. */
  Console console(String name) {
    return core.kernel().connect("vm/" + name + "/console", Console.class);
  }

  /** Reads a console until it has printed a text since {@code position}; all of it since then. */
  String await(Console console, long position, String text, long seconds) {
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

  private static final class TestRoot implements Router, Instance {
    @Override
    public List<String> route(String path, String protocol) {
      String name = path.substring(path.lastIndexOf('/') + 1).replaceAll("[0-9]+$", "");
      return List.of(ROUTES.getOrDefault(name, name));
    }

    @Override
    public State save() {
      return State.of("root", 1);
    }
  }

  /** Gives each region a run of frames, each frame when it is touched. */
  private final class TestPager implements Pager, Instance {
    private final Context context;
    private final Map<Long, Frame> runs = new HashMap<>();
    private final Map<Long, Integer> rights = new HashMap<>();

    TestPager(Context context) {
      this.context = context;
    }

    @Override
    public void attach(int space, long page, long pages, int regionRights) {
      synchronized (Rig.this) {
        runs.put(page, core.kernel().allFrames().part(nextFrame, pages));
        rights.put(page, regionRights);
        nextFrame += pages;
      }
    }

    @Override
    public void detach(int space, long page, long pages) {
      Frame run = runs.remove(page);
      if (run != null) {
        run.reclaim(0, pages);
      }
    }

    @Override
    public boolean fault(int space, long page, int access) {
      for (Map.Entry<Long, Frame> run : runs.entrySet()) {
        long index = page - run.getKey();
        if (index >= 0 && index < run.getValue().count()) {
          Space target = context.slot("space", Space.class);
          target.map(page, run.getValue(), index, 1, rights.getOrDefault(run.getKey(), 0));
          return true;
        }
      }
      return false;
    }

    @Override
    public State save() {
      return State.of("pager", 1);
    }
  }
}
