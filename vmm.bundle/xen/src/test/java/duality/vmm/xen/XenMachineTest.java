package duality.vmm.xen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.vmm.VirtualMachine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The ported nano on its monitor, with the real core, back halves, stores and engine. */
@Timeout(600)
class XenMachineTest {
  @TempDir private Path folder = Path.of("");
  private XenRig xen;

  @BeforeEach
  void assemble() {
    xen = new XenRig(folder);
  }

  @AfterEach
  void end() {
    xen.close();
  }

  private String command(String line, String answer) {
    return xen.command("a", line, answer);
  }

  @Test
  void thePortedKernelBootsComputesAndTakesPageFaults() throws Exception {
    xen.booted("a", Map.of());
    command("sum 1000", "sum 1000 = 0x9ac7455483036aca");
    command("touch 100", "touched 100 pages, 100 faults, all zero");
    command("idle 3", "idle 3 ticks");
    assertTrue(xen.rig.core.failures(0).isEmpty(), () -> "" + xen.rig.core.failures(0));
  }

  @Test
  void programsCallTheirKernelThroughTheMonitorOrThroughTheGate() throws Exception {
    VirtualMachine machine = xen.booted("a", Map.of());
    command("op null 500", "null: 500 times");
    command("op switch 100", "switch: 100 times");
    assertTrue(calls(machine) >= 600, machine.report().overhead());
    long before = calls(machine);
    command("gate on", "gate on");
    command("op null 500", "null: 500 times");
    command("op switch 100", "switch: 100 times");
    assertEquals(before, calls(machine), "none of them came to the monitor");
    command("gate off", "gate off");
    command("op null 5", "null: 5 times");
    assertEquals(before + 6, calls(machine), "five, and the one that ends the program");
  }

  /** Tables are copied, changed for copies on writing, and given back, in lists of any length. */
  @Test
  void processesOfThePortedKernelForkExecuteAndTalkThroughPipes() throws Exception {
    VirtualMachine machine = xen.booted("a", Map.of());
    command("op fork 3", "fork: 3 times");
    int pinned = xen.domain().pages.allPinned().length;
    for (int batch : new int[] {1, 7, 512}) {
      command("batch " + batch, "batch " + batch);
      for (String gate : List.of("on", "off")) {
        command("gate " + gate, "gate " + gate);
        command("op fork 20", "fork: 20 times");
        command("op exec 20", "exec: 20 times");
        command("op pipe 40", "pipe: 40 times");
      }
    }
    machine.pause();
    assertEquals(pinned, xen.domain().pages.allPinned().length, "tables of processes that ended");
    new Recount(xen.domain()).verify();
    machine.resume();
    command("touch 40", "touched 40 pages, 40 faults, all zero");
    assertEquals(List.of(), xen.rig.core.failures(0));
  }

  private static long calls(VirtualMachine machine) {
    return machine
        .report()
        .overhead()
        .lines()
        .filter(line -> line.startsWith("system calls"))
        .mapToLong(line -> Long.parseLong(line.replaceAll(".*: ([0-9]+),.*", "$1")))
        .findFirst()
        .orElse(0);
  }

  /** What was read, as a checksum; a prompt may stand behind it, or not yet. */
  private static String sum(String answer) {
    int from = answer.lastIndexOf("get 8 16 = ");
    return answer.substring(from, answer.indexOf(':', from));
  }

  @Test
  void theDiskIsReadAndWrittenThroughTheRing() throws Exception {
    Path disk = folder.resolve("disk");
    Files.write(disk, new byte[256 * 512]);
    xen.booted("a", Map.of("disk0", disk.toString()));
    command("disk", "disk 256 sectors");
    String empty = sum(command("get 8 16", "status 0"));
    command("put 8 16 77", "status 0");
    command("flush", "flush: status 0");
    String full = sum(command("get 8 16", "status 0"));
    assertTrue(!empty.equals(full), full);
    byte[] bytes = Files.readAllBytes(disk);
    long x = 77 * 0x5851f42d4c957f2dL + 0x14057b7ef767814fL;
    for (int i = 0; i < 8; i++) {
      assertEquals((byte) (x >>> 8 * i), bytes[8 * 512 + i], "byte " + i);
    }
    command("op read 20", "read: 20 times");
    command("op write 20", "write: 20 times");
    command("put 250 6 1", "status 0");
    command("get 192 64", "status 0");
  }

  @Test
  void itEndsAsAMachineDoes() throws Exception {
    VirtualMachine machine = xen.booted("a", Map.of());
    command("touch 500", "touched 500 pages");
    command("reboot", "nano: ready");
    command("touch 500", "touched 500 pages, 500 faults, all zero");
    long from = xen.rig.console("a").position();
    command("off", "nano: off");
    await(machine, "stopped");
    machine.start();
    xen.rig.await(xen.rig.console("a"), from, "nano: ready", XenRig.SECONDS);
    command("crash", "nano: halted");
    await(machine, "failed");
    assertEquals("failed: the guest reported failure 1", machine.report().state());
    xen.rig.root.remove("vm/a");
    assertTrue(xen.rig.core.threads().isEmpty(), () -> "" + xen.rig.core.threads());
    assertTrue(xen.rig.core.spaces().isEmpty(), () -> "" + xen.rig.core.spaces());
    assertEquals(List.of(), xen.rig.core.failures(0));
  }

  private void await(VirtualMachine machine, String state) {
    long end = System.nanoTime() + XenRig.SECONDS * 1_000_000_000;
    while (!machine.report().state().startsWith(state) && System.nanoTime() - end < 0) {
      xen.rig.console("a").output(Long.MAX_VALUE, 1, 10);
    }
    assertTrue(machine.report().state().startsWith(state), machine.report().state());
  }
}
