package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.ServerReport;
import duality.kernel.State;
import duality.processor.interpreter.Interpreter;
import duality.servers.Swapper;
import duality.vmm.MachineReport;
import duality.vmm.VirtualMachine;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Machines of several harts: what they do to each other, and what becomes of them in a swap. */
@Timeout(600)
class HartsTest {
  private static final long SECONDS = 300;
  private static final String MONITOR = "vmm.machine";

  @TempDir private Path folder = Path.of("");

  private Map<String, String> config(int cpus, Path kernel, String firmware) {
    return Map.of(
        "kernel",
        kernel.toString(),
        "firmware",
        firmware,
        "memory",
        "16777216",
        "cpus",
        Integer.toString(cpus),
        "agent",
        "false");
  }

  private static void awaitStop(Rig rig, VirtualMachine machine) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (machine.report().state().equals("running") && System.nanoTime() - end < 0) {
      rig.console("a").output(Long.MAX_VALUE, 1, 10);
    }
    assertEquals("stopped", machine.report().state());
  }

  @Test
  void callsOfOneHartReachTheOther() throws Exception {
    Path kernel = GuestSource.build(folder, "harts-guest", "0x80200000");
    try (Rig rig = new Rig(2, 64L << 20)) {
      VirtualMachine machine = rig.machine("a", config(2, kernel, ""));
      machine.start();
      String printed = rig.await(rig.console("a"), 0, "E", SECONDS);
      assertEquals("SAIFVHZE", printed, () -> "" + rig.core.threads());
      awaitStop(rig, machine);
      machine.start(); // once more: the second hart is stopped again
      assertEquals("SAIFVHZE", rig.await(rig.console("a"), printed.length(), "E", SECONDS));
    }
  }

  @Test
  void allHartsBeginAtTheResetVectorInMachineMode() throws Exception {
    Path kernel = GuestSource.build(folder, "harts-count", "0x80000000", "-DHARTS=4");
    try (Rig rig = new Rig(2, 64L << 20)) {
      VirtualMachine machine = rig.machine("a", config(4, kernel, "none"));
      machine.start();
      // Each hart says its number when the one before it has, called by the core-local interruptor.
      assertEquals("0123.", rig.await(rig.console("a"), 0, ".", SECONDS));
      MachineReport report = machine.report();
      assertEquals(4, report.harts());
      assertEquals(4, rig.core.threads().size());
    }
  }

  /** Its harts do rounds in which all take part, and the first one says dots meanwhile. */
  private VirtualMachine counting(Rig rig, int cpus) throws Exception {
    Path kernel = GuestSource.build(folder, "harts-count", "0x80000000", "-DHARTS=" + cpus);
    VirtualMachine machine = rig.machine("a", config(cpus, kernel, "none"));
    machine.start();
    rig.await(rig.console("a"), 0, "....", SECONDS);
    return machine;
  }

  private static State replaced(Rig rig) {
    Kernel kernel = rig.core.kernel();
    Endpoint endpoint = kernel.endpoint("vm/a");
    try (Kernel.Hold _ = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(20))) {
      State saved = endpoint.save();
      endpoint.open(MONITOR, saved).bind();
      return saved;
    }
  }

  private static void goesOn(Rig rig) {
    long from = rig.console("a").position();
    rig.await(rig.console("a"), from, "..", SECONDS);
  }

  @Test
  void theMonitorIsReplacedUnderThreeHarts() throws Exception {
    try (Rig rig = new Rig(2, 64L << 20)) {
      VirtualMachine machine = counting(rig, 3);
      for (int i = 0; i < 5; i++) {
        State saved = replaced(rig);
        assertEquals(List.of(), saved.states("harts"), "the harts go on meanwhile");
        assertEquals(7, saved.number("started"));
        goesOn(rig);
      }
      machine.pause();
      State paused = replaced(rig);
      assertEquals(3, paused.states("harts").size());
      for (int i = 0; i < 3; i++) {
        assertEquals(i, paused.states("harts").get(i).state("csrs").number("mhartid"));
      }
      long position = rig.console("a").position();
      long instructions = machine.report().instructions();
      assertEquals(instructions, machine.report().instructions(), "all harts stand still");
      assertEquals(position, rig.console("a").position());
      machine.resume();
      goesOn(rig);
    }
  }

  /** Fences, calls, starts and stops between two harts that go from engine to engine. */
  @Test
  void theEngineIsReplacedUnderHartsThatReachEachOther() throws Exception {
    Path kernel = GuestSource.build(folder, "harts-guest", "0x80200000");
    try (Rig rig = new Rig(2, 64L << 20)) {
      rig.core.engine("other", new Interpreter());
      Swapper swapper = rig.swapper();
      VirtualMachine machine = rig.machine("a", config(2, kernel, ""));
      machine.start();
      String printed = "";
      int swaps = 0;
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (!printed.contains("E") && System.nanoTime() - end < 0) {
        if (swaps < 40) { // on a slow host the harts would do little else than move
          String engine = swaps++ % 2 == 0 ? "other" : "interpreter";
          assertEquals("done", swapper.swap("engine", engine).outcome());
        }
        printed += rig.console("a").output(printed.length(), 64, 10);
      }
      assertEquals("SAIFVHZE", printed, () -> "" + rig.core.threads());
      awaitStop(rig, machine);
    }
  }

  @Test
  void theEngineIsReplacedUnderFourHarts() throws Exception {
    try (Rig rig = new Rig(2, 64L << 20)) {
      rig.core.engine("other", new Interpreter());
      Swapper swapper = rig.swapper();
      VirtualMachine machine = counting(rig, 4);
      for (int i = 0; i < 6; i++) {
        String engine = i % 2 == 0 ? "other" : "interpreter";
        assertEquals("done", swapper.swap("engine", engine).outcome());
        for (ServerReport each : rig.core.servers()) {
          if (each.protocols().equals(List.of("Engine"))) {
            int harts = each.name().equals(engine) ? 4 : 0;
            assertEquals(harts, each.endpoints().size(), () -> "" + each);
          }
        }
        goesOn(rig);
      }
      assertEquals("running", machine.report().state());
    }
  }

  @Test
  void aStateOfOtherHartsIsRefused() throws Exception {
    try (Rig rig = new Rig(2, 64L << 20)) {
      VirtualMachine machine = counting(rig, 2);
      machine.pause();
      State good = replaced(rig);
      Endpoint endpoint = rig.core.kernel().endpoint("vm/a");
      for (State bad :
          List.of(
              good.with("started", 4),
              good.with("started", -1),
              good.with("harts", good.states("harts").subList(0, 1)),
              good.with("kept", good.states("harts").subList(0, 1)),
              good.with("config", good.state("config").with("cpus", "3")))) {
        CallFailed refused =
            assertThrows(CallFailed.class, () -> endpoint.open(MONITOR, bad), () -> "" + bad);
        assertTrue(refused.getMessage().contains("Refused"), refused.getMessage());
      }
      machine.resume();
      goesOn(rig);
    }
  }

  /** What version 1 wrote: one hart, and nothing of who is started. */
  @Test
  void aStateOfTheTimeOfOneHartIsTaken() throws Exception {
    try (Rig rig = new Rig(2, 64L << 20)) {
      VirtualMachine machine = counting(rig, 1);
      machine.pause();
      State now = replaced(rig);
      State old = State.of("machine", 1);
      for (Map.Entry<String, Object> each : now.values().entrySet()) {
        if (!each.getKey().equals("started")) {
          old = old.with(each.getKey(), each.getValue());
        }
      }
      State config = State.of("config", 1);
      for (Map.Entry<String, Object> each : now.state("config").values().entrySet()) {
        if (!each.getKey().equals("cpus")) {
          config = config.with(each.getKey(), each.getValue());
        }
      }
      Kernel kernel = rig.core.kernel();
      Endpoint endpoint = kernel.endpoint("vm/a");
      try (Kernel.Hold _ = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(20))) {
        endpoint.open(MONITOR, old.with("config", config)).bind();
      }
      machine.resume();
      goesOn(rig);
    }
  }
}
