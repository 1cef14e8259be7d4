package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.servers.Root;
import duality.servers.Supervisor;
import duality.servers.Swapper;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The small guest that is written for its monitor, in the system as it is delivered: monitor, back
 * halves and what is behind them are swapped while it works, and crash while it works.
 */
class XenIT {
  private static final long SECONDS = 120;
  private static final String VM = "vm/xen-it";

  @TempDir private Path folder = Path.of("");

  private final Root root = Services.service(Root.class);
  private final Swapper swapper = Services.service(Swapper.class);
  private final Supervisor supervisor = Services.service(Supervisor.class);

  /** Endpoints that its work goes through, and who serves there. */
  private static Map<String, String> servers() {
    Map<String, String> all = new LinkedHashMap<>();
    all.put(VM, "vmm.xen");
    all.put(VM + "/vbd0", "xen.blk");
    all.put(VM + "/vcon", "xen.console");
    all.put(VM + "/store0", "store.file");
    all.put(VM + "/pager", "pager.demand");
    all.put(VM + "/console", "console.host");
    return all;
  }

  private RunningMachine boot(Boot boot) throws IOException {
    Path disk = folder.resolve("disk");
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(1 << 20);
    }
    RunningMachine machine =
        new RunningMachine(
            root,
            "xen-it",
            boot,
            Map.of("server", "vmm.xen", "image", "nano-xen", "disk0", disk.toString()));
    machine.await(0, boot.readyLine() + "\r\n> ", SECONDS);
    return machine;
  }

  private void swap(String endpoint, String server) {
    Swapper.Swap swap = swapper.swap(endpoint, server);
    assertTrue(swap.done(), swap::toString);
  }

  /** Reads and writes its disk and takes memory, while something is done; all has to come right. */
  private static void during(RunningMachine guest, Runnable what) {
    long from = guest.console.position();
    String typed = "op copy 40\rtouch 70\r";
    assertEquals(typed.length(), guest.console.type(typed), "input taken");
    what.run();
    String said = guest.await(from, "all zero\r\n> ", SECONDS);
    String since = said.substring(Math.max(0, said.indexOf(typed.substring(0, 10)))); // its prompt
    assertTrue(
        since.matches(
            "op copy 40\r\ncopy: 40 times, [0-9]+ ns each\r\n> "
                + "touch 70\r\ntouched 70 pages, 70 faults, all zero\r\n> "),
        said);
  }

  /** What it reads from its disk, as a checksum. */
  private static String disk(RunningMachine guest) {
    String text = guest.command("get 8 4", "status 0", SECONDS);
    int from = text.lastIndexOf("get 8 4 = ");
    return text.substring(from, text.indexOf(':', from)); // its prompt may be there already, or not
  }

  private void crash(CrashingServers crashing, String endpoint, RunningMachine guest) {
    long before = repairs(endpoint);
    // Before there is work, which may be done before anybody could be armed.
    crashing.arm(endpoint);
    if (endpoint.endsWith("/console")) {
      touchConsole(guest);
    }
    during(
        guest,
        () -> guest.until(endpoint + " to crash", SECONDS, () -> !crashing.isArmed(endpoint)));
    guest.until("the repair of " + endpoint, SECONDS, () -> repairs(endpoint) > before);
  }

  /** A call that may meet the crash itself. */
  private static void touchConsole(RunningMachine guest) {
    try {
      long unused = guest.console.position();
    } catch (CallFailed.ServerFailed e) {
      assertTrue(String.valueOf(e.getMessage()).contains("on purpose"), e::toString);
    }
  }

  private long repairs(String endpoint) {
    return supervisor.log().stream()
        .filter(each -> each.endpoint().equals(endpoint))
        .filter(each -> each.outcome().contains("started from its state"))
        .count();
  }

  @Test
  void aGuestThatKnowsItsMonitorLosesNothingWhenAllBelowItIsSwappedAndCrashes() throws Exception {
    long free = root.balance().free();
    Map<String, String> servers = servers();
    try (CrashingServers crashing = new CrashingServers(List.copyOf(servers.values()));
        RunningMachine guest = boot(Services.boot("nano-xen"))) {
      guest.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
      guest.command("put 8 4 17", "status 0", SECONDS);
      String before = disk(guest);
      servers.forEach(
          (endpoint, server) -> {
            during(guest, () -> swap(endpoint, "crash." + server));
            crash(crashing, endpoint, guest);
            during(guest, () -> swap(endpoint, server));
            assertEquals(before, disk(guest), () -> "the disk after " + endpoint);
          });
      guest.command("gate on", "gate on", SECONDS);
      during(guest, () -> swap(VM, "crash.vmm.xen"));
      guest.command("op null 500", "null: 500 times", SECONDS);
      guest.command("balloon 300", "balloon 300: given away", SECONDS);
      during(guest, () -> swap(VM, "vmm.xen"));
      guest.command("balloon back", "balloon back: 300 pages, all zero", SECONDS);
      guest.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
      assertEquals(before, disk(guest), "the disk at the end");
      guest.command("off", "nano: off", SECONDS);
      guest.until("switched off", SECONDS, () -> guest.machine.report().state().equals("stopped"));
    }
    assertEquals(free, root.balance().free(), "all frames are back");
  }
}
