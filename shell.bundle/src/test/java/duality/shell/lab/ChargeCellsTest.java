package duality.shell.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import duality.drivers.DriverWork.Work;
import duality.shell.charge.CostModel.Sample;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What counts of several measurements of the same work. */
class ChargeCellsTest {
  private static Sample of(long descriptors, double nanos) {
    return new Sample(new Work("vm/a/blk0", descriptors, 1, 1024, 0, 3), nanos);
  }

  @Test
  void theCheapestAndTheDearestFifthAreLeftOut() {
    Sample middle =
        ChargeCells.middle(
            List.of(of(10, 9e6), of(10, 300), of(10, 100), of(10, 200), of(10, 1), of(10, 150)));
    assertEquals(of(10, 187.5), middle);
  }

  @Test
  void byPriceOfADescriptorAndNotByTime() {
    Sample middle =
        ChargeCells.middle(
            List.of(of(1000, 1000), of(10, 900), of(20, 40), of(40, 120), of(60, 180)));
    assertEquals(of(40, 340 / 3.0), middle);
  }

  @Test
  void fewCountAll() {
    assertEquals(of(15, 200), ChargeCells.middle(List.of(of(10, 100), of(20, 300))));
  }
}
