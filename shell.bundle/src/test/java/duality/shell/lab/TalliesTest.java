package duality.shell.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
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

  @Test
  void ofSeveralPairsEachFigureIsTheMedian() {
    Crossings.Own nobody = new Crossings.Own(Double.NaN, 1);
    Crossings.Sample middle =
        Crossings.Sample.median(
            List.of(
                new Crossings.Sample(new Tallies(1, 9, 0, 0, 0, 0, 0, 50), nobody, 3),
                new Crossings.Sample(new Tallies(2, 1, 0, 0, 0, 0, 0, 70), nobody, 900),
                new Crossings.Sample(new Tallies(90, 2, 0, 0, 0, 0, 0, 60), nobody, 4)));
    assertEquals(2, middle.counted().calls());
    assertEquals(2, middle.counted().faults());
    assertEquals(60, middle.counted().cpuNanos());
    assertEquals(4, middle.nanos());
    assertTrue(Double.isNaN(middle.own().exits()));
    assertEquals(1, middle.own().calls());
  }
}
