package duality.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Machines as a program outside of OSGi has them, with the guest that is built in. */
@Timeout(600)
class MachineTest {
  private static final Duration LONG = Duration.ofMinutes(2);

  @Test
  void aMachineBootsAndLeavesNothingBehind() throws InterruptedException {
    Set<String> before = threads();
    try (Machine nano = Machine.of("nano").memory(16 << 20).within(LONG).boot()) {
      assertEquals("running", nano.state());
      nano.type("sum 1000\r");
      assertTrue(nano.await("sum 1000 = 0x9ac7455483036aca", LONG).contains("sum 1000"));
      assertTrue(nano.console().contains("memory: 16 MiB"), nano.console());
      nano.pause();
      assertEquals("paused", nano.state());
      nano.resume();
      try (Machine second = Machine.boot("nano")) {
        second.type("sum 3\r");
        second.await("sum 3 = ", LONG);
      }
      nano.type("sum 2\r");
      nano.await("sum 2 = ", LONG);
      MachineException none = assertThrows(MachineException.class, () -> nano.exec("ls"));
      assertTrue(none.getMessage().contains("takes no commands"), none.getMessage());
      nano.close();
      assertEquals(
          "the machine is closed", assertThrows(MachineException.class, nano::state).getMessage());
    }
    Set<String> left = threads();
    left.removeAll(before);
    // The framework's would idle for a minute; the others were told to end, and need a processor
    // yet.
    assertFalse(left.toString().contains("Resolver"), () -> "at once: " + threads());
    for (Thread each : Thread.getAllStackTraces().keySet()) {
      if (left.contains(name(each))) {
        each.join(TimeUnit.SECONDS.toMillis(120));
      }
    }
    left = threads();
    left.removeAll(before);
    assertEquals(Set.of(), left, "threads");
  }

  private static String name(Thread thread) {
    return thread.getName() + "@" + thread.threadId();
  }

  private static Set<String> threads() {
    Set<String> names = new TreeSet<>();
    for (Thread each : Thread.getAllStackTraces().keySet()) {
      // Those of the JVM itself come when they are needed.
      if (!"InnocuousThreadGroup".equals(String.valueOf(each.getThreadGroup()))
          && !each.getName()
              .matches("process reaper.*|Cleaner.*|.*Common-Cleaner.*|ForkJoinPool.common.*")) {
        names.add(name(each));
      }
    }
    return names;
  }

  @Test
  void whatCannotBootIsExplainedAndLeavesNothing() {
    MachineException unknown = assertThrows(MachineException.class, () -> Machine.boot("vms"));
    String expected = "there is no guest image 'vms'; there are [linux, nano";
    assertTrue(String.valueOf(unknown.getMessage()).contains(expected), unknown.getMessage());
    assertTrue(
        assertThrows(MachineException.class, () -> Machine.ofKernel(Path.of("none")).boot())
            .getMessage()
            .contains("none"));
    MachineException late =
        assertThrows(MachineException.class, () -> Machine.of("nano").within(Duration.ZERO).boot());
    assertFalse(late.getMessage().isBlank());
  }
}
