package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.MmioDevice;
import duality.guests.Boot;
import duality.kernel.CallFailed;
import duality.kernel.Instance;
import duality.kernel.Observation;
import duality.kernel.Scheduler;
import duality.kernel.Server;
import duality.kernel.State;
import duality.kernel.ThreadReport;
import duality.servers.Root;
import duality.servers.Supervisor;
import duality.servers.Swapper;
import duality.vmm.GuestAgent;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;

/**
 * A server of each kind throws an exception under a guest: the service is there again without
 * anybody's doing, the guest goes on, and another guest that does not use the server notices
 * nothing.
 */
class RecoveryIT {
  private static final long SECONDS = 120;
  private static final String CRASH = "crashes on purpose";
  private static final String DISK_SUM = "get 8 4 = 0x";

  @TempDir Path folder;

  private final Root root = Services.service(Root.class);
  private final Swapper swapper = Services.service(Swapper.class);
  private final Supervisor supervisor = Services.service(Supervisor.class);
  private final Observation kernel = Services.service(Observation.class);

  /** What is crashed, and what has somebody go into it. */
  private record Victim(String endpoint, String server, Runnable use) {}

  private RunningMachine nano(String name, Boot boot) throws IOException {
    Path disk = folder.resolve(name);
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(1 << 20);
    }
    RunningMachine machine =
        new RunningMachine(
            root, name, boot, Map.of("disk0", disk.toString(), "agent", "true", "image", "nano"));
    machine.await(0, boot.readyLine(), SECONDS);
    return machine;
  }

  /** A call that may meet the crash itself. */
  private static Runnable call(Runnable call) {
    return () -> {
      try {
        call.run();
      } catch (CallFailed.ServerFailed e) {
        // That was the one that broke it.
      }
    };
  }

  private void swap(String endpoint, String server) {
    Swapper.Swap swap = swapper.swap(endpoint, server);
    assertTrue(swap.done(), swap::toString);
  }

  private List<Victim> victims(String vm, RunningMachine machine) {
    List<Victim> all = new ArrayList<>();
    all.add(new Victim(vm + "/uart", "uart", () -> machine.command("echo uart", "uart", SECONDS)));
    all.add(new Victim(vm + "/plic", "plic", () -> machine.command("echo plic", "plic", SECONDS)));
    all.add(new Victim(vm + "/rtc", "rtc", () -> machine.command("time", "wall", SECONDS)));
    all.add(
        new Victim(
            vm + "/pager", "pager.demand", () -> machine.command("touch 80", "all zero", SECONDS)));
    all.add(
        new Victim(
            vm + "/blk0", "virtio.blk", () -> machine.command("get 8 4", DISK_SUM, SECONDS)));
    all.add(
        new Victim(
            vm + "/store0", "store.file", () -> machine.command("get 8 4", DISK_SUM, SECONDS)));
    all.add(new Victim(vm + "/console", "console.host", call(() -> machine.console.position())));
    MmioDevice ports = root.connect(vm + "/ports", MmioDevice.class);
    all.add(new Victim(vm + "/ports", "virtio.console", call(() -> ports.load(0, 4))));
    MmioDevice finisher = root.connect(vm + "/finisher", MmioDevice.class);
    all.add(new Victim(vm + "/finisher", "finisher", call(() -> finisher.load(0, 4))));
    GuestAgent agent = machine.agent();
    all.add(new Victim(vm + "/agent", "agent", call(agent::ready)));
    all.add(new Victim(vm, "vmm.machine", call(() -> machine.machine.report())));
    all.add(
        new Victim(
            "scheduler", "scheduler.fair", () -> machine.command("idle 2", "idle 2", SECONDS)));
    all.add(new Victim("swapper", "swapper", call(swapper::history)));
    all.add(new Victim("root", "root", call(root::balance)));
    return all;
  }

  /** How many incidents there were; those that come get higher numbers. */
  private long newest() {
    return supervisor.log().stream().mapToLong(Supervisor.Incident::number).max().orElse(0);
  }

  /**
   * The incident for that reason, when it is over. Others may come before it: on a busy host a
   * scheduler is replaced because it was late.
   */
  private Supervisor.Incident incident(
      String endpoint, long after, String reason, RunningMachine pace) {
    AtomicReference<Supervisor.Incident> found = new AtomicReference<>();
    pace.until(
        "the repair of " + endpoint + " after '" + reason + "'",
        SECONDS,
        () -> {
          supervisor.log().stream()
              .filter(each -> each.number() > after && each.endpoint().equals(endpoint))
              .filter(each -> each.reason().contains(reason) && !each.outcome().isEmpty())
              .findFirst()
              .ifPresent(found::set);
          return found.get() != null;
        });
    return found.get();
  }

  /** What the guest reads from its disk, as a checksum. */
  private static String disk(RunningMachine machine) {
    String text = machine.command("get 8 4", "status 0", SECONDS);
    int from = text.lastIndexOf(DISK_SUM);
    return text.substring(from, text.indexOf(':', from));
  }

  private long instructions(String machine) {
    return kernel.threads().stream()
        .filter(each -> each.name().startsWith("vm/" + machine + ":"))
        .mapToLong(ThreadReport::instructions)
        .sum();
  }

  @Test
  void everyKindOfServerCrashesAndTheGuestGoesOn() throws Exception {
    Boot boot = Services.boot("nano");
    List<String> servers =
        List.of(
            "uart",
            "plic",
            "rtc",
            "pager.demand",
            "virtio.blk",
            "store.file",
            "console.host",
            "virtio.console",
            "finisher",
            "agent",
            "vmm.machine",
            "scheduler.fair",
            "swapper",
            "root");
    List<String> table = new ArrayList<>();
    try (CrashingServers crashing = new CrashingServers(servers);
        RunningMachine machine = nano("crash-it", boot)) {
      machine.command("put 8 4 17", "status 0", SECONDS);
      String before = disk(machine);
      for (Victim victim : victims("vm/crash-it", machine)) {
        swap(victim.endpoint(), "crash." + victim.server());
        long earlier = newest();
        crashing.arm(victim.endpoint());
        victim.use().run();
        machine.until(
            victim.endpoint() + " to crash", SECONDS, () -> !crashing.isArmed(victim.endpoint()));
        Supervisor.Incident incident = incident(victim.endpoint(), earlier, CRASH, machine);
        assertTrue(incident.micros() >= 0, incident::toString);
        assertTrue(incident.outcome().contains("started from its state"), incident::toString);
        table.add(String.format("%-22s %8d us", victim.endpoint(), incident.micros()));
        swap(victim.endpoint(), victim.server());
        machine.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
        assertEquals(before, disk(machine), () -> "the disk after " + victim);
      }
    }
    table.forEach(System.out::println);
  }

  @Test
  void aMonitorThatHoldsItsGuestsRegistersCrashesAndTheGuestGoesOn() throws Exception {
    String vm = "vm/trap-it";
    try (CrashingServers crashing = new CrashingServers(List.of("vmm.trap"));
        RunningMachine machine = nano("trap-it", Services.boot("nano"))) {
      swap(vm, "vmm.trap");
      machine.command("touch 20", "all zero", SECONDS);
      swap(vm, "crash.vmm.trap");
      long earlier = newest();
      crashing.arm(vm);
      machine.until("an exit of its hart", SECONDS, () -> !crashing.isArmed(vm));
      incident(vm, earlier, CRASH, machine);
      machine.command("touch 20", "all zero", SECONDS);
      swap(vm, "vmm.machine");
      machine.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
    }
  }

  @Test
  void onlyTheClientsOfADeadServerNoticeItsEnd() throws Exception {
    Boot boot = Services.boot("nano");
    String store = "vm/dead-it/store0";
    try (CrashingServers crashing = new CrashingServers(List.of("store.file"));
        RunningMachine client = nano("dead-it", boot);
        RunningMachine other = nano("alive-it", boot)) {
      other.command("put 8 4 5", "status 0", SECONDS);
      String before = disk(other);
      long usual = progress(other, "alive-it");
      swap(store, "crash.store.file");
      supervisor.rule(store, "giveup");
      long earlier = newest();
      crashing.arm(store);
      String error = client.command("get 8 4", "status", SECONDS);
      client.until("the I/O error in " + error, SECONDS, () -> !crashing.isArmed(store));
      assertTrue(
          incident(store, earlier, CRASH, client).outcome().endsWith("given up"),
          supervisor.log()::toString);
      client.command("get 8 4", "status 1", SECONDS);
      client.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
      other.until(
          "its pace of " + usual + " instructions in 100 ms of processor time",
          SECONDS,
          () -> progress(other, "alive-it") > usual / 2);
      assertEquals(before, disk(other), "the other guest's disk");
      assertEquals(
          List.of(),
          kernel.endpoints().stream()
              .filter(each -> each.path().startsWith("vm/alive-it") && each.failures() > 0)
              .toList(),
          "calls that failed below the other guest");
      supervisor.rule(store, "");
      swap(store, "store.file");
      client.command("get 8 4", "status 0", SECONDS);
    }
  }

  @Test
  void aGuestWhoseDeviceIsGoneWaitsAndGoesOnWhenItIsBack() throws Exception {
    Boot boot = Services.boot("nano");
    String uart = "vm/parked-it/uart";
    try (CrashingServers crashing = new CrashingServers(List.of("uart"));
        RunningMachine guest = nano("parked-it", boot)) {
      swap(uart, "crash.uart");
      supervisor.rule(uart, "giveup");
      long earlier = newest();
      crashing.arm(uart);
      long from = guest.console.position();
      guest.console.type("echo parked\r");
      guest.until("the end of the UART", SECONDS, () -> !crashing.isArmed(uart));
      assertTrue(
          incident(uart, earlier, CRASH, guest).outcome().endsWith("given up"),
          supervisor.log()::toString);
      assertEquals("running", guest.machine.report().state(), "parked, not crashed");
      supervisor.rule(uart, "");
      swap(uart, "uart");
      guest.await(from, "parked", SECONDS);
      guest.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
    }
  }

  @Test
  void anUpdateThatTurnsOutBadIsTakenBack() throws Exception {
    Bundle uart =
        java.util.Arrays.stream(
                FrameworkUtil.getBundle(RecoveryIT.class).getBundleContext().getBundles())
            .filter(each -> "duality.uart".equals(each.getSymbolicName()))
            .findFirst()
            .orElseThrow();
    String version = uart.getVersion().toString();
    Path bad =
        BundleFile.patched(
            uart, "9.9.9", "duality/uart/Uart16550.class", RecoveryIT::crashesInLoad, folder);
    try (RunningMachine guest = nano("update-it", Services.boot("nano"))) {
      guest.command("echo before", "before", SECONDS);
      long earlier = newest();
      Swapper.Swap update = swapper.update("duality.uart", bad.toString());
      assertTrue(update.done(), update::toString);
      guest.command("echo after", "after", SECONDS);
      Supervisor.Incident incident = incident("vm/update-it/uart", earlier, "IllegalState", guest);
      assertTrue(incident.outcome().contains("put back"), incident::toString);
      assertEquals("duality.uart 9.9.9", incident.bundle());
      assertTrue(
          kernel.servers().stream()
              .anyMatch(
                  each ->
                      each.bundle().equals("duality.uart " + version)
                          && each.endpoints().contains("vm/update-it/uart")),
          () -> kernel.servers().toString());
    }
  }

  /** The class with a method {@code load} that throws. */
  private static byte[] crashesInLoad(byte[] bytes) {
    ClassFile format = ClassFile.of();
    ClassDesc thrown = ClassDesc.of("java.lang.IllegalStateException");
    return format.transformClass(
        format.parse(bytes),
        (builder, element) -> {
          if (element instanceof MethodModel method && method.methodName().equalsString("load")) {
            builder.withMethodBody(
                method.methodName().stringValue(),
                method.methodTypeSymbol(),
                ClassFile.ACC_PUBLIC,
                code ->
                    code.new_(thrown)
                        .dup()
                        .invokespecial(thrown, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                        .athrow());
          } else {
            builder.with(element);
          }
        });
  }

  @Test
  void schedulersThatGoWrongAreReplacedAndGuestsKeepGoing() throws Exception {
    Boot boot = Services.boot("nano");
    BundleContext context = FrameworkUtil.getBundle(RecoveryIT.class).getBundleContext();
    try (RunningMachine one = nano("sched-one-it", boot);
        RunningMachine two = nano("sched-two-it", boot)) {
      for (String wrong : List.of("nobody", "nonsense", "throws", "sleeps", "starves")) {
        String name = "scheduler.it." + wrong;
        ServiceRegistration<Server> registration =
            context.registerService(
                Server.class,
                (endpoint, saved) -> new WrongScheduler(wrong),
                FrameworkUtil.asDictionary(
                    Map.of(Server.NAME, name, Server.PROTOCOL, Scheduler.class.getName())));
        try {
          long earlier = newest();
          swap("scheduler", name); // a server that was swapped in begins at the first step again
          for (RunningMachine guest : List.of(one, two)) {
            guest.command("idle 20", "idle 20 ticks", SECONDS);
            guest.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
          }
          one.until(
              wrong + " to be replaced",
              SECONDS,
              () ->
                  newest() > earlier
                      && kernel.endpoints().stream()
                          .anyMatch(
                              each ->
                                  each.path().equals("scheduler")
                                      && each.condition().equals("open")
                                      && !each.server().equals(name)));
        } finally {
          registration.unregister();
        }
        swap("scheduler", "scheduler.fair");
      }
    }
  }

  /** First in, first out, with one thing wrong. */
  private static final class WrongScheduler implements Scheduler, Instance {
    private final String wrong;
    private final Deque<Integer> order = new ArrayDeque<>();
    private int victim;

    WrongScheduler(String wrong) {
      this.wrong = wrong;
    }

    @Override
    public synchronized int ready(int thread, int weight) {
      victim = victim == 0 ? thread : victim;
      boolean starved = wrong.equals("starves") && thread == victim;
      if (!starved && !order.contains(thread)) {
        order.add(thread);
      }
      return NO_PROCESSOR;
    }

    @Override
    public synchronized void gone(int thread) {
      order.remove(thread);
    }

    @Override
    public synchronized long pick(int processor) {
      switch (wrong) {
        case "nobody" -> {
          return NOBODY;
        }
        case "nonsense" -> {
          return Scheduler.choice(1_000_000, 1_000_000);
        }
        case "throws" -> throw new IllegalStateException("no idea");
        case "sleeps" -> LockSupport.parkNanos(2_000_000_000L);
        default -> {}
      }
      return order.isEmpty() ? NOBODY : Scheduler.choice(order.remove(), 1_000_000);
    }

    @Override
    public synchronized void ran(int processor, int thread, long nanos, boolean ready) {
      if (ready) {
        ready(thread, 100);
      }
    }

    @Override
    public State save() {
      return State.of("wrong", 1);
    }
  }

  /** Instructions of a guest in 100 ms of its processor time, at the best of five times. */
  private long progress(RunningMachine machine, String name) {
    long best = 0;
    for (int i = 0; i < 5; i++) {
      long instructions = instructions(name);
      long nanos = machine.machine.report().cpuNanos();
      machine.command("sum 1000000", "sum 1000000 = ", SECONDS);
      long spent = Math.max(1, machine.machine.report().cpuNanos() - nanos);
      best = Math.max(best, (instructions(name) - instructions) * 100_000_000L / spent);
    }
    return best;
  }
}
