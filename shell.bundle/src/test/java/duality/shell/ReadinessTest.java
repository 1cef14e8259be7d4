package duality.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How long a script waits for the system. */
class ReadinessTest {

  @Test
  void aHostThatNeedsPatienceGetsIt() {
    Duration limit = Duration.ofSeconds(60);
    assertEquals(limit, Readiness.patiently(limit, Optional.empty()));
    assertEquals(Duration.ofSeconds(6000), Readiness.patiently(limit, Optional.of("100")));
    assertEquals(limit, Readiness.patiently(limit, Optional.of("much")));
  }
}
