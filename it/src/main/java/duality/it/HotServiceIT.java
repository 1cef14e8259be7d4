package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.EndpointReport;
import duality.kernel.Observation;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code examples/hot-service}: a service of somebody's own, replaced while clients call it. */
class HotServiceIT {
  private static final int UPDATES = 15;

  @TempDir private Path folder = Path.of("");

  private static EndpointReport visits() {
    return Services.service(Observation.class).endpoints().stream()
        .filter(each -> each.path().equals("service/visits"))
        .findFirst()
        .orElseThrow();
  }

  /** What a client's thread saw; its class is in the client's bundle. */
  private record Seen(String page, long right, long wrong, long failed) {
    static List<Seen> of(@Nullable Object reports) throws ReflectiveOperationException {
      List<Seen> seen = new java.util.ArrayList<>();
      for (Object each : (List<?>) Objects.requireNonNull(reports)) {
        seen.add(
            new Seen(
                (String) value(each, "page"),
                (long) value(each, "right"),
                (long) value(each, "wrong"),
                (long) value(each, "failed")));
      }
      return seen;
    }

    private static Object value(Object record, String name) throws ReflectiveOperationException {
      return record.getClass().getMethod(name).invoke(record);
    }
  }

  @Test
  void noCallIsLostByAnyUpdate() throws Exception {
    try (Gogo gogo = new Gogo(folder)) {
      gogo.run("kernel:install " + gogo.example("hot.api.jar"));
      gogo.run("kernel:install " + gogo.example("hot.visits-1.jar"));
      gogo.run("kernel:install " + gogo.example("hot.client.jar"));
      gogo.run("hot:start 3");
      Path second = gogo.example("hot.visits-2.jar");
      List<Seen> before = Seen.of(gogo.run("hot:report"));
      // The second version beside the first one, then moved, then the first one out.
      gogo.update("hot.visits " + second);
      before = progress(gogo, before);
      String refused = gogo.refused("kernel:update hot.visits " + gogo.example("hot.visits-1.jar"));
      assertTrue(refused.contains("'visits' version 2 where 'visits' of version 1"), refused);
      before = progress(gogo, before);
      for (int i = 0; i < UPDATES; i++) {
        // A swap to a fresh instance of itself, and the bundle under it replaced by a file.
        gogo.run("kernel:swap service/visits hot.visits");
        before = progress(gogo, before);
        gogo.run("felix:update hot.visits " + second.toUri());
        before = progress(gogo, before);
      }
      List<Seen> last = Seen.of(gogo.run("hot:stop"));
      assertEquals(3, last.size(), "the client's component was never deactivated");
      for (Seen each : last) {
        assertEquals(0, each.wrong, () -> "answers that were not the caller's count: " + last);
        assertEquals(0, each.failed, () -> "calls that failed: " + last);
      }
      assertTrue(visits().calls() > last.stream().mapToLong(Seen::right).sum(), "all went there");
      assertEquals("hot.visits", visits().server());
    } finally {
      remove();
    }
  }

  /** Each thread of the client gets another right answer. */
  private static List<Seen> progress(Gogo gogo, List<Seen> before) throws Exception {
    long end = System.nanoTime() + 100_000_000_000L;
    while (true) {
      List<Seen> now = Seen.of(gogo.run("hot:report"));
      boolean all = true;
      for (int i = 0; i < now.size(); i++) {
        all &= now.get(i).right > before.get(i).right;
      }
      if (all) {
        return now;
      }
      assertTrue(System.nanoTime() - end < 0, () -> "no progress: " + now);
      Thread.onSpinWait();
    }
  }

  private static void remove() throws Exception {
    for (var each :
        org.osgi.framework.FrameworkUtil.getBundle(HotServiceIT.class)
            .getBundleContext()
            .getBundles()) {
      if (each.getSymbolicName() != null && each.getSymbolicName().startsWith("hot.")) {
        each.uninstall();
      }
    }
    Services.service(duality.servers.Root.class).remove("service/visits");
  }
}
