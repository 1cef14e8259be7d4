package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.vmm.VirtualMachine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Guests that do one thing as fast as they can and never end, all of them at once on two
 * processors: output, register accesses, interrupts, calls between harts, resets, disk requests,
 * timers. The host's memory stays as it is, each of them gets on, a guest beside them does so too,
 * and all can be taken away. Their source is {@code flood.S}. On demand, because it wants that no
 * server was found stuck, which a host under load of its own does not give.
 */
@Timeout(900)
@EnabledIfSystemProperty(named = "duality.flood", matches = "true")
class FloodTest {
  private static final int KINDS = 7;
  private static final int RESETS = 5;
  private static final int LOOK_MILLIS = 20;
  private static final long COUNT = 0x8010_0000L;
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(300);

  /** What the heap may grow by: a console keeps some output, and there are seven of them. */
  private static final long MOST_GROWTH = 32L << 20;

  @TempDir private Path folder = Path.of("");

  private VirtualMachine flood(Rig rig, int kind) throws Exception {
    Path kernel = GuestSource.build(folder, "flood", "0x80000000", "-Wa,--defsym,KIND=" + kind);
    Path own = Files.move(kernel, folder.resolve("flood-" + kind + ".elf"));
    Path disk = Files.write(folder.resolve("disk-" + kind), new byte[4096]);
    Map<String, String> config = new HashMap<>();
    config.put("memory", Long.toString(4 << 20));
    config.put("kernel", own.toString());
    config.put("firmware", "none");
    config.put("agent", "false");
    config.put("disk0", disk.toString());
    config.put("cpus", kind == 4 ? "2" : "1");
    VirtualMachine machine = rig.machine("f" + kind, config);
    machine.start();
    return machine;
  }

  /** What a guest has counted; of the one that resets itself, what it has printed. */
  private static long done(Rig rig, int kind) {
    if (kind == RESETS) {
      return rig.console("f" + kind).position();
    }
    VirtualMachine machine = rig.core.kernel().connect("vm/f" + kind, VirtualMachine.class);
    byte[] count = machine.read(VirtualMachine.PHYSICAL, COUNT, 8);
    return ByteBuffer.wrap(count).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  private static void awaitMore(Rig rig, int kind, long than) {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (done(rig, kind) <= than) {
      assertTrue(System.nanoTime() - end < 0, "guest " + kind + " does not get on any more");
      rig.console("f2").output(Long.MAX_VALUE, 1, LOOK_MILLIS); // a look stops the guest
    }
  }

  private static long used() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  @Test
  void allOfThemAtOnce() throws Exception {
    try (Rig rig = new Rig(2, 128L << 20)) {
      VirtualMachine[] machines = new VirtualMachine[KINDS + 1];
      for (int kind = 1; kind <= KINDS; kind++) {
        machines[kind] = flood(rig, kind);
      }
      for (int kind = 1; kind <= KINDS; kind++) {
        awaitMore(rig, kind, 0);
      }
      // Until all have done a lot more, and the console has dropped what nobody read.
      Console spammed = rig.console("f1");
      long before = used();
      long[] first = new long[KINDS + 1];
      for (int kind = 1; kind <= KINDS; kind++) {
        first[kind] = done(rig, kind);
      }
      long from = spammed.position();
      for (int kind = 1; kind <= KINDS; kind++) {
        awaitMore(rig, kind, first[kind] + (kind == RESETS ? 5 : 1_000));
      }
      long end = System.nanoTime() + PATIENCE_NANOS;
      while (spammed.position() < from + (1 << 20)) {
        assertTrue(System.nanoTime() - end < 0, "the console takes no more");
        spammed.output(Long.MAX_VALUE, 1, LOOK_MILLIS);
      }
      long growth = used() - before;
      assertTrue(growth < MOST_GROWTH, () -> "the heap has grown by " + growth + " bytes");
      for (int kind = 1; kind <= KINDS; kind++) {
        assertEquals("running", machines[kind].report().state(), "guest " + kind);
        machines[kind].pause();
        long still = done(rig, kind);
        machines[kind].resume();
        awaitMore(rig, kind, still);
      }
      for (int kind = 1; kind <= KINDS; kind++) {
        rig.root.remove("vm/f" + kind);
      }
      assertEquals(List.of(), rig.core.threads());
      assertEquals(List.of(), rig.core.spaces());
      assertEquals(List.of(), rig.core.failures(0));
      assertNotEquals(0, first[1]);
    }
  }
}
