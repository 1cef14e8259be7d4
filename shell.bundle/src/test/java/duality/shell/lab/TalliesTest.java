package duality.shell.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class TalliesTest {
  @Test
  void whatIsTheSameInBothRunsFallsOut() {
    // A start of 40 calls, 3 calls an operation, 100 and 500 operations.
    Tallies few = new Tallies(340, 100, 0, 10, 5, 0, 0, 1_000);
    Tallies many = new Tallies(1_540, 500, 0, 10, 5, 0, 0, 9_000);
    Tallies each = many.moreThan(few, 400);
    assertEquals(3, each.calls());
    assertEquals(1, each.faults());
    assertEquals(0, each.devices());
    assertEquals(20, each.cpuNanos());
    assertEquals(1_200, many.since(few).calls());
  }
}
