package duality.vmm.gdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.kernel.processor.HartState;
import duality.processor.interpreter.Interpreter;
import duality.servers.Swapper;
import duality.vmm.GdbStub;
import duality.vmm.VirtualMachine;
import duality.vmm.machine.GuestSource;
import duality.vmm.machine.Rig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What {@code gdb-multiarch} itself makes of the stub, with machines of one hart and of several.
 */
@Timeout(600)
class RealGdbTest {
  private static final long SECONDS = 120;
  private static final long HIGH = 0xffffffc000000000L;

  @TempDir private Path folder = Path.of("");

  private Rig rig;
  private VirtualMachine machine;
  private Console console;
  private int port;

  @BeforeEach
  void begin() {
    rig = new Rig(2, 256L << 20);
    rig.core.register("gdb", new GdbServer(), GdbStub.class);
  }

  @AfterEach
  void end() {
    rig.close();
  }

  private void machine(int harts, Path kernel) {
    Map<String, String> config = new HashMap<>();
    config.put("memory", "16777216");
    config.put("kernel", kernel.toString());
    config.put("agent", "false");
    config.put("cpus", Integer.toString(harts));
    machine = rig.machine("a", config);
    machine.start();
    console = rig.console("a");
    port = rig.root.create("gdb/a", GdbStub.class, Map.of("port", "0")).serve(machine);
  }

  /** With nano, at its prompt. */
  private void nano() throws IOException {
    Path nano = folder.resolve("nano.elf");
    try (InputStream image = RealGdbTest.class.getResourceAsStream("/nano/nano.elf")) {
      assertTrue(image != null, "nano.elf is on the class path");
      Files.copy(image, nano);
    }
    machine(1, nano);
    rig.await(console, 0, "nano: ready", SECONDS);
  }

  /** With a guest that counts on all harts, and has begun to. */
  private Path counters(int harts) throws Exception {
    Path elf =
        GuestSource.build(folder, RealGdbTest.class, "counters", "0x80200000", "-DHARTS=" + harts);
    machine(harts, elf);
    return elf;
  }

  private void attach(RealGdb gdb) throws IOException {
    String said = gdb.ask("target remote localhost:" + port);
    assertTrue(said.contains("Remote debugging using"), said);
    assertFalse(said.contains("target description"), said);
    assertEquals("paused", machine.report().state());
  }

  private void works() {
    long from = console.position();
    console.type("sum 1000\r");
    rig.await(console, from, "sum 1000 = 0x9ac7455483036aca", SECONDS);
  }

  private void until(String state) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (!machine.report().state().equals(state)) {
      assertTrue(System.nanoTime() - end < 0, "never " + state + ": " + machine.report());
      console.output(Long.MAX_VALUE, 1, 5);
    }
  }

  private static void has(String text, String part) {
    assertTrue(text.contains(part), () -> "no '" + part + "' in: " + text);
  }

  /** Goes on until somebody says Ctrl-C; answers what gdb says to that. */
  private String interrupted(RealGdb gdb) throws Exception {
    gdb.say("continue");
    until("running");
    gdb.interrupt();
    return gdb.answer("Ctrl-C");
  }

  @Test
  void registersAndMemoryOfOneHart() throws Exception {
    nano();
    try (RealGdb gdb = new RealGdb()) {
      attach(gdb);
      has(gdb.ask("info threads"), "Thread 1 \"hart 0\" (S-mode");
      long pc = machine.registers(0).pc();
      assertEquals(pc, gdb.value("$pc"));
      assertEquals(machine.registers(0).x()[2], gdb.value("$sp"));
      assertEquals(machine.registers(0).csrs().get("satp"), gdb.value("$satp"));
      assertEquals(machine.registers(0).csrs().get("stvec"), gdb.value("$stvec"));
      assertEquals(1, gdb.value("$priv"));
      has(gdb.ask("info registers sstatus"), "sstatus");
      String all = gdb.ask("info all-registers");
      has(all, "ft11");
      has(all, "fcsr");
      has(all, "stimecmp");
      assertFalse(all.contains("mstatus"), "its firmware is the monitor's");
      HartState there = machine.registers(0);
      gdb.ask("set $t6 = 0x1234");
      gdb.ask("set $ft3 = 1.5");
      gdb.ask("set $sscratch = 77");
      assertEquals(0x1234, machine.registers(0).x()[31]);
      assertEquals(Double.doubleToRawLongBits(1.5), machine.registers(0).f()[3]);
      assertEquals(77, machine.registers(0).csrs().get("sscratch"));
      machine.setRegisters(0, there);
      has(gdb.ask("x/3i $pc"), "=> 0x" + Long.toHexString(pc));
      gdb.ask("set {long}0x80f00000 = 0x1122334455667788");
      has(gdb.ask("x/gx 0x80f00000"), "0x1122334455667788");
      has(gdb.ask("x/gx 0x7fff00000000"), "Cannot access memory");
      // nano does not map its devices where its heap begins: physical addresses are asked for.
      has(gdb.ask("monitor physical on"), "guest-physical");
      has(gdb.ask("x/gx 0x80f00000"), "0x1122334455667788");
      has(gdb.ask("maintenance packet qqemu.PhyMemMode"), "\"1\"");
      has(gdb.ask("monitor physical off"), "virtual");
      has(gdb.ask("monitor nonsense"), "there is no 'nonsense'");
      has(gdb.ask("monitor harts"), "hart0 started");
      has(gdb.ask("detach"), "detached");
    }
    until("running");
    works();
  }

  @Test
  void oneHartStopsStepsAndGoesOn() throws Exception {
    nano();
    try (RealGdb gdb = new RealGdb()) {
      attach(gdb);
      long pc = gdb.value("$pc");
      for (String kind : new String[] {"break", "hbreak"}) {
        gdb.ask(kind + " *0x" + Long.toHexString(pc));
        gdb.say("continue");
        console.type("\r");
        has(gdb.answer("continue"), "Breakpoint");
        assertEquals(pc, gdb.value("$pc"));
        gdb.ask("delete");
      }
      long before = executed(0);
      gdb.ask("stepi");
      assertNotEquals(pc, gdb.value("$pc"));
      assertEquals(1, executed(0) - before);
      gdb.ask("stepi 20");
      assertEquals(21, executed(0) - before);
      has(interrupted(gdb), "SIGINT");
      assertEquals("paused", machine.report().state());
      long stack = gdb.value("$sp");
      gdb.ask("watch *(long *)0x" + Long.toHexString(stack - 32 & -8));
      gdb.say("continue");
      console.type("sum 5\r");
      has(gdb.answer("continue to the watchpoint"), "New value = ");
      gdb.ask("delete");
      has(gdb.ask("kill"), "killed");
      until("running");
      works();
      attach(gdb); // the same gdb again
      gdb.kill();
    }
    until("running");
    works();
    try (RealGdb gdb = new RealGdb()) {
      attach(gdb);
      try (RealGdb second = new RealGdb()) {
        String refused = second.ask("target remote localhost:" + port);
        assertFalse(refused.contains("0x"), refused);
      }
      gdb.say("continue");
      until("running");
      console.type("off\r");
      has(gdb.answer("continue to the end"), "exited normally");
    }
  }

  @Test
  void eachHartIsAThread() throws Exception {
    Path elf = counters(4);
    try (RealGdb gdb = new RealGdb(elf.toString())) {
      attach(gdb);
      long counters = gdb.value("&counters");
      while (allStarted() < 4) {
        has(interrupted(gdb), "SIGINT");
      }
      String threads = gdb.ask("info threads");
      for (int i = 0; i < 4; i++) {
        has(threads, "Thread " + (i + 1) + " \"hart " + i + "\" (S-mode");
        gdb.ask("thread " + (i + 1));
        assertEquals(i, gdb.value("$s0"));
        assertEquals(counters + 8L * i + HIGH, gdb.value("$s1"), "of hart " + i);
        assertEquals(machine.registers(i).pc(), gdb.value("$pc"));
        String low = gdb.ask("x/gx 0x40200000"); // in its own page tables
        has(low, i == 0 ? "0x40200000:" : "Cannot access memory");
        assertTrue(gdb.value("*(long *)$s1") > 0);
      }
      // A breakpoint that all harts come by: whoever it was, gdb is there.
      gdb.ask("break store");
      for (int i = 0; i < 8; i++) {
        has(gdb.ask("continue"), "hit Breakpoint");
        assertEquals(gdb.value("&store"), gdb.value("$pc"));
        assertEquals(gdb.value("$s0") + 1, Long.parseLong(gdb.ask("output $_thread")));
      }
      gdb.ask("delete");
      // One that hart 2 alone meets.
      gdb.ask("hbreak twice if $s0 == 2");
      has(gdb.ask("continue"), "Thread 3");
      gdb.ask("delete");
      // A step is of that thread alone.
      gdb.ask("thread 2");
      long own = executed(1);
      long others = executed(0) + executed(2) + executed(3);
      gdb.ask("stepi 5");
      assertEquals(5, executed(1) - own);
      assertEquals(others, executed(0) + executed(2) + executed(3));
      has(gdb.ask("thread"), "Current thread is 2");
      // Nor does another hart go on where one is to go alone.
      gdb.ask("set scheduler-locking on");
      gdb.ask("break twice");
      own = executed(1);
      has(gdb.ask("continue"), "hit Breakpoint");
      assertTrue(executed(1) - own > 0 && executed(1) - own <= 6, () -> "" + executed(1));
      assertEquals(others, executed(0) + executed(2) + executed(3));
      gdb.ask("delete");
      gdb.ask("set scheduler-locking off");
      // The word of hart 3 is written by hart 3.
      gdb.ask("watch *(long *)0x" + Long.toHexString(counters + 24 + HIGH));
      String watched = gdb.ask("continue");
      has(watched, "New value = ");
      assertEquals(3, gdb.value("$s0"), watched);
      // So is one that hart 2 comes by in steps.
      gdb.ask("delete");
      gdb.ask("thread 3");
      gdb.ask("watch *(long *)$s1");
      has(gdb.ask("stepi 10"), "New value = ");
      gdb.ask("delete");
      long old = gdb.value("*(long *)0x" + Long.toHexString(counters + 8));
      gdb.ask("set {long}0x" + Long.toHexString(counters + 8) + " = 0x1000000000000");
      has(interrupted(gdb), "SIGINT");
      assertTrue(gdb.value("*(long *)0x" + Long.toHexString(counters + 8)) != old);
      gdb.ask("detach");
    }
    until("running");
  }

  private long executed(int hart) {
    return machine.registers(hart).csrs().getOrDefault("minstret", 0L);
  }

  private long allStarted() {
    return machine.report().hartStates().lines().filter(each -> each.contains(" started")).count();
  }

  @Test
  void whatIsUnderTheMachineIsReplacedWhileGdbWaits() throws Exception {
    Path elf = counters(2);
    rig.core.engine("other", new Interpreter());
    Swapper swapper = rig.swapper();
    String[][] swaps = {
      {"engine", "other"},
      {"vm/a", "vmm.machine"},
      {"gdb/a", "gdb"},
      {"vm/a/plic", "plic"},
      {"scheduler", "scheduler.roundrobin"},
      {"engine", "interpreter"},
    };
    try (RealGdb gdb = new RealGdb(elf.toString())) {
      attach(gdb);
      for (String[] swap : swaps) {
        String what = String.join(" to ", swap);
        // It stands:
        long pc = gdb.value("$pc");
        assertEquals("done", swapper.swap(swap[0], swap[1]).outcome(), what);
        assertEquals(pc, gdb.value("$pc"), what);
        // It goes:
        gdb.say("continue");
        until("running");
        assertEquals("done", swapper.swap(swap[0], swap[1]).outcome(), what);
        gdb.interrupt();
        has(gdb.answer(what), "SIGINT");
        gdb.ask("break twice");
        has(gdb.ask("continue"), "Breakpoint");
        assertEquals(gdb.value("&twice"), gdb.value("$pc"), what);
        gdb.ask("delete");
      }
      gdb.ask("detach");
    }
    until("running");
  }
}
