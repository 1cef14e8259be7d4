package duality.vmm.gdb;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.kernel.EndpointReport;
import duality.servers.Swapper;
import duality.vmm.GdbStub;
import duality.vmm.VirtualMachine;
import duality.vmm.machine.Rig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The remote serial protocol as a debugger meets it, with nano on the real core and engine. */
@Timeout(600)
class StubTest {
  private static final long SECONDS = 120;
  private static final int PC = 32;
  private static final int SATP = 65 + 0x180;
  private static final int PRIVILEGE = 65 + 4096;

  @TempDir private Path folder = Path.of("");

  private Rig rig;
  private VirtualMachine machine;
  private Console console;
  private GdbStub stub;
  private int port;

  @BeforeEach
  void boot() throws Exception {
    rig = new Rig(1, 256L << 20);
    rig.core.register("gdb", new GdbServer(), GdbStub.class);
    Path nano = folder.resolve("nano.elf");
    try (InputStream image = StubTest.class.getResourceAsStream("/nano/nano.elf")) {
      assertTrue(image != null, "nano.elf is on the class path");
      Files.copy(image, nano);
    }
    machine =
        rig.machine("a", Map.of("memory", "16777216", "kernel", nano.toString(), "agent", "false"));
    machine.start();
    console = rig.console("a");
    rig.await(console, 0, "nano: ready", SECONDS);
    stub = rig.root.create("gdb/a", GdbStub.class, Map.of("port", "0"));
    port = stub.serve(machine);
  }

  @AfterEach
  void end() {
    rig.close();
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

  @Test
  void registersAndMemoryAreReadAndWritten() throws IOException {
    try (Client gdb = new Client(port)) {
      assertEquals("T05thread:1;", gdb.ask("?"));
      assertEquals("paused", machine.report().state(), "it stands when a debugger attaches");
      assertTrue(gdb.ask("qSupported:hwbreak+").contains("qXfer:features:read+"));
      String xml = gdb.ask("qXfer:features:read:target.xml:0,4000");
      assertTrue(xml.startsWith("l<?xml") && xml.contains("name=\"satp\""), xml);
      assertFalse(xml.contains("mstatus"), "its firmware is the monitor's");
      String head = gdb.ask("qXfer:features:read:target.xml:0,10");
      assertEquals("m" + xml.substring(1, 17), head);
      String all = gdb.ask("g");
      assertEquals(33 * 16, all.length());
      long pc = gdb.register(PC);
      assertEquals(machine.registers(0).pc(), pc);
      assertEquals(machine.registers(0).csrs().get("satp"), gdb.register(SATP));
      assertEquals(1, gdb.register(PRIVILEGE));
      assertEquals("E01", gdb.ask("p7fff"));
      assertEquals("OK", gdb.ask("P1f=3412000000000000"));
      assertEquals(0x1234, gdb.register(31));
      assertEquals("OK", gdb.ask("G" + all));
      assertEquals(all, gdb.ask("g"));
      String code = gdb.ask("m" + Long.toHexString(pc) + ",4");
      assertEquals(8, code.length());
      String place = "80f00000";
      assertEquals("E01", gdb.ask("m7fff00000000,4"), "nothing is there");
      assertEquals("OK", gdb.ask("M" + place + ",3:0a0b0c"));
      assertEquals("0a0b0c00", gdb.ask("m" + place + ",4"));
      assertEquals("OK", gdb.ask("X" + place + ",2:}\3x"), "an escaped # and an x");
      assertEquals("23780c", gdb.ask("m" + place + ",3"));
      assertEquals("E01", gdb.ask("M10000000,1:00"), "a device");
      assertEquals("E01", gdb.ask("mxyz"));
      assertEquals("", gdb.ask("!"));
      assertEquals("m1", gdb.ask("qfThreadInfo"));
      assertEquals("OK", gdb.ask("D"));
      assertTrue(gdb.ended());
    }
    until("running");
    works();
  }

  @Test
  void whatMakesNoSenseIsAnErrorAndHarmsNothing() throws IOException {
    try (Client gdb = new Client(port)) {
      String all = gdb.ask("g");
      assertEquals("E01", gdb.ask("P1041=0200000000000000"), "no privilege");
      assertEquals("E01", gdb.ask("P1041=0300000000000000"), "M-mode is the monitor's");
      assertEquals(1, gdb.register(PRIVILEGE));
      for (String bad :
          List.of(
              "m",
              "m,",
              "m1",
              "m1,-5",
              "mfffffffffffffffff,1",
              "M1,2:3",
              "X1,2:",
              "P",
              "P1",
              "Pzz=1",
              "p",
              "Z",
              "Z0",
              "Z0,",
              "Z2,1,0",
              "Z2,1,2000",
              "H",
              "Hgx",
              "Hg7",
              "T",
              "T9",
              "vCont;",
              "vCont;x",
              "vCont;s:99",
              "vCont;r1:1",
              "qXfer:features:read:target.xml:",
              "qRcmd,zz",
              "qThreadExtraInfo,9")) {
        String answer = gdb.ask(bad);
        assertTrue(answer.isEmpty() || answer.equals("E01"), () -> bad + " is answered " + answer);
      }
      assertEquals("OK", gdb.ask("Hg1"));
      // A seeded heap of nonsense, with the frames right and wrong.
      Random random = new Random(7);
      for (int i = 0; i < 400; i++) {
        StringBuilder packet = new StringBuilder();
        packet.append("?gGpPmMXzZHTqQv!_\0\200".charAt(random.nextInt(19)));
        for (int j = random.nextInt(20); j > 0; j--) {
          packet.append("0123456789abcdef,;:=-.;x".charAt(random.nextInt(24)));
        }
        if (random.nextInt(8) == 0) {
          gdb.raw("#$" + packet + "$}#" + (char) random.nextInt(256) + 'z');
        } else {
          gdb.ask(packet.toString());
        }
      }
      assertEquals("OK", gdb.ask("Hg1"));
      for (String point : List.of("z0", "z1", "z2", "z3", "z4")) {
        gdb.ask(point + ",0,1");
      }
      assertEquals("OK", gdb.ask("G" + all));
      assertEquals("OK", gdb.ask("D"));
    }
    until("running");
    for (EndpointReport each : rig.core.endpoints()) {
      assertEquals(0, each.failures(), each.path());
      assertFalse(each.condition().startsWith("failed"), () -> "" + each);
    }
  }

  @Test
  void addressesArePhysicalWhenAskedFor() throws IOException {
    try (Client gdb = new Client(port)) {
      assertEquals("0", gdb.ask("qqemu.PhyMemMode"));
      assertEquals("OK", gdb.ask("M80f00000,2:a1b2"));
      assertEquals("OK", gdb.ask("Qqemu.PhyMemMode:1"));
      Swapper swapper = rig.core.kernel().connect("swapper", Swapper.class);
      assertEquals("done", swapper.swap("gdb/a", "gdb").outcome());
      assertEquals("1", gdb.ask("qqemu.PhyMemMode"));
      assertEquals("a1b2", gdb.ask("m80f00000,2"));
      assertEquals("OK", gdb.ask("M80f00000,2:c3d4"));
      assertEquals("E01", gdb.ask("m10000000,1"), "a device");
      assertEquals(hex("addresses are guest-physical\n"), gdb.ask("qRcmd," + hex("physical")));
      assertEquals(hex("addresses are virtual\n"), gdb.ask("qRcmd," + hex("physical off")));
      assertEquals("c3d4", gdb.ask("m80f00000,2"));
    }
    until("running");
  }

  private static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(US_ASCII));
  }

  @Test
  void itStopsStepsAndGoesOn() throws IOException {
    try (Client gdb = new Client(port)) {
      long pc = gdb.register(PC);
      String place = Long.toHexString(pc) + ",4";
      String before = gdb.ask("m" + place);
      assertEquals("OK", gdb.ask("Z0," + place));
      assertEquals(before, gdb.ask("m" + place), "nothing was written there");
      gdb.say("vCont;c");
      console.type("\r");
      assertEquals("T05thread:1;", gdb.hear());
      assertEquals(pc, gdb.register(PC));
      assertEquals("OK", gdb.ask("z0," + place));
      for (int i = 0; i < 20; i++) {
        assertEquals("T05thread:1;", gdb.ask(i % 2 == 0 ? "vCont;s:1;c" : "s"));
        assertNotEquals(0, gdb.register(PC));
      }
      gdb.say("vCont;c:-1");
      works();
      gdb.raw("\3");
      assertEquals("T02thread:1;", gdb.hear());
      assertEquals("paused", machine.report().state());
      gdb.say("c");
    }
    until("running");
    works();
  }

  @Test
  void aRangeIsSteppedThrough() throws IOException {
    try (Client gdb = new Client(port)) {
      long pc = gdb.register(PC);
      String first = Long.toHexString(pc);
      String last = Long.toHexString(pc + 2);
      assertEquals("T05thread:1;", gdb.ask("vCont;r" + first + "," + last + ":1"));
      assertNotEquals(pc, gdb.register(PC));
      gdb.say("vCont;r0,ffffffffffffffff:1"); // one that is never left
      gdb.raw("\3");
      assertEquals("T02thread:1;", gdb.hear());
    }
    until("running");
  }

  @Test
  void aDebuggerThatIsGoneLeavesNothing() throws IOException {
    Client gdb = new Client(port);
    long pc = gdb.register(PC);
    assertEquals("OK", gdb.ask("Z1," + Long.toHexString(pc) + ",2"));
    assertTrue(stub.report().attached());
    try (Client second = new Client(port)) {
      throw new AssertionError("a second debugger was let in: " + second);
    } catch (IOException | AssertionError sentAway) {
      assertFalse(String.valueOf(sentAway.getMessage()).contains("let in"), "" + sentAway);
    }
    gdb.close();
    until("running");
    works();
    try (Client again = new Client(port)) {
      assertEquals("T05thread:1;", again.ask("?"));
    }
    until("running");
  }

  @Test
  void swapsOfTheMonitorAndOfTheStubGoUnnoticed() throws IOException {
    Swapper swapper = rig.core.kernel().connect("swapper", Swapper.class);
    try (Client gdb = new Client(port)) {
      long pc = gdb.register(PC);
      String place = Long.toHexString(pc) + ",4";
      assertEquals("OK", gdb.ask("Z0," + place));
      for (int i = 1; i < 4; i++) {
        assertEquals("done", swapper.swap("gdb/a", "gdb").outcome());
        assertEquals(pc, gdb.register(PC));
        gdb.say("vCont;c");
        assertEquals("done", swapper.swap("vm/a", "vmm.machine").outcome());
        assertEquals("done", swapper.swap("gdb/a", "gdb").outcome());
        console.type("\r");
        assertEquals("T05thread:1;", gdb.hear());
        assertEquals(pc, gdb.register(PC));
      }
      assertEquals("OK", gdb.ask("z0," + place));
      assertEquals("OK", gdb.ask("D"));
    }
    until("running");
    works();
  }

  @Test
  void theEndOfTheMachineIsTold() throws IOException {
    try (Client gdb = new Client(port)) {
      gdb.say("c");
      console.type("off\r");
      assertEquals("W00", gdb.hear());
    }
    try (Client gdb = new Client(port)) {
      assertEquals("T05thread:1;", gdb.ask("?"));
      rig.root.remove("vm/a");
      gdb.say("g");
      assertTrue(gdb.ended());
    }
  }

  @Test
  void whereTheEndpointEndsItsPortIsClosed() throws IOException {
    try (Client gdb = new Client(port)) {
      assertEquals("paused", machine.report().state());
      rig.root.remove("gdb/a");
      assertTrue(gdb.ended());
    }
    until("running");
    assertThrows(IOException.class, () -> new Client(port));
    stub = rig.root.create("gdb/a", GdbStub.class, Map.of("port", Integer.toString(port)));
    assertEquals(port, stub.serve(machine), "the port can be had again");
    GdbStub other = rig.root.create("gdb/b", GdbStub.class, Map.of("port", "" + port));
    CallFailed refused = assertThrows(CallFailed.BadRequest.class, () -> other.serve(machine));
    assertTrue(refused.getMessage().contains("port " + port + " cannot be had"), "" + refused);
    assertThrows(CallFailed.BadRequest.class, () -> stub.serve(machine), "twice");
  }
}
