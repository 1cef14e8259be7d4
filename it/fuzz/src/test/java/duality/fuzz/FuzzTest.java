package duality.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Seconds of the fuzzer: the corpus once and some new inputs for each target, the same in each
 * build; {@code -Dduality.seed=N} makes others, and {@code bench/fuzz.sh} goes on for as long as
 * one likes.
 */
@Timeout(600)
class FuzzTest {
  @ParameterizedTest
  @CsvSource({
    "DeviceTarget, 800, 600",
    "MachineTarget, 40, 1850",
    "ProgramTarget, 100, 920",
    "SbiTarget, 40, 1200",
    "GdbTarget, 40, 1250",
    "XenTarget, 40, 1040"
  })
  void nothingComesToHarm(String target, int inputs, int places) throws Exception {
    long seed = Long.getLong("duality.seed", 1);
    System.out.println("FuzzTest " + target + ": -Dduality.seed=" + seed);
    try (Worker worker = new Worker(target, seed, Corpus.of(target))) {
      // Five of a hundred fewer than it reached when it was kept: what bytes mean has changed, or
      // something is not got to any more; if that is right, grow a new one.
      assertTrue(
          worker.places() > places, () -> "the corpus reaches " + worker.places() + " places");
      for (int n = 0; n < inputs; n++) {
        worker.next();
      }
      assertEquals(List.of(), worker.findings(), () -> "seed " + seed);
    }
  }
}
