package duality.personality.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.kernel.ThreadReport;
import duality.servers.Personality;
import duality.servers.Swapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Both schedulers on the real core: two programs that never end, on one processor. */
@Timeout(600)
class SharesTest {
  /** Slices over which processor time is compared: a share is exact to about one slice. */
  private static final long SLICES = 80;

  @TempDir private Path folder;

  @Test
  void weightsCountUnderTheFairSchedulerAndNotUnderRoundRobin() throws IOException {
    try (TestSystem system = new TestSystem(1)) {
      Path loop = new TinyProgram().word(0x6f).write(folder, ""); // j .
      List<Personality> tasks = new ArrayList<>();
      for (String name : List.of("heavy", "light")) {
        tasks.add(system.task(name, loop));
      }
      tasks.forEach(Personality::start);
      system.core.kernel().thread(tasks.getFirst().report().thread()).weight(300);
      Swapper swapper = system.core.kernel().connect("swapper", Swapper.class);
      for (String scheduler :
          List.of("scheduler.roundrobin", "scheduler.fair", "scheduler.roundrobin")) {
        assertEquals("done", swapper.swap("scheduler", scheduler).outcome());
        Shares shares = shares(system, tasks.getFirst());
        if (scheduler.equals("scheduler.fair")) {
          // A host that takes a processor away in the middle of a slice makes that slice long.
          for (int i = 0; i < 5 && Math.abs(shares.time - 3) > 0.6; i++) {
            shares = shares(system, tasks.getFirst());
          }
          assertEquals(3, shares.time, 0.6, () -> "processor time under it: " + state(system));
        } else {
          assertEquals(1, shares.picks, 0.1, () -> "picks under it: " + state(system));
        }
      }
    }
  }

  private static String state(TestSystem system) {
    return system.core.threads() + " " + system.core.counters() + " " + system.core.trace();
  }

  /** What the first thread had over a while, divided by what the second one had. */
  private record Shares(double time, double picks) {}

  private static Shares shares(TestSystem system, Personality first) {
    List<ThreadReport> before = system.core.threads();
    List<ThreadReport> now = before;
    while (picks(now) - picks(before) < SLICES) {
      first.await(5);
      now = system.core.threads();
    }
    return new Shares(
        (double) (now.get(0).cpuNanos() - before.get(0).cpuNanos())
            / (now.get(1).cpuNanos() - before.get(1).cpuNanos()),
        (double) (now.get(0).picks() - before.get(0).picks())
            / (now.get(1).picks() - before.get(1).picks()));
  }

  private static long picks(List<ThreadReport> threads) {
    return threads.stream().mapToLong(ThreadReport::picks).sum();
  }
}
