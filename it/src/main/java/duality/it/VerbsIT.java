package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.guests.Boot;
import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import duality.kernel.ServerReport;
import duality.servers.Root;
import duality.servers.Swapper;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.wiring.BundleWiring;

/**
 * Plain OSGi verbs, and those of the kernel, on server bundles in use. The clients are those of
 * {@code examples/hot-service}: each of their threads knows what every answer must be.
 */
class VerbsIT {
  private static final int ROUNDS = 12;
  private static final long SECONDS = 120;

  @TempDir private Path folder = Path.of("");
  private Gogo gogo;

  @BeforeEach
  void open() {
    gogo = new Gogo(folder);
  }

  @AfterEach
  void remove() throws Exception {
    for (Bundle each : context().getBundles()) {
      String name = String.valueOf(each.getSymbolicName());
      if (name.startsWith("hot.") || name.equals("test.leaving")) {
        each.uninstall();
      }
    }
    if (isThere("service/visits")) {
      Services.service(Root.class).remove("service/visits");
    }
    gogo.close();
  }

  private static BundleContext context() {
    return FrameworkUtil.getBundle(VerbsIT.class).getBundleContext();
  }

  private static boolean isThere(String path) {
    return Services.service(Observation.class).endpoints().stream()
        .anyMatch(each -> each.path().equals(path));
  }

  private static EndpointReport endpoint(String path) {
    return Services.service(Observation.class).endpoints().stream()
        .filter(each -> each.path().equals(path))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> servers(String name) {
    List<String> found = new ArrayList<>();
    for (ServerReport each : Services.service(Observation.class).servers()) {
      if (each.name().startsWith(name)) {
        found.add(each.bundle() + " " + each.endpoints());
      }
    }
    return found;
  }

  private static List<Bundle> bundles(String name) {
    return Arrays.stream(context().getBundles())
        .filter(each -> name.equals(each.getSymbolicName()))
        .toList();
  }

  /** Bundles of that name, each with those that are wired to it. */
  private static String users(String name) {
    StringBuilder text = new StringBuilder();
    for (Bundle each : bundles(name)) {
      text.append('\n').append(each.getVersion());
      BundleWiring wiring = each.adapt(BundleWiring.class);
      if (wiring != null) {
        wiring.getProvidedWires(null).stream()
            .map(wire -> wire.getRequirer().getBundle().toString())
            .distinct()
            .forEach(user -> text.append(' ').append(user));
      }
    }
    return text.toString();
  }

  private static Bundle bundle(String name) {
    List<Bundle> found = bundles(name);
    assertEquals(1, found.size(), () -> name + ": " + found);
    return found.getFirst();
  }

  // ---- clients under load ----

  private void load() throws Exception {
    gogo.run("kernel:install " + gogo.example("hot.api.jar"));
    gogo.run("kernel:install " + gogo.example("hot.visits-1.jar"));
    gogo.run("kernel:install " + gogo.example("hot.client.jar"));
    gogo.run("hot:start 3");
    progress();
  }

  private static long value(Object record, String name) throws ReflectiveOperationException {
    return (long) record.getClass().getMethod(name).invoke(record);
  }

  private List<?> clients(String command) throws Exception {
    return (List<?>) Objects.requireNonNull(gogo.run(command));
  }

  /** Each client gets further right answers. */
  private void progress() throws Exception {
    List<?> before = clients("hot:report");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (true) {
      List<?> now = clients("hot:report");
      boolean all = true;
      for (int i = 0; i < now.size(); i++) {
        all &= value(now.get(i), "right") > value(before.get(i), "right");
      }
      if (all) {
        return;
      }
      assertTrue(System.nanoTime() - end < 0, () -> "no progress: " + now + trace());
      LockSupport.parkNanos(1_000_000);
    }
  }

  private void nothingWasLost() throws Exception {
    List<?> last = clients("hot:stop");
    assertEquals(3, last.size(), "the client's component was never deactivated");
    for (Object each : last) {
      assertEquals(0, value(each, "wrong"), () -> "wrong answers: " + last + trace());
      assertEquals(0, value(each, "failed"), () -> "failed calls: " + last + trace());
    }
  }

  private static String trace() {
    return "\n" + String.join("\n", Services.service(Observation.class).trace());
  }

  @Test
  void stopAndStartLoseNoCall() throws Exception {
    load();
    for (int i = 0; i < ROUNDS; i++) {
      gogo.run("felix:stop hot.visits");
      assertTrue(endpoint("service/visits").condition().startsWith("vacant"), "who waits, waits");
      gogo.run("felix:start " + bundle("hot.visits").getBundleId());
      progress();
    }
    nothingWasLost();
  }

  @Test
  void twoVersionsStandSideBySideAndEachTakesOverWhenTheOtherIsUninstalled() throws Exception {
    load();
    Bundle first = bundle("hot.visits");
    Path second = gogo.example("hot.visits-2.jar");
    Bundle other = context().installBundle(second.toUri().toString());
    other.start();
    assertEquals(
        List.of("hot.visits 2.0.0 []", "hot.visits 1.0.0 [service/visits]"), servers("hot.visits"));
    assertEquals("hot.visits#" + first.getBundleId(), endpoint("service/visits").server());
    first.uninstall();
    progress();
    assertEquals(List.of("hot.visits 2.0.0 [service/visits]"), servers("hot.visits"));
    nothingWasLost();
  }

  @Test
  void anUninstalledServerThatIsInstalledAgainGoesOnFromItsState() throws Exception {
    load();
    for (int i = 0; i < 3; i++) {
      bundle("hot.visits").uninstall();
      Path again = gogo.example("hot.visits-1.jar");
      context().installBundle(again.toUri() + "?" + i, again.toUri().toURL().openStream()).start();
      progress();
    }
    nothingWasLost();
  }

  @Test
  void updateStandsBesideMovesAndUninstallsAndMigratesTheState() throws Exception {
    load();
    WeakReference<ClassLoader> old = loader("hot.visits");
    gogo.update("hot.visits " + gogo.example("hot.visits-2.jar"));
    assertEquals(List.of("hot.visits 2.0.0 [service/visits]"), servers("hot.visits"));
    for (int i = 0; i < ROUNDS; i++) {
      progress();
      Path next = BundleFile.of(bundle("hot.visits"), "2.0." + i, Map.of(), folder);
      gogo.update("hot.visits " + next);
    }
    progress();
    // The same version again, as one has it while one works on it.
    gogo.update("hot.visits " + folder.resolve("hot.visits-2.0.11.jar"));
    progress();
    nothingWasLost();
    collected(old);
  }

  @Test
  void anUpdateThatDoesNotWorkIsTakenBackWithItsReason() throws Exception {
    load();
    gogo.update("hot.visits " + gogo.example("hot.visits-2.jar"));
    String said = gogo.refused("kernel:update hot.visits " + gogo.example("hot.visits-1.jar"));
    assertTrue(said.contains("state of 'visits' version 2"), said);
    Path empty =
        BundleFile.of(bundle("hot.visits"), "3.0.0", Map.of("Service-Component", ""), folder);
    said = gogo.refused("kernel:update hot.visits " + empty);
    assertTrue(said.contains("did not bring [hot.visits#"), said);
    Path unresolved =
        BundleFile.of(bundle("hot.visits"), "3.0.1", Map.of("Import-Package", "no.such"), folder);
    said = gogo.refused("kernel:update hot.visits " + unresolved);
    assertTrue(said.contains("no.such"), said);
    said = gogo.refused("kernel:update hot.visit " + unresolved);
    assertTrue(said.contains("did you mean 'hot.visits'"), said);
    said = gogo.refused("kernel:update duality.uart " + unresolved);
    assertTrue(said.contains("is hot.visits, not duality.uart"), said);
    assertEquals(List.of("hot.visits 2.0.0 [service/visits]"), servers("hot.visits"));
    progress();
    nothingWasLost();
  }

  @Test
  void aPlanSaysWhatWouldMoveAndWhatIsRefused() throws Exception {
    load();
    Path next = BundleFile.of(bundle("hot.visits"), "1.1.0", Map.of(), folder);
    String plan = String.valueOf(gogo.run("kernel:plan update hot.visits " + next));
    assertTrue(plan.contains("step=moves, what=service/visits"), plan);
    assertTrue(plan.contains("step=uninstalls, what=hot.visits 1.0.0"), plan);
    plan = String.valueOf(gogo.run("kernel:plan service/visits hot.visits scheduler plic"));
    assertTrue(plan.contains("step=moves, what=service/visits"), plan);
    assertTrue(plan.contains("step=refused, what=scheduler"), plan);
    plan = String.valueOf(gogo.run("kernel:plan update duality.kernel " + kernel()));
    assertTrue(plan.contains("step=refused, what=duality.kernel"), plan);
    assertTrue(
        gogo.refused("kernel:update duality.kernel " + kernel()).contains("needs a restart"));
    nothingWasLost();
  }

  private Path kernel() throws Exception {
    return BundleFile.of(bundle("duality.kernel"), "0.1.1", Map.of(), folder);
  }

  // ---- APIs ----

  @Test
  void anApiIsUpdatedUnderItsClientsWhichAreNotRestarted() throws Exception {
    load();
    for (int i = 1; i <= 3; i++) {
      Path api = BundleFile.of(newest("hot.api"), "0.1.0.zbuild" + i, Map.of(), folder);
      String plan = String.valueOf(gogo.run("kernel:plan update hot.api " + api));
      assertTrue(plan.contains("step=moves, what=service/visits"), plan);
      // Only the first one has clients: they stay with it.
      assertEquals(i == 1, plan.contains("step=keeps, what=hot.api 0.1.0.SNAPSHOT"), plan);
      assertEquals(i == 1, plan.contains("step=touches, what=hot.client"), plan);
      gogo.update("hot.api " + api);
      assertEquals(
          "0.1.0.zbuild" + i, provider("hot.visits", "hot").getVersion().toString(), "wired");
      progress();
      gogo.update("hot.visits " + gogo.example("hot.visits-" + (i < 2 ? 1 : 2) + ".jar"));
      progress();
    }
    assertEquals(2, bundles("hot.api").size(), "the one of the client and the newest");
    nothingWasLost();
  }

  @Test
  void anApiThatDoesNotFitLeavesEverythingAsItIs() throws Exception {
    load();
    Path unfit =
        BundleFile.of(
            bundle("hot.api"), "2.0.0", Map.of("Export-Package", "hot;version=9.0.0"), folder);
    String said = gogo.refused("kernel:update hot.api " + unfit);
    assertTrue(said.contains("hot.visits does not take hot of hot.api 2.0.0"), said);
    gogo.awaitTidy();
    assertEquals(1, bundles("hot.api").size());
    assertEquals(1, bundles("hot.visits").size());
    progress();
    nothingWasLost();
  }

  private static Bundle newest(String name) {
    return bundles(name).stream()
        .max(java.util.Comparator.comparing(Bundle::getVersion))
        .orElseThrow();
  }

  /** Who gives that bundle a package. */
  private static Bundle provider(String bundle, String exported) {
    BundleWiring wiring = Objects.requireNonNull(bundle(bundle).adapt(BundleWiring.class));
    return wiring.getRequiredWires("osgi.wiring.package").stream()
        .filter(
            each ->
                exported.equals(each.getCapability().getAttributes().get("osgi.wiring.package")))
        .findFirst()
        .orElseThrow()
        .getProvider()
        .getBundle();
  }

  @Test
  void aGuestGoesOnWhenTheApisUnderItAreUpdated() throws Exception {
    try (RunningMachine nano = nano("api-it")) {
      for (String api : List.of("duality.drivers", "duality.vmm", "duality.servers")) {
        for (int i = 1; i <= 2; i++) {
          nano.console.type("sum 3000000\r");
          Path next = BundleFile.of(newest(api), "0.1.0.zbuild" + i, Map.of(), folder);
          String plan = String.valueOf(gogo.run("kernel:plan update " + api + " " + next));
          assertEquals(i == 1, plan.contains("step=touches, what=duality.shell"), plan);
          assertTrue(plan.contains("step=moves, what="), plan);
          gogo.update(api + " " + next);
          Swapper.Swap last = Services.service(Swapper.class).history().getLast();
          assertTrue(last.done() && last.endpoints() > 0, last.toString());
          assertEquals(2, bundles(api).size(), () -> "the clients' and the newest: " + users(api));
          nano.await(0, "sum 3000000 = ", SECONDS);
          nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
          assertEquals("running", nano.machine.report().state());
        }
      }
      String built = "0.1.0.zbuild2";
      assertEquals(built, provider("duality.uart", "duality.drivers").getVersion().toString());
      assertEquals(
          built, provider("duality.virtio.blk", "duality.drivers").getVersion().toString());
      assertEquals(built, provider("duality.vmm.board", "duality.vmm").getVersion().toString());
      assertEquals(built, provider("duality.root", "duality.servers").getVersion().toString());
    }
    try (RunningMachine other = nano("api-it-2")) {
      other.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
    }
  }

  // ---- the parts of the system itself ----

  @Test
  void theSwapperSwapsAndUpdatesItself() throws Exception {
    gogo.run("kernel:swap swapper swapper");
    long before = Services.service(Swapper.class).history().getLast().number() - 1;
    Path next = BundleFile.of(bundle("duality.swapper"), "0.1.1", Map.of(), folder);
    gogo.update("duality.swapper " + next);
    assertEquals(List.of("duality.swapper 0.1.1 [swapper]"), servers("swapper"));
    gogo.run("kernel:swap scheduler scheduler.roundrobin");
    gogo.run("kernel:swap scheduler scheduler.fair swapper swapper");
    // By their numbers: only the last thousand are remembered.
    List<Swapper.Swap> fresh =
        Services.service(Swapper.class).history().stream()
            .filter(each -> each.number() > before)
            .toList();
    assertEquals(4, fresh.size(), fresh.toString());
    assertTrue(fresh.stream().allMatch(Swapper.Swap::done), fresh.toString());
  }

  @Test
  void aGuestGoesOnWhenItsEngineIsReplaced() throws Exception {
    try (RunningMachine nano = nano("engine-it")) {
      Bundle old = bundle("duality.processor.interpreter");
      Path next = BundleFile.of(old, "0.1.1", Map.of(), folder);
      nano.console.type("sum 3000000\r");
      gogo.update("duality.processor.interpreter " + next);
      assertEquals(
          List.of("duality.processor.interpreter 0.1.1 [vm/engine-it:hart0]"),
          servers("interpreter"));
      gogo.run("felix:stop duality.processor.interpreter");
      assertEquals(List.of(), servers("interpreter"), "the guest lies still");
      gogo.run("felix:start " + bundle("duality.processor.interpreter").getBundleId());
      gogo.run("kernel:swap engine interpreter");
      nano.await(0, "sum 3000000 = ", SECONDS);
      nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
    }
  }

  private static RunningMachine nano(String name) throws Exception {
    Boot boot = Services.boot("nano");
    RunningMachine nano = new RunningMachine(Services.service(Root.class), name, boot, Map.of());
    nano.await(0, boot.readyLine(), SECONDS);
    return nano;
  }

  @Test
  void aGuestGoesOnWhenTheBundlesUnderItAreReplacedByPlainVerbs() throws Exception {
    try (RunningMachine nano = nano("verbs-it")) {
      for (String name :
          List.of(
              "duality.vmm.machine",
              "duality.pager.demand",
              "duality.uart",
              "duality.plic",
              "duality.clock",
              "duality.console.host",
              "duality.scheduler.fair")) {
        nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
        Bundle each = bundle(name);
        Path next = BundleFile.of(each, "0.1.1", Map.of(), folder);
        nano.console.type("sum 200000\r");
        gogo.run("felix:update " + name + " " + next.toUri());
        gogo.run("felix:stop " + name);
        gogo.run("felix:start " + each.getBundleId());
        gogo.update(name + " " + next);
        nano.await(0, "sum 200000 = ", SECONDS);
      }
      assertEquals("running", nano.machine.report().state());
    }
  }

  @Test
  void whatAServerLeftInThreadLocalsDoesNotKeepItsClasses() throws Exception {
    Path jar =
        BundleFile.of(
            "test.leaving",
            "duality.kernel,org.osgi.framework",
            folder,
            LeavingScheduler.class,
            LeavingScheduler.Mark.class,
            LeavingScheduler.Fifo.class);
    gogo.run("kernel:install " + jar);
    long picks = endpoint("scheduler").calls();
    gogo.run("kernel:swap scheduler leaving");
    try (RunningMachine nano = nano("leaving-it")) {
      nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
      assertEquals("leaving", endpoint("scheduler").server());
      assertTrue(endpoint("scheduler").calls() > picks + 10, "processors have called it");
      WeakReference<ClassLoader> loader = loader("test.leaving");
      gogo.run("kernel:swap scheduler scheduler.fair");
      bundle("test.leaving").uninstall();
      collected(loader);
      nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
    }
  }

  private Path stuck() throws Exception {
    return BundleFile.of(
        "test.stuck",
        "duality.kernel,org.osgi.framework",
        folder,
        StuckScheduler.class,
        LeavingScheduler.class,
        LeavingScheduler.Mark.class,
        LeavingScheduler.Fifo.class);
  }

  @Test
  void anUpdateIsDoneAlsoWhenTheOldBundleHangsInItsStop() throws Exception {
    gogo.run("kernel:install " + stuck());
    try (RunningMachine nano = nano("stuck-it")) {
      gogo.run("kernel:swap scheduler stuck");
      Path next = BundleFile.of(bundle("test.stuck"), "1.0.1", Map.of(), folder);
      gogo.run("kernel:update test.stuck " + next);
      Swapper.Swap last = Services.service(Swapper.class).history().getLast();
      assertTrue(last.done(), last.toString());
      assertEquals("test.stuck 1.0.1", last.to());
      assertEquals(List.of("test.stuck 1.0.1 [scheduler]"), servers("stuck").subList(0, 1));
      nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
      gogo.run("kernel:swap scheduler scheduler.fair");
      nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
    } finally {
      System.setProperty(StuckScheduler.GO, "true");
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
      while (bundles("test.stuck").size() > 1 && System.nanoTime() - end < 0) {
        LockSupport.parkNanos(1_000_000); // the one that hung goes now by itself
      }
      bundle("test.stuck").uninstall();
      System.clearProperty(StuckScheduler.GO);
    }
  }

  private static WeakReference<ClassLoader> loader(String bundle) {
    BundleWiring wiring = Objects.requireNonNull(bundle(bundle).adapt(BundleWiring.class));
    return new WeakReference<>(wiring.getClassLoader());
  }

  private static void collected(WeakReference<ClassLoader> loader) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(100);
    while (loader.get() != null) {
      System.gc();
      LockSupport.parkNanos(20_000_000);
      assertTrue(System.nanoTime() - end < 0, "the old loader is still reachable");
    }
    assertNotNull(loader, "and that was it");
  }
}
