package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.Boot;
import duality.servers.Personality;
import duality.servers.Root;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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

  @Test
  void aDiskIsSealedOverSwapsAndRestarts() throws Exception {
    Path disk = Files.write(folder.resolve("sealed"), new byte[1 << 20]);
    Root root = Services.service(Root.class);
    Boot boot = Services.boot("nano");
    Map<String, String> config = Map.of("disk0", disk.toString(), "store0", "store.sealed");
    try (Gogo gogo = new Gogo(folder);
        RunningMachine guest = new RunningMachine(root, "sealed", boot, config)) {
      guest.await(0, boot.readyLine(), 120);
      for (int i = 0; i < 6; i++) {
        guest.command("put " + 3 * i + " 4 77", "status 0", 60);
        gogo.run(
            "kernel:swap vm/sealed/"
                + List.of("store0", "store0/raw", "blk0").get(i % 3)
                + " "
                + List.of("store.sealed", "store.file", "virtio.blk").get(i % 3));
      }
      guest.command("flush", "flush: status 0", 60);
    }
    byte[] bytes = Files.readAllBytes(disk);
    Path seal = folder.resolve("sealed.seal");
    assertTrue(Files.size(seal) > 100, "the root is here");
    try (RunningMachine guest = new RunningMachine(root, "sealed", boot, config)) {
      guest.await(0, boot.readyLine(), 120);
      guest.command("get 3 4", "status 0", 60);
    }
    // Whatever lies where the blocks are, it is not what was written.
    Arrays.fill(bytes, (byte) 7);
    Files.write(disk, bytes);
    try (RunningMachine guest = new RunningMachine(root, "sealed", boot, config)) {
      guest.await(0, boot.readyLine(), 120);
      guest.command("get 3 4", "status 1", 60);
    }
  }

  @Test
  void aGuestOfAnyStructureIsSeenToNeedAllThatIsBelowItAlsoWhenGarbageWasCollected()
      throws Exception {
    Root root = Services.service(Root.class);
    Path disk = Files.write(folder.resolve("disk"), new byte[1 << 20]);
    for (String monitor : List.of("vmm.machine", "vmm.trap", "vmm.xen")) {
      Boot boot = Services.boot(monitor.equals("vmm.xen") ? "nano-xen" : "nano");
      try (Gogo gogo = new Gogo(folder);
          RunningMachine guest =
              new RunningMachine(
                  root, "need", boot, Map.of("server", monitor, "disk0", disk.toString()))) {
        guest.await(0, boot.readyLine(), 120);
        everyPartIsNeeded(gogo, "vm/need");
      }
    }
    try (Gogo gogo = new Gogo(folder)) {
      root.create(
          "task/need",
          Personality.class,
          Map.of(
              "server",
              "personality.rc4000",
              "file",
              "systems",
              "args",
              Personality.list(List.of("rounds"))));
      try {
        everyPartIsNeeded(gogo, "task/need");
      } finally {
        root.remove("task/need");
      }
    }
  }

  /** What is dropped is collected first: a server that holds what it needs does not care. */
  private static void everyPartIsNeeded(Gogo gogo, String guest) throws Exception {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    List<String> rows = lines(gogo.run("kernel:liability"));
    List<String> parts = rows.stream().filter(row -> row.contains("[dies=" + guest)).toList();
    assertTrue(parts.size() >= 3, () -> guest + " has no parts: " + rows);
    for (String row : parts) {
      assertTrue(row.contains("stalls=" + guest + ","), row);
    }
  }
}
