package duality.vmm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.Console;
import duality.kernel.CallFailed;
import duality.kernel.Endpoint;
import duality.kernel.Kernel;
import duality.kernel.KernelThread;
import duality.kernel.State;
import duality.kernel.processor.HartMode;
import duality.vmm.MachineReport;
import duality.vmm.VirtualMachine;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every machine monitor keeps: a machine's life, with nano as its guest, on the real core,
 * drivers and interpreter.
 */
@Timeout(600)
public abstract class MachineContract {
  private static final long MEMORY = 16L << 20;
  private static final long LIMIT_SECONDS = 120;

  @TempDir private Path folder = Path.of("");

  private Rig rig;
  private Path nano;

  /** The monitor under test. */
  protected abstract String server();

  /** The system with that monitor in it. */
  protected Rig rig(int processors, long poolBytes) {
    return new Rig(processors, poolBytes);
  }

  @BeforeEach
  void assemble() throws Exception {
    rig = rig(1, 256L << 20);
    nano = folder.resolve("nano.elf");
    try (InputStream image = MachineContract.class.getResourceAsStream("/nano/nano.elf")) {
      assertTrue(image != null, "nano.elf is on the class path");
      Files.copy(image, nano);
    }
  }

  @AfterEach
  void end() {
    rig.close();
  }

  private Map<String, String> config() {
    return Map.of(
        "memory",
        Long.toString(MEMORY),
        "kernel",
        nano.toString(),
        "agent",
        "false",
        "image",
        "nano");
  }

  private VirtualMachine booted(String name) {
    VirtualMachine machine = rig.machine(name, config());
    machine.start();
    rig.await(rig.console(name), 0, "nano: ready", LIMIT_SECONDS);
    return machine;
  }

  private String command(String name, String line, String answer) {
    Console console = rig.console(name);
    long from = console.position();
    console.type(line + "\r");
    return rig.await(console, from, answer, LIMIT_SECONDS);
  }

  /**
   * Waits for a machine to get there, without a clock of its own: the console's wait is the pace.
   */
  private MachineReport await(VirtualMachine machine, String name, String state) {
    return eventually(
        name + " is " + state,
        () -> {
          MachineReport report = machine.report();
          return report.state().startsWith(state) ? report : null;
        },
        name);
  }

  private <T> T eventually(String what, Supplier<T> condition, String name) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (System.nanoTime() - end < 0) {
      T found = condition.get();
      if (found != null) {
        return found;
      }
      rig.console(name).output(Long.MAX_VALUE, 1, 10);
    }
    throw new AssertionError("never: " + what);
  }

  /** Each program compares what it finds in its memory, and ends badly when that is wrong. */
  @Test
  void processesOfAGuestForkExecuteAndTalkThroughPipes() {
    VirtualMachine machine = booted("a");
    for (int i = 0; i < 2; i++) {
      command("a", "op fork 30", "fork: 30 times");
      command("a", "op exec 30", "exec: 30 times");
      command("a", "op pipe 60", "pipe: 60 times");
      command("a", "op switch 20", "switch: 20 times");
      command("a", "op null 20", "null: 20 times");
    }
    command("a", "touch 40", "touched 40 pages, 40 faults, all zero");
    assertEquals("running", machine.report().state());
  }

  @Test
  void nanoBootsComputesAndSwitchesItselfOff() {
    VirtualMachine machine = rig.machine("a", config());
    assertEquals("created", machine.report().state());
    machine.start();
    machine.start(); // has no effect
    String banner = rig.await(rig.console("a"), 0, "nano: ready", LIMIT_SECONDS);
    assertTrue(banner.contains("RV64 hart 0, timer by stimecmp, 10000000 ticks"), banner);
    assertTrue(banner.contains("sbi: version 2.0, TIME SRST DBCN"), banner);
    assertTrue(banner.contains("memory: 16 MiB at 0x80000000"), banner);
    command("a", "sum 1000", "sum 1000 = 0x9ac7455483036aca");
    command("a", "touch 100", "touched 100 pages, 100 faults, all zero");
    command("a", "idle 2", "idle 2 ticks");
    MachineReport report = machine.report();
    assertEquals("running", report.state());
    assertEquals("a", report.name());
    assertEquals("nano", report.image());
    assertEquals(MEMORY, report.memoryBytes());
    assertTrue(report.residentBytes() > 100 * 4096 && report.residentBytes() < MEMORY / 4);
    assertTrue(report.instructions() > 10_000 && report.cpuNanos() > 0 && report.upNanos() > 0);
    assertTrue(report.devices().contains("uart 0x10000000 interrupt 10 at vm/a/uart"));
    command("a", "off", "nano: off");
    MachineReport stopped = await(machine, "a", "stopped");
    assertEquals(stopped.upNanos(), machine.report().upNanos(), "time stands when it is off");
  }

  @Test
  void pausedTimeDoesNotExistForTheGuest() {
    VirtualMachine machine = booted("a");
    long asked = System.nanoTime();
    long before = guestNanos();
    machine.pause();
    machine.pause(); // has no effect
    MachineReport paused = machine.report();
    assertEquals("paused", paused.state());
    long begun = System.nanoTime();
    for (int i = 0; i < 4; i++) {
      assertEquals("", rig.console("a").output(Long.MAX_VALUE, 1, 100));
    }
    assertEquals(paused.upNanos(), machine.report().upNanos(), "time stands still");
    assertEquals(paused.instructions(), machine.report().instructions(), "the hart stands still");
    long stood = System.nanoTime() - begun;
    machine.resume();
    machine.resume(); // has no effect
    long after = guestNanos();
    long total = System.nanoTime() - asked;
    assertTrue(stood >= 400_000_000L, "the pause was one");
    assertTrue(
        after - before <= total - stood + TimeUnit.MILLISECONDS.toNanos(1),
        "guest time went on by "
            + (after - before)
            + " ns, of which at most "
            + (total - stood)
            + " ns were not paused");
    assertTrue(after > before);
  }

  /** Guest time since power-on, as the guest sees it. */
  private long guestNanos() {
    String answer = command("a", "time", "wall");
    return Long.parseLong(answer.replaceAll("(?s).* ticks, ([0-9]+) ns, .*", "$1"));
  }

  @Test
  void resetBootsAgainWithFreshMemory() {
    VirtualMachine machine = booted("a");
    command("a", "touch 500", "touched 500 pages");
    long before = machine.report().residentBytes();
    command("a", "reboot", "nano: ready");
    assertEquals("running", machine.report().state());
    assertTrue(machine.report().residentBytes() < before - 400 * 4096, "memory went back");
    command("a", "touch 500", "touched 500 pages, 500 faults, all zero");
  }

  @Test
  void aFailingGuestIsReportedAndCanBeStartedAgain() {
    VirtualMachine machine = booted("a");
    command("a", "crash", "nano: halted");
    assertEquals("failed: the guest reported failure 1", await(machine, "a", "failed").state());
    machine.resume(); // has no effect
    machine.stop(); // has no effect
    assertTrue(machine.report().state().startsWith("failed"));
    long from = rig.console("a").position();
    machine.start();
    rig.await(rig.console("a"), from, "nano: ready", LIMIT_SECONDS);
    machine.stop();
    assertEquals("stopped", machine.report().state());
  }

  @Test
  void whatCannotBeLoadedIsRefusedAndCanBePutRight() throws Exception {
    Path kernel = folder.resolve("kernel");
    Map<String, String> config = new HashMap<>(config());
    config.put("kernel", kernel.toString());
    VirtualMachine machine = rig.machine("a", config);
    assertTrue(
        assertThrows(CallFailed.BadRequest.class, machine::start)
            .getMessage()
            .contains(kernel.toString()));
    Files.write(kernel, new byte[1000]);
    assertTrue(
        assertThrows(CallFailed.BadRequest.class, machine::start)
            .getMessage()
            .contains("neither a RISC-V Linux Image nor an ELF"));
    assertEquals("created", machine.report().state());
    Files.copy(nano, kernel, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    machine.start();
    rig.await(rig.console("a"), 0, "nano: ready", LIMIT_SECONDS);
  }

  @Test
  void aMachineThatCannotBeAssembledLeavesNothingBehind() throws Exception {
    for (Map<String, String> bad :
        List.of(
            Map.of("memory", "lots"),
            Map.of("engine", "steam"),
            Map.of("disk0", folder.resolve("absent.img").toString()))) {
      Map<String, String> config = new HashMap<>(config());
      config.putAll(bad);
      CallFailed refused = assertThrows(CallFailed.class, () -> rig.machine("a", config));
      String value = bad.values().iterator().next();
      assertTrue(refused.getMessage().contains(value), refused.getMessage());
      assertTrue(
          rig.core.endpoints().stream().noneMatch(each -> each.path().startsWith("vm/")),
          () -> "" + rig.core.endpoints());
      assertEquals(0, rig.core.spaces().size() + rig.core.threads().size(), "spaces and threads");
    }
    booted("a");
  }

  @Test
  void aGuestWithoutCodeEndsTheMachineAndNothingElse() throws Exception {
    Path kernel = folder.resolve("kernel");
    byte[] image = Files.readAllBytes(nano);
    java.util.Arrays.fill(image, 0x1000, image.length, (byte) 0); // illegal instructions only
    Files.write(kernel, image);
    Map<String, String> config = new HashMap<>(config());
    config.put("kernel", kernel.toString());
    VirtualMachine broken = rig.machine("b", config);
    broken.start();
    String why = await(broken, "b", "failed").state();
    assertTrue(why.contains("hart stopped by cause"), why);
    booted("a");
  }

  // ---- its check ----

  private void look(int times) {
    for (int i = 0; i < times; i++) {
      rig.core.endpoint("vm/a").check();
    }
  }

  @Test
  void aMachineIsSoundInEachOfItsConditions() {
    VirtualMachine machine = rig.machine("a", config());
    look(5);
    machine.start();
    rig.await(rig.console("a"), 0, "nano: ready", LIMIT_SECONDS);
    look(5);
    machine.pause();
    look(5);
    replaced("vm/a");
    look(5);
    machine.resume();
    look(5);
    command("a", "idle 2", "idle 2 ticks");
    machine.stop();
    look(5);
    assertEquals("open", rig.core.endpoint("vm/a").report().condition());
  }

  /** The hart of a machine, as another server of its endpoint would find it. */
  private KernelThread hartOf(String path) {
    AtomicReference<KernelThread> found = new AtomicReference<>();
    rig.core.register(
        "thief",
        (context, saved) -> {
          found.set(
              context.thread(
                  "hart0",
                  HartMode.FULL,
                  context.space("memory"),
                  context.self(VirtualMachine.class),
                  ""));
          throw new CallFailed.BadRequest("that is all");
        },
        VirtualMachine.class);
    assertThrows(CallFailed.class, () -> rig.core.endpoint(path).open("thief", null));
    return found.get();
  }

  @Test
  void aHartThatDoesNotDoWhatTheMachineSaysIsFound() {
    booted("a");
    look(1);
    hartOf("vm/a").suspend(); // behind its monitor's back
    look(3); // it may be on its way
    CallFailed found = assertThrows(CallFailed.ServerFailed.class, () -> look(1));
    assertTrue(String.valueOf(found.getMessage()).contains("its hart is suspended"), "" + found);
  }

  // ---- replacing the monitor ----

  /** What the swapper does: hold, save, open the next one with that, bind, release. */
  private State replaced(String path) {
    Kernel kernel = rig.core.kernel();
    Endpoint endpoint = kernel.endpoint(path);
    try (Kernel.Hold hold = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(5))) {
      State saved = endpoint.save();
      endpoint.open(server(), saved).bind();
      assertTrue(hold.sinceNanos() != 0);
      return saved;
    }
  }

  @Test
  void theMonitorIsReplacedUnderARunningGuest() {
    VirtualMachine machine = booted("a");
    rig.console("a").type("sum 500000\r");
    for (int i = 0; i < 5; i++) {
      long up = machine.report().upNanos();
      State saved = replaced("vm/a");
      assertEquals(0, saved.states("harts").size(), "the hart goes on meanwhile");
      assertEquals("running", machine.report().state());
      assertTrue(machine.report().upNanos() >= up, "guest time goes on");
    }
    rig.await(rig.console("a"), 0, "sum 500000 = ", LIMIT_SECONDS);
    command("a", "sum 1000", "sum 1000 = 0x9ac7455483036aca");
    command("a", "reboot", "nano: ready");
    replaced("vm/a");
    command("a", "off", "nano: off");
    await(machine, "a", "stopped");
  }

  @Test
  void aPausedMachineIsSavedWhollyAndComesBackElsewhere() {
    VirtualMachine machine = booted("a");
    machine.pause();
    State saved = replaced("vm/a");
    assertEquals(1, saved.states("harts").size());
    assertEquals("paused", machine.report().state());
    assertEquals(plain(saved), plain(replaced("vm/a")), "saving twice says the same");

    VirtualMachine other = rig.machine("b", config());
    Kernel kernel = rig.core.kernel();
    Endpoint endpoint = kernel.endpoint("vm/b");
    try (Kernel.Hold _ = kernel.hold(List.of(endpoint), TimeUnit.SECONDS.toNanos(5))) {
      endpoint.open(server(), saved).bind();
    }
    assertEquals("paused", other.report().state());
    State again = endpoint.save();
    assertEquals(plain(saved), plain(again), "save, restore elsewhere, save");
    assertFalse(other.report().upNanos() == 0);

    machine.resume();
    command("a", "sum 1000", "sum 1000 = 0x9ac7455483036aca");
  }

  /** A state as text, without the arrays' identities. */
  private static String plain(State state) {
    StringBuilder text = new StringBuilder(state.schema()).append(state.version()).append('{');
    state
        .values()
        .forEach(
            (name, value) -> {
              String shown =
                  switch (value) {
                    case State inner -> plain(inner);
                    case List<?> list -> list.stream().map(e -> plain((State) e)).toList() + "";
                    case long[] numbers -> java.util.Arrays.toString(numbers);
                    default -> value.toString();
                  };
              text.append(name).append('=').append(shown).append('\n');
            });
    return text.append('}').toString();
  }

  @Test
  void statesThatCannotBeAreRefusedAndTheOldMonitorServesOn() {
    VirtualMachine machine = booted("a");
    machine.pause();
    Endpoint endpoint = rig.core.kernel().endpoint("vm/a");
    State good = replaced("vm/a");
    State hart = good.states("harts").getFirst();
    for (State bad :
        List.of(
            State.of("machine", 3),
            State.of("router", 1),
            good.with("condition", "FLYING"),
            good.with("condition", 3),
            good.with("guestNanos", -1),
            good.with("harts", List.of()),
            good.with("harts", List.of(hart, hart)),
            good.with("harts", List.of(hart.with("privilege", 2))),
            good.with("harts", List.of(hart.with("x", new long[31]))),
            good.with("harts", List.of(hart.with("mode", "USER"))),
            good.with("config", State.of("config", 1).with("memory", "1")))) {
      CallFailed refused =
          assertThrows(CallFailed.class, () -> endpoint.open(server(), bad), () -> "" + bad);
      assertTrue(refused.getMessage().contains("Refused"), refused.getMessage());
    }
    machine.resume();
    command("a", "sum 1000", "sum 1000 = 0x9ac7455483036aca");
  }

  @Test
  void removingTheMachineRemovesAllThatIsBelowIt() {
    booted("a");
    rig.root.remove("vm/a");
    assertTrue(
        rig.core.endpoints().stream().noneMatch(each -> each.path().startsWith("vm/a")),
        () -> "" + rig.core.endpoints());
    assertTrue(rig.core.threads().isEmpty(), () -> "" + rig.core.threads());
    assertTrue(rig.core.spaces().isEmpty(), () -> "" + rig.core.spaces());
    booted("a");
  }
}
