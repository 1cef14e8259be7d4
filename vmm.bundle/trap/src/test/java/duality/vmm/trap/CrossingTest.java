package duality.vmm.trap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.State;
import duality.vmm.VirtualMachine;
import duality.vmm.machine.Rig;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A running guest goes from one structure to the other and back, and does not notice. */
@Timeout(600)
class CrossingTest {
  private static final long SECONDS = 120;
  private static final String TRAP = "vmm.trap";
  private static final String MACHINE = "vmm.machine";
  private static final String SUM = "sum 30000000 = 0x68012a2547b034a3";

  @TempDir private Path folder = Path.of("");

  private Rig rig;
  private VirtualMachine machine;

  /** Where in the output of the console that sum is to come which the guest computes now. */
  private long busyFrom;

  @BeforeEach
  void boot() throws Exception {
    rig = new Rig(2, 256L << 20);
    rig.core.register(TRAP, new TrapServer(), VirtualMachine.class);
    Path nano = folder.resolve("nano.elf");
    try (InputStream image = CrossingTest.class.getResourceAsStream("/nano/nano.elf")) {
      assertTrue(image != null, "nano.elf is on the class path");
      Files.copy(image, nano);
    }
    machine =
        rig.machine(
            "a",
            Map.of(
                "memory",
                "16777216",
                "kernel",
                nano.toString(),
                "image",
                "nano",
                "agent",
                "false"));
    machine.start();
    rig.await(rig.console("a"), 0, "nano: ready", SECONDS);
  }

  @AfterEach
  void end() {
    rig.close();
  }

  private String command(String line, String answer) {
    long from = rig.console("a").position();
    rig.console("a").type(line + "\r");
    return rig.await(rig.console("a"), from, answer, SECONDS);
  }

  private void cross(String server) {
    swap("vm/a", server);
  }

  private void swap(String path, String server) {
    Kernel kernel = rig.core.kernel();
    Endpoint endpoint = kernel.endpoint(path);
    try (Kernel.Hold hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(5))) {
      State saved = endpoint.save();
      endpoint.open(server, saved).bind();
      assertTrue(hold.sinceNanos() != 0);
    }
  }

  /** Gives it the same sum again when it is done before this test is. */
  private void keepBusy() {
    String said = rig.console("a").output(busyFrom, 65_536, 0);
    if (said.contains(SUM)) {
      busyFrom += said.length();
      rig.console("a").type("sum 30000000\r");
    }
  }

  @Test
  void aRunningGuestCrossesFiftyTimesUnderLoad() {
    busyFrom = rig.console("a").position();
    rig.console("a").type("sum 30000000\r");
    for (int i = 0; i < 25; i++) {
      cross(TRAP);
      long before = machine.report().instructions();
      goesOn(before);
      cross(MACHINE);
      goesOn(machine.report().instructions());
      assertEquals("running", machine.report().state());
    }
    rig.await(rig.console("a"), busyFrom, SUM, 300);
    cross(TRAP);
    command("touch 100", "touched 100 pages, 100 faults, all zero");
    command("idle 3", "idle 3 ticks");
    cross(MACHINE);
    command("idle 3", "idle 3 ticks");
    command("touch 100", "touched 100 pages, 100 faults, all zero");
    command("sum 1000", "sum 1000 = 0x9ac7455483036aca");
    assertEquals(1, rig.core.spaces().size(), "shadows went with the monitor that needs them");
  }

  private void goesOn(long instructions) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (machine.report().instructions() <= instructions && System.nanoTime() - end < 0) {
      keepBusy();
      rig.console("a").output(Long.MAX_VALUE, 1, 1);
    }
    assertTrue(machine.report().instructions() > instructions, "it goes on");
  }

  @Test
  void aPausedGuestCrossesAsWell() {
    machine.pause();
    cross(TRAP);
    assertEquals("paused", machine.report().state());
    cross(MACHINE);
    cross(TRAP);
    machine.resume();
    command("sum 1000", "sum 1000 = 0x9ac7455483036aca");
    machine.pause();
    State there = rig.core.kernel().endpoint("vm/a").save();
    State hart = there.states("harts").getFirst();
    assertEquals("FULL", hart.text("mode"), "the same record, whoever writes it");
    cross(MACHINE);
    machine.resume();
    command("reboot", "nano: ready");
    cross(TRAP);
    command("off", "nano: off");
  }

  @Test
  void itsPagerIsReplacedWhileItsFaultsAreEmulated() {
    cross(TRAP);
    for (int i = 0; i < 20; i++) {
      long from = rig.console("a").position();
      rig.console("a").type("touch 60\r");
      swap("vm/a/pager", i % 2 == 0 ? "pager.pinned" : "pager.demand");
      rig.await(rig.console("a"), from, "touched 60 pages, 60 faults, all zero", SECONDS);
      if (i % 5 == 0) {
        cross(TRAP); // a new instance of the same monitor
      }
    }
    assertEquals(List.of(), rig.core.failures(0));
  }

  @Test
  void aGuestThatSleepsIsWokenByItsTimerOnTheOtherSide() {
    for (String server : List.of(TRAP, MACHINE, TRAP)) {
      long from = rig.console("a").position();
      rig.console("a").type("idle 20\r");
      cross(server);
      rig.await(rig.console("a"), from, "idle 20 ticks", SECONDS);
    }
  }
}
