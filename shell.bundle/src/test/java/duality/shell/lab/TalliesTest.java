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
    Crossings.Own nobody = new Crossings.Own(Double.NaN, 1, 2);
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

  @Test
  void whatAMonitorCountsItselfIsReadFromItsTable() {
    Crossings.Own trap =
        Crossings.Own.of(
            """
            state of the virtual processor: 30 exits, 0.002 s, 5 ns each
              system calls of programs: 10 exits, 0.001 s, 5 ns each
              sret: 20 exits, 0.001 s, 5 ns each
            paging within the machine: 7 exits, 0.001 s, 5 ns each
              shadow entries filled: 7 exits, 0.001 s, 5 ns each
            all: 37 exits, 0.003 s, 5 ns each\
            """);
    assertEquals(new Crossings.Own(37, 10, 7), trap);
    assertEquals(1, trap.plus(trap, -1).plus(new Crossings.Own(1, 1, 1), 1).calls());
    Crossings.Own xen =
        Crossings.Own.of(
            """
            hypercalls: 4, 1.0 us each
            system calls handed to the guest: 3, 0.5 us each
            pages shown that its tables have: 2, 0.1 us each
            entries of page tables changed: 99\
            """);
    assertEquals(new Crossings.Own(9, 3, 2), xen);
    assertTrue(Double.isNaN(Crossings.Own.of("").exits()), "a full hart's monitor counts none");
  }
}
