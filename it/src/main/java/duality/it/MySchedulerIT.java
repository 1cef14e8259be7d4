package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.EndpointReport;
import duality.kernel.Instance;
import duality.kernel.Observation;
import duality.kernel.Server;
import duality.kernel.State;
import duality.servers.Root;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;

/** {@code examples/my-scheduler}, and what somebody is told whose own server is wrong. */
class MySchedulerIT {
  private static final long SECONDS = 120;

  @TempDir private Path folder = Path.of("");
  private Gogo gogo;

  @BeforeEach
  void open() {
    gogo = new Gogo(folder);
  }

  @AfterEach
  void close() {
    gogo.close();
  }

  private static EndpointReport scheduler() {
    return Services.service(Observation.class).endpoints().stream()
        .filter(each -> each.path().equals("scheduler"))
        .findFirst()
        .orElseThrow();
  }

  private static boolean installed(String name) {
    for (Bundle each :
        FrameworkUtil.getBundle(MySchedulerIT.class).getBundleContext().getBundles()) {
      if (name.equals(each.getSymbolicName())) {
        return true;
      }
    }
    return false;
  }

  @Test
  void itSchedulesAGuestAndGoesAgain() throws Exception {
    gogo.run("kernel:install " + gogo.example("my.scheduler.jar") + " --swap scheduler");
    assertEquals("my.scheduler", scheduler().server());
    assertTrue(
        gogo.refused("kernel:install " + gogo.example("my.scheduler.jar"))
            .contains("is installed already"));
    Root root = Services.service(Root.class);
    long calls = scheduler().calls();
    try (RunningMachine nano =
        new RunningMachine(root, "mine-it", Services.boot("nano"), Map.of())) {
      nano.await(0, Services.boot("nano").readyLine(), SECONDS);
      nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
      // Each command is a wake-up, so a pick, however quick the guest is.
      for (int picks = 0; picks <= 10; picks++) {
        nano.command("time", "ticks", SECONDS);
      }
      EndpointReport then = scheduler();
      assertEquals(
          "my.scheduler",
          then.server(),
          () -> "the kernel found fault: " + Services.service(Observation.class).failures());
      assertTrue(then.calls() > calls + 10, "the guest ran by its picks: " + calls + ", " + then);
      gogo.run("kernel:swap scheduler scheduler.fair");
      nano.command("sum 1000", "sum 1000 = 0x9ac7455483036aca", SECONDS);
    }
    gogo.run("felix:uninstall my.scheduler");
    assertTrue(!installed("my.scheduler"));
  }

  private Path jar(String name, Map<String, String> headers) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    headers.forEach((key, value) -> manifest.getMainAttributes().putValue(key, value));
    Path file = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out, manifest)) {
      jar.finish();
    }
    return file;
  }

  private String wrong(Map<String, String> headers, String options) throws IOException {
    Map<String, String> all = new java.util.HashMap<>(headers);
    all.put("Bundle-ManifestVersion", "2");
    all.put("Bundle-SymbolicName", "wrong.one");
    String said = gogo.refused("kernel:install " + jar("wrong.jar", all) + options);
    assertTrue(!installed("wrong.one"), "nothing of it stays: " + said);
    return said;
  }

  @Test
  void aBundleOfNoUseIsRefusedWithTheReason() throws Exception {
    String said = wrong(Map.of("Import-Package", "duality.kernell"), "");
    assertTrue(
        said.contains("it imports the package duality.kernell, which no bundle exports"), said);
    assertTrue(said.contains("did you mean 'duality.kernel'"), said);
    said = wrong(Map.of("Import-Package", "duality.kernel;version=\"[7,8)\""), "");
    assertTrue(said.contains("duality.kernel in [7.0.0,8.0.0), and here it is 0."), said);
    said = wrong(Map.of("Bundle-Activator", "no.such.Activator"), "");
    assertTrue(said.contains("did not start") && said.contains("no.such.Activator"), said);
    said = wrong(Map.of(), " --swap scheduler");
    assertTrue(said.contains("no server for scheduler, which is a Scheduler"), said);
    assertTrue(said.contains("none of its classes is a component"), said);
    said = wrong(Map.of(), " --swap shceduler");
    assertTrue(said.contains("there is no endpoint 'shceduler'; did you mean 'scheduler'"), said);
    said = gogo.refused("kernel:install " + jar("plain.jar", Map.of()));
    assertTrue(said.contains("is a jar but no bundle"), said);
    said = gogo.refused("kernel:install " + Files.writeString(folder.resolve("x.jar"), "text"));
    assertTrue(said.contains("x.jar is no jar"), said);
    said = gogo.refused("kernel:install nosuch.jar");
    assertTrue(said.contains("there is no file"), said);
  }

  @Test
  void aServerThatCannotServeIsRefusedAndTheOldOneServesOn() {
    String before = scheduler().server();
    assertTrue(
        refused(
                (context, saved) -> {
                  throw new IllegalStateException("as asked");
                })
            .contains(
                "wrong.one did not open for scheduler: java.lang.IllegalStateException: as asked"));
    assertTrue(
        refused(
                (context, saved) -> {
                  throw new State.Refused("not this one");
                })
            .contains("not this one"));
    assertTrue(
        refused(
                (context, saved) ->
                    new Instance() {
                      @Override
                      public State save() {
                        return State.of("none", 1);
                      }
                    })
            .contains("which is no duality.kernel.Scheduler"));
    assertEquals(before, scheduler().server());
    String said = gogo.refused("kernel:swap scheduler nosuch");
    // A dial that was in front of one may be there as well.
    assertTrue(said.contains("scheduler can be served by scheduler.fair, "), said);
    assertTrue(said.contains("scheduler.roundrobin"), said);
    said = gogo.refused("kernel:swap scheduler root");
    assertTrue(said.contains("server root is no Scheduler"), said);
  }

  private String refused(Server server) {
    ServiceRegistration<Server> registered =
        FrameworkUtil.getBundle(MySchedulerIT.class)
            .getBundleContext()
            .registerService(
                Server.class,
                server,
                FrameworkUtil.asDictionary(
                    Map.of(Server.NAME, "wrong.one", Server.PROTOCOL, "duality.kernel.Scheduler")));
    try {
      return gogo.refused("kernel:swap scheduler wrong.one");
    } finally {
      registered.unregister();
    }
  }
}
