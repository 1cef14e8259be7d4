package duality.personality.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.servers.Personality;
import duality.servers.Swapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Both schedulers on the real core: two programs that never end, on one processor. */
@Timeout(120)
class SharesTest {
  private static final long ROUND_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

  @TempDir private Path folder;

  @Test
  void weightsCountUnderTheFairSchedulerAndNotUnderRoundRobin() throws IOException {
    try (TestSystem system = new TestSystem(1)) {
      Path loop = new TinyProgram().word(0x6f).write(folder, ""); // j .
      List<Personality> tasks = new ArrayList<>();
      for (String name : List.of("heavy", "light")) {
        tasks.add(system.task(name, loop));
      }
      system.core.kernel().thread(tasks.getFirst().report().thread()).weight(300);
      tasks.forEach(Personality::start);
      Swapper swapper = system.core.kernel().connect("swapper", Swapper.class);
      for (String scheduler : List.of("scheduler.fair", "scheduler.roundrobin", "scheduler.fair")) {
        if (!system.core.kernel().endpoint("scheduler").server().equals(scheduler)) {
          assertEquals("done", swapper.swap("scheduler", scheduler).outcome());
        }
        double ratio = ratio(tasks);
        boolean fair = scheduler.equals("scheduler.fair");
        double expected = fair ? 3 : 1;
        assertTrue(
            ratio > expected * 0.7 && ratio < expected * 1.4,
            scheduler + ": the heavy one got " + ratio + " times as much, not " + expected);
      }
    }
  }

  /** Processor time of the first to that of the second, over a while. */
  private static double ratio(List<Personality> tasks) {
    long heavy = tasks.get(0).report().cpuNanos();
    long light = tasks.get(1).report().cpuNanos();
    long all = heavy + light;
    long heavyNow = heavy;
    long lightNow = light;
    while (heavyNow + lightNow - all < ROUND_NANOS) {
      tasks.get(0).await(10);
      heavyNow = tasks.get(0).report().cpuNanos();
      lightNow = tasks.get(1).report().cpuNanos();
    }
    return (double) (heavyNow - heavy) / (lightNow - light);
  }
}
