package duality.personality.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import duality.console.host.HostConsoleServer;
import duality.drivers.Console;
import duality.drivers.Store;
import duality.kernel.Context;
import duality.kernel.Instance;
import duality.kernel.Pager;
import duality.kernel.Scheduler;
import duality.kernel.State;
import duality.kernel.core.Core;
import duality.pager.demand.DemandPager;
import duality.pager.pinned.PinnedPager;
import duality.processor.interpreter.Interpreter;
import duality.root.RootServer;
import duality.scheduler.fair.FairServer;
import duality.scheduler.roundrobin.RoundRobinServer;
import duality.servers.Personality;
import duality.servers.Root;
import duality.servers.Swapper;
import duality.servers.TaskReport;
import duality.store.file.FileStoreServer;
import duality.swapper.SwapperServer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A whole system without OSGi: core, interpreter, root, scheduler, pagers, console, personality.
 */
final class TestSystem implements AutoCloseable {
  final Core core;
  final Root root;
  private final long freeAtStart;
  private Context probed;

  TestSystem() {
    this(2);
  }

  TestSystem(int processors) {
    core = Core.start(processors, 256 << 20, 20);
    core.engine("interpreter", new Interpreter());
    core.register("scheduler.roundrobin", new RoundRobinServer(), Scheduler.class);
    core.register("scheduler.fair", new FairServer(), Scheduler.class);
    core.register("pager.demand", new DemandPager(), Pager.class);
    core.register("pager.pinned", new PinnedPager(), Pager.class);
    core.register("console.host", new HostConsoleServer(), Console.class);
    core.register("store.file", new FileStoreServer(), Store.class);
    core.register("swapper", new SwapperServer(), Swapper.class);
    core.register("personality.linux", new PersonalityServer(), Personality.class);
    core.register("personality.next", new PersonalityServer(), Personality.class);
    core.register("probe", (context, saved) -> new Probe(probed = context), Personality.class);
    core.register("root", new RootServer(), Root.class);
    core.boot("root", Root.class);
    root = core.kernel().connect("root", Root.class);
    freeAtStart = root.balance().free();
    awaitSwapper();
  }

  /** Root starts the first servers on a worker of its own; the swapper is the last of them. */
  private void awaitSwapper() {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (core.endpoints().stream()
        .noneMatch(each -> each.path().equals("swapper") && each.condition().equals("open"))) {
      assertTrue(System.nanoTime() < deadline, () -> "root starts no swapper: " + core.trace());
      Thread.onSpinWait();
    }
  }

  /** A task of a file that exists. */
  Personality task(String name, Path file, String... arguments) {
    return task(name, file, Map.of("args", Personality.list(List.of(arguments))));
  }

  Personality task(String name, Path file, Map<String, String> config) {
    Map<String, String> all = new HashMap<>(config);
    all.put("file", file.toString());
    return root.create("task/" + name, Personality.class, all);
  }

  /** Starts a task and waits for its end. */
  static TaskReport run(Personality task) {
    task.start();
    return awaitEnd(task);
  }

  static TaskReport awaitEnd(Personality task) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(200);
    TaskReport report = task.await(1000);
    while (!report.ended()) {
      if (System.nanoTime() - deadline > 0) {
        fail("it did not end within 200 s: " + report);
      }
      report = task.await(1000);
    }
    return report;
  }

  /** All that a task has printed. */
  String output(String name) {
    Console console = core.kernel().connect("task/" + name + "/console", Console.class);
    return console.output(0, 1 << 20, 0);
  }

  /** A context of an endpoint like a task's, for tests of parts. */
  Context context() {
    root.create("task/probe", Personality.class, Map.of("server", "probe"));
    return probed;
  }

  /** The context of {@link #context} again. */
  Context probed() {
    return probed;
  }

  /** Nothing is left of tasks: no frame, space, thread, endpoint. */
  void assertNothingLeaks() {
    assertEquals(List.of(), core.spaces(), "spaces");
    assertEquals(List.of(), core.threads(), "threads");
    assertEquals(
        List.of(),
        core.endpoints().stream().map(e -> e.path()).filter(p -> p.startsWith("task")).toList());
    assertEquals(freeAtStart, root.balance().free(), "frames: " + root.balance());
  }

  @Override
  public void close() {
    core.close();
  }

  private record Probe(Context context) implements Personality, Instance {
    @Override
    public State save() {
      return State.of("probe", 1);
    }

    @Override
    public void start() {}

    @Override
    public void stop() {}

    @Override
    public TaskReport report() {
      throw new UnsupportedOperationException();
    }

    @Override
    public TaskReport await(long timeoutMillis) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int trap(int thread, int cause, long value) {
      return SUSPEND;
    }

    @Override
    public long load(int thread, long address, int width) {
      return 0;
    }

    @Override
    public void store(int thread, long address, int width, long value) {}
  }
}
