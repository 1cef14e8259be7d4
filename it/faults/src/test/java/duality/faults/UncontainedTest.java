package duality.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What one JVM does not contain, run as it is; each stands in CAVEATS. A test here that fails may
 * be good news: then the caveat goes.
 */
@Timeout(900)
class UncontainedTest {
  private static final long MILLIS = 30_000;

  @TempDir private Path folder = Path.of("");

  /** The UART's read of a register has the fault; two guests are in a dialogue. */
  private final class Trial implements AutoCloseable {
    final ChildJvm jvm;
    final Guest victim;
    final Guest other;

    Trial(FaultKind kind, List<String> options) throws Exception {
      Installation system = SystemUnderTest.unpack(folder);
      jvm = new ChildJvm(system, system.bundles, folder.resolve("jvm"), options);
      victim = new Guest(jvm, "a", folder.resolve("a.img"), 1, MILLIS);
      other = new Guest(jvm, "b", folder.resolve("b.img"), 2, MILLIS);
      victim.boot();
      other.boot();
      victim.round();
      other.round();
      Path jar = folder.resolve("mutant.jar");
      Site site;
      try (Campaign campaign = new Campaign(system, folder, false, 1)) {
        site =
            campaign.sites(Component.UART).getOrDefault(kind, List.of()).stream()
                .filter(each -> each.text().startsWith("Uart16550.load "))
                .findFirst()
                .orElseThrow();
      }
      system.mutant(jar, Component.UART.bundle, ".bad", ".bad", site);
      jvm.ask(MILLIS, "install", jar.toString());
      while (!List.of(jvm.ask(MILLIS, "servers").split("\n")).contains("uart.bad")) {
        Thread.onSpinWait();
      }
      assertEquals("done", jvm.ask(MILLIS, "swap", "vm/a/uart", "uart.bad"));
      victim.patience(1_500); // less than it takes to mend it
      assertThrows(Deviation.class, victim::round);
    }

    int exitStatus() throws InterruptedException {
      for (int i = 0; i < 2_000 && jvm.exitStatus() == null; i++) {
        Thread.currentThread().join(50);
      }
      Integer status = jvm.exitStatus();
      assertNotNull(status, "the JVM is still there");
      return status;
    }

    @Override
    public void close() {
      jvm.close();
    }
  }

  @Test
  void aLoopInsideTheJdkIsGivenUpButItsHostThreadGoesOnBurning() throws Exception {
    try (Trial trial = new Trial(FaultKind.BURN, List.of())) {
      trial.other.round();
      String counters = "";
      for (int i = 0; i < 2_000 && !counters.contains("given-up calls inside=1"); i++) {
        Thread.currentThread().join(50);
        counters = trial.jvm.ask(MILLIS, "counters");
      }
      assertTrue(counters.contains("given-up calls inside="), counters);
      assertFalse(counters.contains("given-up calls inside=0"), "a call is still inside");
      Thread.currentThread().join(1_000);
      String stacks = trial.jvm.ask(MILLIS, "stacks");
      assertTrue(stacks.contains("Injected.burn"), "it burns on: " + stacks);
      trial.other.round();
    }
  }

  @Test
  void aFullHeapReachesOthers() throws Exception {
    try (Trial trial = new Trial(FaultKind.HEAP, List.of())) {
      assertThrows(Exception.class, () -> rounds(trial.other), "the second guest fails too");
    }
  }

  private static void rounds(Guest guest) throws Deviation {
    for (int i = 0; i < 50; i++) {
      guest.round();
    }
  }

  @Test
  void aNativeCrashEndsAll() throws Exception {
    try (Trial trial =
        new Trial(
            FaultKind.CRASH,
            List.of("-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + folder.resolve("hs_err")))) {
      assertEquals(1, trial.exitStatus(), "what a JVM exits with that may not dump its core");
      assertTrue(Files.readString(folder.resolve("hs_err")).contains("SIGSEGV"));
    }
  }

  @Test
  void anExitThroughReflectionEndsAll() throws Exception {
    try (Trial trial = new Trial(FaultKind.REFLECT, List.of())) {
      assertEquals(42, trial.exitStatus());
    }
  }

  @Test
  void withoutTheWeaverAPlainExitEndsAll() throws Exception {
    try (Trial trial = new Trial(FaultKind.EXIT, List.of("-Dduality.weave=off"))) {
      assertEquals(41, trial.exitStatus());
    }
  }
}
