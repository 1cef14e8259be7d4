package duality.personality.rc4000;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import duality.console.host.HostConsoleServer;
import duality.drivers.Console;
import duality.kernel.Pager;
import duality.kernel.Scheduler;
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
import duality.swapper.SwapperServer;
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
    core.register("swapper", new SwapperServer(), Swapper.class);
    core.register("personality.rc4000", new NucleusServer(), Personality.class);
    core.register("personality.next", new NucleusServer(), Personality.class);
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

  /** A task that shows what its words say. */
  Personality task(String name, String words, Map<String, String> config) {
    Map<String, String> all = new HashMap<>(config);
    all.put("server", "personality.rc4000");
    all.putIfAbsent("file", "systems");
    all.put("args", Personality.list(List.of(words.split(" "))));
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
}
