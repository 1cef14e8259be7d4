package duality.servers.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.servers.contract.FakeContext;
import duality.servers.contract.FakeMemory;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FrameStockTest {
  private final FakeMemory memory = new FakeMemory(1_000);
  private final FrameStock stock =
      new FrameStock(
          new FakeContext("vm/a/pager", Map.of()), memory.root, "vm/a", 100, 16, () -> {});

  @Test
  void framesThatAreTakenAndPutBackAddUp() {
    FrameStock.Run run = stock.take(5);
    stock.check();
    assertEquals(5, run.count());
    assertTrue(stock.isUsed(run.first()));
    assertFalse(stock.isUsed(run.first() + 5));
    stock.putBack(run);
    stock.check();
    assertFalse(stock.isUsed(run.first()));
  }

  @Test
  void framesThatArePutBackTwiceAreFound() {
    FrameStock.Run run = stock.take(5);
    stock.putBack(run);
    stock.putBack(run);
    assertThrows(IllegalStateException.class, stock::check);
  }
}
