package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.Boot;
import duality.servers.Root;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who trusts whom, in the system as it runs. */
class TrustIT {
  @TempDir Path folder;

  private static List<String> lines(@Nullable Object value) {
    return ((List<?>) Objects.requireNonNull(value)).stream().map(Object::toString).toList();
  }

  private static String servers(Gogo gogo) {
    try {
      return String.join("\n", lines(gogo.run("kernel:servers")));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aDialIsPutBeforeServersOfARunningGuestAndTakenAway() throws Exception {
    Boot boot = Services.boot("nano");
    try (Gogo gogo = new Gogo(folder);
        RunningMachine guest =
            new RunningMachine(Services.service(Root.class), "dial", boot, Map.of())) {
      guest.await(0, boot.readyLine(), 60);
      for (String endpoint : List.of("vm/dial/uart", "vm/dial/pager", "vm/dial", "scheduler")) {
        gogo.run("kernel:dial " + endpoint + " 10us");
        guest.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", 60);
      }
      gogo.run("kernel:dial vm/dial/uart hand-off");
      guest.command("touch 10", "touched 10 pages, 10 faults, all zero", 60);
      assertTrue(gogo.refused("kernel:dial vm/dial hand-off").contains("their own processor"));
      assertTrue(gogo.refused("kernel:dial vm/dial 1s").contains("at most"));
      for (String row : lines(gogo.run("kernel:dial"))) {
        assertTrue(!row.contains("calls=0]"), row);
      }
      for (String endpoint : List.of("vm/dial/uart", "vm/dial/pager", "vm/dial", "scheduler")) {
        gogo.run("kernel:dial " + endpoint + " off");
      }
      guest.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", 60);
      assertTrue(
          lines(gogo.run("kernel:endpoints")).stream().noneMatch(row -> row.contains("+dial")));
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (servers(gogo).contains("+dial")) { // a dial that serves nothing goes by itself
        assertTrue(System.nanoTime() - end < 0, () -> "dials stay known: " + servers(gogo));
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
    }
  }

  @Test
  void aGuestTrustsTheServersOfItsEndpointsAndNobodyElses() throws Exception {
    Boot boot = Services.boot("nano");
    try (Gogo gogo = new Gogo(folder);
        RunningMachine guest =
            new RunningMachine(Services.service(Root.class), "trust", boot, Map.of())) {
      guest.await(0, boot.readyLine(), 120);
      List<String> rows = lines(gogo.run("kernel:tcb vm/trust"));
      for (String part :
          List.of(
              "part=core, name=duality.kernel,",
              "part=server, name=duality.vmm.machine,",
              "part=server, name=duality.pager.demand,",
              "part=server, name=duality.processor.interpreter,",
              "part=authority, name=duality.swapper,",
              "part=weaver, name=duality.weaver,",
              "part=library, name=duality.vmm.board,",
              "part=library, name=org.apache.felix.scr,",
              "part=framework, name=org.apache.felix.framework",
              "part=JDK module, name=java.base,")) {
        assertTrue(
            rows.stream().anyMatch(row -> row.contains(part) && !row.contains("lines=0")),
            () -> part + " is missing in\n" + String.join("\n", rows));
      }
      for (String other :
          List.of("duality.personality.linux", "duality.store.file", "duality.it")) {
        assertTrue(
            // These tests are a client of root's, and so trusted with what they are given.
            rows.stream()
                .noneMatch(
                    row -> row.contains("name=" + other + ",") && !row.contains("part=client,")),
            () -> other + " serves nothing of it, and is in\n" + String.join("\n", rows));
      }
      List<String> dead = lines(gogo.run("kernel:liability vm/trust/pager"));
      assertEquals(1, dead.size());
      assertTrue(dead.getFirst().contains("stalls=vm/trust,"), dead::getFirst);
      List<String> all = lines(gogo.run("kernel:liability"));
      assertTrue(
          all.stream().anyMatch(row -> row.contains("dies=scheduler, stalls=, goesOn=vm/trust")),
          () -> String.join("\n", all));
    }
  }
}
