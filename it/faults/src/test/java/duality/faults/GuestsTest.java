package duality.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What a JVM is told of the guests that it will have. */
class GuestsTest {
  @Test
  void theJvmHasAProcessorForEachHartThatRuns() {
    assertEquals(
        List.of("-Dduality.faults.cpus=1", "-Dduality.processors=5"),
        new Guests(false, 1).options(4));
    assertEquals(
        List.of("-Dduality.faults.cpus=4", "-Dduality.processors=5"),
        new Guests(false, 4).options(4),
        "nano starts one");
    List<String> linux = new Guests(true, 4).options(1);
    assertEquals("-Dduality.processors=5", linux.getLast());
  }

  @Test
  void moreHartsThanAMachineCanHaveAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new Guests(false, 9));
    assertThrows(IllegalArgumentException.class, () -> new Guests(true, 0));
  }
}
