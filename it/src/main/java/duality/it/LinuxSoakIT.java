package duality.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.Observation;
import duality.servers.Root;
import duality.servers.Swapper;
import duality.soak.Outcome;
import duality.soak.Plan;
import duality.soak.Soak;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A minute of swaps under a Linux guest of two harts that writes, computes and talks; bench/soak.sh
 * runs it longer.
 */
class LinuxSoakIT {
  private static final long SEED = Long.getLong("duality.seed", 20_263);

  /** So that harts also meet each other while what is under them is replaced. */
  private static final int HARTS = 2;

  @TempDir Path folder;

  @Test
  void nothingIsLostWhileEveryComponentIsReplaced() throws Exception {
    Plan plan =
        new Plan(
            Long.MAX_VALUE,
            Duration.ofMinutes(1),
            SEED,
            List.of(),
            Plan.SWAP,
            Duration.ofMillis(5),
            true,
            HARTS);
    Outcome outcome =
        new Soak(
                plan,
                Services.service(Root.class),
                Services.service(Swapper.class),
                Services.service(Observation.class),
                null,
                line -> {})
            .run("soak-it", Services.boot("linux"), folder.resolve("disk.img"));
    String all = "seed " + SEED + "\n" + String.join("\n", outcome.lines());
    System.out.println(all);
    assertEquals(List.of(), outcome.faults(), all);
    for (Outcome.Row row : outcome.rows()) {
      assertTrue(row.done() > 0, () -> row.kind() + " was never replaced\n" + all);
    }
    assertTrue(outcome.rounds() > 0 && outcome.sums() > 0 && outcome.answers() > 0, all);
  }
}
