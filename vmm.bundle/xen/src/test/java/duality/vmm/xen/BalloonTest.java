package duality.vmm.xen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.vmm.VirtualMachine;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory that the guest gives away is somebody else's, and comes back as new. */
@Timeout(600)
class BalloonTest {
  private static final int PAGES = 1_000;

  /** Pages that the kernel may have touched meanwhile for itself. */
  private static final int FEW = 16;

  @TempDir private Path folder = Path.of("");
  private XenRig xen;
  private VirtualMachine machine;

  @BeforeEach
  void boot() throws Exception {
    xen = new XenRig(folder);
    machine = xen.booted("a", Map.of());
  }

  @AfterEach
  void end() {
    xen.close();
  }

  private String command(String line, String answer) {
    return xen.command("a", line, answer);
  }

  private void resident(long bytes) {
    long end = System.nanoTime() + XenRig.SECONDS * 1_000_000_000;
    while (machine.report().residentBytes() < bytes && System.nanoTime() - end < 0) {
      xen.rig.console("a").output(Long.MAX_VALUE, 1, 10);
    }
    assertEquals(bytes, machine.report().residentBytes());
  }

  @ParameterizedTest
  @ValueSource(strings = {"pager.demand", "pager.pinned"})
  void whatIsGivenAwayLeavesTheMachineAndComesBackZero(String pager) {
    xen.replace("vm/a/pager", pager);
    if (pager.equals("pager.pinned")) {
      resident(16L << 20); // a worker of its own fills what was missing
    }
    // Once, so that all of them have been there; then what goes can be seen.
    command("balloon " + PAGES, "balloon " + PAGES + ": given away");
    command("balloon back", "balloon back: " + PAGES + " pages, all zero");
    long resident = machine.report().residentBytes();
    command("balloon " + PAGES, "balloon " + PAGES + ": given away");
    long less = resident - machine.report().residentBytes();
    assertTrue(less >= (PAGES - FEW) * 4096L, () -> "only " + less + " bytes left the machine");
    machine.pause();
    Domain domain = xen.domain();
    assertEquals(PAGES, domain.pages.givenCount());
    for (long page : domain.pages.allGiven()) {
      assertEquals(-1, domain.memory.space().frameAt(page), () -> "frame behind page " + page);
    }
    xen.replace("vm/a", "vmm.xen");
    machine.resume();
    xen.replace("vm/a/pager", pager);
    command("balloon 10", "balloon 10: given away");
    command("touch 200", "touched 200 pages, 200 faults, all zero");
    command("balloon back", "balloon back: " + (PAGES + 10) + " pages, all zero");
    command("balloon back", "balloon back: 0 pages, all zero");
    command("balloon 99999999", "balloon: 99999999 pages cannot be given away");
    command("op fault 2000", "fault: 2000 times");
    command("sum 1000", "sum 1000 = 0x9ac7455483036aca");
    machine.pause();
    new Recount(xen.domain()).verify();
    assertEquals(List.of(), xen.rig.core.failures(0));
  }

  @Test
  void anotherGuestCanHaveWhatOneHasGivenAway() throws Exception {
    command("op fault 2000", "fault: 2000 times");
    command("balloon 1200", "balloon 1200: given away");
    command("balloon back", "balloon back: 1200 pages, all zero");
    long least = xen.rig.root.balance().free();
    command("balloon 1200", "balloon 1200: given away");
    long most = xen.rig.root.balance().free();
    assertTrue(most > least, () -> "free frames of root: " + least + ", then " + most);
    xen.neighbour("b");
    xen.command("b", "touch 1000", "touched 1000 pages, 1000 faults, all zero");
    command("balloon back", "balloon back: 1200 pages, all zero");
  }
}
