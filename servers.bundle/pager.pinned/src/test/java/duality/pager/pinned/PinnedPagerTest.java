package duality.pager.pinned;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Instance;
import duality.kernel.Pager;
import duality.kernel.Server;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import duality.servers.contract.FakeMemory;
import duality.servers.contract.PagerContract;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PinnedPagerTest extends PagerContract {
  private static final int READ_WRITE = Memory.READ | Memory.WRITE;

  @Override
  protected Server server() {
    return new PinnedPager();
  }

  @Test
  void everythingIsMappedWhenAttachReturns() {
    Pager pager = open(6000);
    memory.region(pager, 0, 5000, READ_WRITE);
    assertEquals(5000, memory.mappedPages());
    assertEquals(5000, memory.allocatedFrames());
    assertEquals(1, memory.allocations, "one run of frames");
    assertEquals(1, memory.maps, "mapped at once");
    memory.region(pager, 9000, 1000, Memory.READ);
    assertEquals(6000, memory.mappedPages());
  }

  @Test
  void aRegionBeyondTheQuotaIsRefusedAsAWhole() {
    Pager pager = open(100);
    memory.region(pager, 0, 60, READ_WRITE);
    CallFailed.BadRequest refused =
        assertThrows(CallFailed.BadRequest.class, () -> memory.region(pager, 100, 41, READ_WRITE));
    assertTrue(refused.getMessage().contains("41"), refused.getMessage());
    assertTrue(refused.getMessage().contains("100"), refused.getMessage());
    assertEquals(60, memory.mappedPages());
    memory.region(pager, 100, 40, READ_WRITE);
    assertEquals(100, memory.mappedPages());
  }

  @Test
  void aRegionThatThePoolCannotBackIsRefusedAsAWhole() {
    Pager pager = open(Map.of());
    memory.region(pager, 0, 9_000, READ_WRITE);
    assertThrows(
        CallFailed.BadRequest.class, () -> memory.region(pager, 50_000, 1_001, READ_WRITE));
    assertEquals(9_000, memory.mappedPages());
    assertEquals(9_000, memory.allocatedFrames(), "what it got for it is given back");
    memory.region(pager, 50_000, 1_000, READ_WRITE);
  }

  @Test
  void aScatteredPoolWillDo() {
    memory.longestRun = 3;
    Pager pager = open(1000);
    memory.region(pager, 0, 1000, READ_WRITE);
    assertEquals(1000, memory.mappedPages());
  }

  @Test
  void whatADemandPagerLeftMissingIsFilledByAWorkerInChunks() {
    open(9_000);
    Pager pager = restore(demandState(9_000), Map.of("quota", "" + 9_000 * 4096));
    assertEquals(0, memory.allocatedFrames(), "opening changes nothing: the swap may be undone");
    assertTrue(memory.touch(pager, 4_000, Memory.WRITE), "a page touched before its turn");
    State between = ((Instance) pager).save();
    Pager next = restore(between, context.config());
    memory.touch(next, 8_000, Memory.WRITE);
    assertEquals(36, context.runWorker("fill"), "chunks of 256 pages");
    assertEquals(9_000, memory.mappedPages());
    memory.removeRegion(next, 0);
    assertEquals(0, memory.allocatedFrames());
  }

  @Test
  void aPoolTooSmallForAllIsSaidAndWhatIsThereServes() {
    open(20_000);
    Pager pager = restore(demandState(20_000), Map.of());
    context.runWorker("fill");
    assertEquals(10_000, memory.mappedPages());
    assertTrue(
        context.log.stream().anyMatch(line -> line.startsWith("10000 pages stay missing")),
        context.log.toString());
    assertFalse(memory.touch(pager, 19_999, Memory.WRITE));
    assertTrue(memory.touch(pager, 1, Memory.WRITE));
  }

  @Test
  void aQuotaTooSmallForTheRegionsRefusesTheSwap() {
    open(100);
    State demand = demandState(1_000);
    State.Refused refused =
        assertThrows(State.Refused.class, () -> restore(demand, Map.of("quota", "" + 999 * 4096)));
    assertTrue(refused.getMessage().contains("1000"), refused.getMessage());
  }

  /** What a demand pager saves of a region of which nothing was touched. */
  private State demandState(long pages) {
    memory.declare(0, pages);
    return State.of("pager", 1)
        .with("space", FakeMemory.SPACE)
        .with("regions", new long[] {0, pages, READ_WRITE})
        .with("backed", new long[0])
        .with("batches", new long[0]);
  }
}
