package duality.servers.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.servers.contract.FakeContext;
import duality.servers.contract.FakeMemory;
import java.util.BitSet;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FrameStockTest {
  private final FakeMemory memory = new FakeMemory(1_000);
  private final FakeContext context = new FakeContext("vm/a/pager", Map.of());
  private final FrameStock stock = new FrameStock(context, memory.root, "vm/a", 100, 16, () -> {});

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

  /** Used frames go on over the ends of batches, as they do in a pager that has given most. */
  @Test
  void aSuccessorFindsWhichFramesAreUnused() {
    FrameStock.Run all = new FrameStock.Run(0, 0);
    for (int batch = 0; batch < 3; batch++) {
      for (long left = 16; left > 0; left -= all.count()) {
        all = stock.take(left);
      }
    }
    assertEquals(48, stock.heldFrames());
    assertEquals(0, stock.unusedFrames());
    BitSet used = stock.frames();
    int first = used.nextSetBit(0);
    int[] unused = {first, first + 3, first + 4, first + 17, first + 47};
    for (int frame : unused) {
      used.clear(frame);
    }

    FrameStock next = new FrameStock(context, memory.root, "vm/a", 100, 16, () -> {});
    next.restore(stock.save());
    next.restoreUnused(used);
    next.check();
    assertEquals(unused.length, next.unusedFrames());
    for (int frame = first; frame < first + 48; frame++) {
      assertEquals(used.get(frame), next.isUsed(frame), "frame " + (frame - first));
    }
  }

  @Test
  void framesThatArePutBackTwiceAreFound() {
    FrameStock.Run run = stock.take(5);
    stock.putBack(run);
    stock.putBack(run);
    assertThrows(IllegalStateException.class, stock::check);
  }
}
