package duality.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Seconds of the fuzzer: the corpus and some hundred new inputs for each target, the same in each
 * build; {@code -Dduality.seed=N} makes others, and {@code bench/fuzz.sh} goes on for as long as
 * one likes.
 */
@Timeout(600)
class FuzzTest {
  @ParameterizedTest
  @CsvSource({
    "DeviceTarget, 2000",
    "MachineTarget, 60",
    "ProgramTarget, 200",
    "SbiTarget, 40",
    "GdbTarget, 40",
    "XenTarget, 40"
  })
  void nothingComesToHarm(String target, int inputs) throws Exception {
    long seed = Long.getLong("duality.seed", 1);
    System.out.println("FuzzTest " + target + ": -Dduality.seed=" + seed);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    try (Worker worker = new Worker(target, seed, Corpus.of(target))) {
      for (int n = 0; n < inputs && System.nanoTime() < end; n++) {
        worker.next();
      }
      assertEquals(List.of(), worker.findings(), () -> "seed " + seed);
      assertTrue(worker.places() > 100, () -> worker.places() + " places were reached");
    }
  }
}
