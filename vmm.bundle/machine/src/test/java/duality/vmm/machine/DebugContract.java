package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.kernel.processor.HartState;
import duality.kernel.processor.Memory;
import duality.servers.Swapper;
import duality.vmm.Step;
import duality.vmm.Stop;
import duality.vmm.StopPoint;
import duality.vmm.VirtualMachine;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What every machine monitor does for a debugger, with nano as its guest. */
@Timeout(600)
public abstract class DebugContract {
  private static final long LIMIT_SECONDS = 120;
  private static final int STEP_MILLIS = 2_000;

  @TempDir private Path folder = Path.of("");

  private Rig rig;
  private VirtualMachine machine;
  private Console console;

  /** The monitor under test. */
  protected abstract String server();

  /** The system with that monitor in it. */
  protected Rig rig(int processors, long poolBytes) {
    return new Rig(processors, poolBytes);
  }

  @BeforeEach
  void boot() throws Exception {
    rig = rig(1, 256L << 20);
    Path nano = folder.resolve("nano.elf");
    try (InputStream image = DebugContract.class.getResourceAsStream("/nano/nano.elf")) {
      assertTrue(image != null, "nano.elf is on the class path");
      Files.copy(image, nano);
    }
    machine =
        rig.machine("a", Map.of("memory", "16777216", "kernel", nano.toString(), "agent", "false"));
    machine.start();
    console = rig.console("a");
    rig.await(console, 0, "nano: ready", LIMIT_SECONDS);
  }

  @AfterEach
  void end() {
    rig.close();
  }

  private void works() {
    long from = console.position();
    console.type("sum 1000\r");
    rig.await(console, from, "sum 1000 = 0x9ac7455483036aca", LIMIT_SECONDS);
  }

  private Stop awaitStop(long after) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    Stop stop = machine.stopped();
    while (stop.number() == after || !stop.state().equals("paused")) {
      assertTrue(System.nanoTime() - end < 0, "never stopped: " + stop);
      console.output(Long.MAX_VALUE, 1, 5);
      stop = machine.stopped();
    }
    return stop;
  }

  private void awaitEnd() {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!machine.stopped().state().equals("stopped")) {
      assertTrue(System.nanoTime() - end < 0, "never ended: " + machine.stopped());
      console.output(Long.MAX_VALUE, 1, 5);
    }
  }

  private int word(long address) {
    byte[] bytes = machine.read(0, address, 4);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt();
  }

  /** Stops nano where it waits for a key, and comes by each time it gets one. */
  private long waits() {
    machine.pause();
    long pc = machine.registers(0).pc();
    machine.resume();
    return pc;
  }

  @Test
  void aHartThatRunsIsLookedAt() {
    HartState state = machine.registers(0);
    assertEquals(1, state.privilege());
    assertNotEquals(0, state.csrs().get("satp"), "nano has page tables");
    assertTrue(state.csrs().get("instret") == null, "by the names of M-mode");
    assertTrue(state.csrs().get("minstret") > 1000);
    assertEquals("running", machine.report().state());
    CallFailed refused =
        assertThrows(
            CallFailed.BadRequest.class, () -> machine.registers(machine.report().harts()));
    assertTrue(refused.getMessage().contains("there is no hart"), refused.getMessage());
    works();
  }

  @Test
  void memoryIsReadThroughPageTablesAndWritten() {
    long pc = machine.registers(0).pc();
    byte[] code = machine.read(0, pc, 64);
    assertEquals(64, code.length);
    byte[] same = machine.read(VirtualMachine.PHYSICAL, 0x8020_0000L, 1 << 16);
    assertTrue(
        ByteBuffer.wrap(same).compareTo(ByteBuffer.wrap(new byte[0])) > 0 && contains(same, code),
        "code that is executed lies in memory");
    assertEquals(0, machine.read(VirtualMachine.PHYSICAL, 0x1000_0000L, 8).length, "a device");
    assertEquals(0, machine.read(0, 0x7fff_0000_0000L, 8).length, "not mapped");
    long end = 0x8000_0000L + (16 << 20);
    assertEquals(10, machine.read(VirtualMachine.PHYSICAL, end - 10, 100).length, "up to the end");
    machine.write(VirtualMachine.PHYSICAL, end - 4098, new byte[] {1, 2, 3, 4});
    assertArrayEquals(
        new byte[] {0, 1, 2, 3, 4, 0}, machine.read(VirtualMachine.PHYSICAL, end - 4099, 6));
    assertThrows(
        CallFailed.BadRequest.class,
        () -> machine.write(VirtualMachine.PHYSICAL, end - 2, new byte[4]));
    assertArrayEquals(new byte[2], machine.read(VirtualMachine.PHYSICAL, end - 2, 2), "none of it");
    assertThrows(CallFailed.BadRequest.class, () -> machine.read(0, 0, (1 << 20) + 1));
    works();
  }

  private static boolean contains(byte[] all, byte[] part) {
    for (int i = 0; i + part.length <= all.length; i++) {
      if (Arrays.equals(all, i, i + part.length, part, 0, part.length)) {
        return true;
      }
    }
    return false;
  }

  @Test
  void itStopsWhereItWasToldAndGoesOn() {
    long pc = waits();
    machine.stopAt(List.of(new StopPoint(Memory.EXECUTE, pc, 1)));
    console.type("\r");
    Stop stop = awaitStop(0);
    assertEquals(new Stop("paused", 1, 0, "breakpoint", pc), stop);
    assertEquals(pc, machine.registers(0).pc());
    long up = machine.report().upNanos();
    long instructions = machine.report().instructions();
    for (int i = 0; i < 5; i++) {
      assertEquals("", console.output(Long.MAX_VALUE, 1, 20));
      rig.core.endpoint("vm/a").check();
    }
    assertEquals(up, machine.report().upNanos(), "guest time stands still");
    assertEquals(instructions, machine.report().instructions());
    machine.resume();
    assertEquals(pc, awaitStop(1).address(), "it is still there");
    machine.stopAt(List.of());
    machine.resume();
    works();
  }

  @Test
  void itStepsAndTellsWhatWasExecuted() {
    machine.pause();
    List<Step> first = machine.step(0, 1, false, 1_000);
    assertEquals(1, first.size());
    HartState state = machine.registers(0);
    machine.resume();
    works();
    machine.pause();
    console.type("sum 3\r");
    List<Step> steps = machine.step(0, 400, true, 2_000);
    assertEquals(400, steps.size());
    HartState now = machine.registers(0);
    long[] x = state.x();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      long next = i + 1 < steps.size() ? steps.get(i + 1).pc() : now.pc();
      for (int j = 0; j < step.changed().length; j += 2) {
        if (step.changed()[j] < 32) {
          x[(int) step.changed()[j]] = step.changed()[j + 1];
        }
      }
      int length = (step.word() & 3) == 3 ? 4 : 2;
      int opcode = step.word() & 127;
      boolean straight = length == 4 && (opcode == 0x13 || opcode == 0x03 || opcode == 0x33);
      if (straight && step.trap() == Step.NO_TRAP) {
        assertEquals(step.pc() + 4, next, () -> "behind " + step);
      }
      if (step.word() != 0 && length == 4) {
        assertEquals(step.word(), word(step.pc()));
      }
    }
    assertTrue(steps.stream().anyMatch(step -> step.trap() != Step.NO_TRAP), "the key's interrupt");
    machine.resume();
    works();
  }

  @Test
  void registersAreSetWhileItIsPaused() {
    HartState state = machine.registers(0);
    CallFailed refused =
        assertThrows(CallFailed.BadRequest.class, () -> machine.setRegisters(0, state));
    assertEquals("the machine is running, not paused", refused.getMessage());
    machine.pause();
    HartState there = machine.registers(0);
    long[] x = there.x();
    x[31] = 0x1234;
    machine.setRegisters(0, with(there, there.pc(), x));
    assertEquals(0x1234, machine.registers(0).x()[31]);
    assertEquals(there.csrs().get("satp"), machine.registers(0).csrs().get("satp"));
    machine.setRegisters(0, there);
    machine.resume();
    works();
  }

  private static HartState with(HartState state, long pc, long[] x) {
    return new HartState(
        state.mode(),
        state.firmware(),
        pc,
        state.privilege(),
        state.waiting(),
        x,
        state.f(),
        state.csrs(),
        state.timeOffsetNanos());
  }

  @Test
  void aWatchedWordStopsTheWriter() {
    machine.pause();
    long stack = machine.registers(0).x()[2];
    machine.stopAt(List.of(new StopPoint(Memory.READ | Memory.WRITE, stack - 64 & -64, 64)));
    machine.resume();
    console.type("sum 5\r");
    Stop stop = awaitStop(0);
    assertEquals("watchpoint", stop.why());
    assertTrue(stop.address() >= (stack - 64 & -64) - 7, () -> "" + stop);
    machine.stopAt(List.of());
    machine.resume();
    works();
  }

  @Test
  void aSwapOfTheMonitorChangesNothing() {
    long pc = waits();
    machine.stopAt(List.of(new StopPoint(Memory.EXECUTE, pc, 1)));
    Swapper swapper = rig.core.kernel().connect("swapper", Swapper.class);
    assertEquals("done", swapper.swap("vm/a", server()).outcome());
    console.type("\r");
    assertEquals(pc, awaitStop(0).address());
    assertEquals("done", swapper.swap("vm/a", server()).outcome());
    assertEquals(new Stop("paused", 1, 0, "breakpoint", pc), machine.stopped());
    assertEquals(pc, machine.registers(0).pc());
    machine.stopAt(List.of());
    assertEquals(1, machine.step(0, 1, false, 1_000).size());
    machine.resume();
    works();
  }

  @Test
  void aStepInWhichTheGuestEndsWaitsForNoOther() {
    // Once is enough: a busy host may be slow, but not each time.
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 5 && least > STEP_MILLIS; i++) {
      machine.start();
      machine.pause();
      HartState there = machine.registers(0);
      long[] x = there.x();
      x[10] = 0; // a shutdown
      x[11] = 0;
      x[16] = 0;
      x[17] = 0x5352_5354L;
      long pc = there.pc() + 4; // where it waits for a key it would wait on
      machine.setRegisters(0, with(there, pc, x));
      machine.write(0, pc, new byte[] {0x73, 0, 0, 0});
      long begun = System.nanoTime();
      assertTrue(machine.step(0, 2, false, STEP_MILLIS).size() < 2, "the call alone");
      least = Math.min(least, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun));
      awaitEnd();
    }
    assertTrue(least < STEP_MILLIS, "it waits for all of its time");
  }

  @Test
  void nonsenseIsRefused() {
    for (StopPoint bad :
        List.of(
            new StopPoint(0, 0, 1),
            new StopPoint(Memory.EXECUTE | Memory.READ, 0, 1),
            new StopPoint(Memory.EXECUTE, 0, 2),
            new StopPoint(Memory.WRITE, 0, 0),
            new StopPoint(8, 0, 1),
            new StopPoint(Memory.READ, -1, 2),
            new StopPoint(Memory.WRITE, Long.MAX_VALUE - 2, 8))) {
      assertThrows(CallFailed.BadRequest.class, () -> machine.stopAt(List.of(bad)), () -> "" + bad);
    }
    assertThrows(CallFailed.BadRequest.class, () -> machine.step(0, 1, false, 10), "it runs");
    machine.pause();
    assertThrows(CallFailed.BadRequest.class, () -> machine.step(0, 0, false, 10));
    assertThrows(CallFailed.BadRequest.class, () -> machine.step(1, 1, false, 10));
    machine.resume();
    works();
  }
}
