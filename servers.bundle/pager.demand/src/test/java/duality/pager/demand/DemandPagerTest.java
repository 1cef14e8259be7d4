package duality.pager.demand;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.Instance;
import duality.kernel.Pager;
import duality.kernel.Server;
import duality.kernel.State;
import duality.kernel.processor.Memory;
import duality.servers.contract.FakeMemory;
import duality.servers.contract.PagerContract;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DemandPagerTest extends PagerContract {
  private static final int READ_WRITE = Memory.READ | Memory.WRITE;

  @Override
  protected Server server() {
    return new DemandPager();
  }

  @Test
  void nothingIsMappedBeforeTheFirstTouch() {
    Pager pager = open(1000);
    memory.region(pager, 0, 1000, READ_WRITE);
    assertEquals(0, memory.mappedPages());
    assertEquals(0, memory.allocatedFrames());
    memory.touch(pager, 500, Memory.READ);
    assertEquals(1, memory.mappedPages());
  }

  @Test
  void aTouchBringsTheMissingPagesOfItsBlock() {
    Pager pager = open(Map.of("quota", "4096000", "around", "16"));
    memory.region(pager, 40, 100, READ_WRITE);
    assertTrue(memory.touch(pager, 41, Memory.WRITE));
    assertEquals(8, memory.mappedPages(), "pages 40 to 47: the block begins before the region");
    Long frame = memory.frameOf(45);
    assertTrue(memory.touch(pager, 63, Memory.WRITE));
    assertEquals(24, memory.mappedPages(), "and 48 to 63");
    memory.removePages(45, 1);
    assertTrue(memory.touch(pager, 45, Memory.READ));
    assertEquals(frame, memory.frameOf(45), "what has a frame keeps it");
    pager.release(FakeMemory.SPACE, 45, 1); // it is mapped: not given back, but asked
    assertTrue(memory.touch(pager, 100, Memory.WRITE));
    assertEquals(25, memory.mappedPages(), "from then on single pages");
  }

  @Test
  void aTouchedPageHasItsFrameWhereThereAreNotEnoughForItsBlock() {
    Pager pager = open(Map.of("quota", "81920", "around", "16"));
    memory.region(pager, 0, 100, READ_WRITE);
    assertTrue(memory.touch(pager, 3, Memory.WRITE));
    assertTrue(memory.touch(pager, 17, Memory.WRITE));
    assertEquals(20, memory.mappedPages(), "the quota");
    assertFalse(memory.touch(pager, 31, Memory.WRITE));
  }

  @Test
  void aTouchedPageHasItsFrameWhereRunsAreShorterThanItsBlock() {
    memory.longestRun = 5;
    Pager other = open(Map.of("around", "16"));
    memory.region(other, 0, 100, READ_WRITE);
    for (long page = 99; page >= 0; page -= 7) {
      assertTrue(memory.touch(other, page, Memory.WRITE), "page " + page);
    }
  }

  @Test
  void rootIsAskedOncePerBatch() {
    Pager pager = open(1000);
    memory.region(pager, 0, 1000, READ_WRITE);
    for (long page = 0; page < 640; page++) {
      memory.touch(pager, page, Memory.WRITE);
    }
    assertEquals(10, memory.allocations, "640 pages in batches of 64");
    assertEquals(640, memory.maps);
  }

  @Test
  void beyondTheQuotaATouchIsRefusedAndLoggedOnceWithFigures() {
    Pager pager = open(100);
    memory.region(pager, 0, 1000, READ_WRITE);
    for (long page = 0; page < 100; page++) {
      assertTrue(memory.touch(pager, page, Memory.WRITE), "page " + page);
    }
    for (long page = 100; page < 110; page++) {
      assertFalse(memory.touch(pager, page, Memory.WRITE), "page " + page);
    }
    assertEquals(100, memory.allocatedFrames());
    assertEquals(1, context.log.size(), "one line for ten refusals: " + context.log);
    assertTrue(context.log.get(0).contains("100 frames (400 KiB)"), context.log.get(0));
    assertTrue(context.log.get(0).contains("page 0x64"), context.log.get(0));
    assertTrue(memory.touch(pager, 50, Memory.READ), "what is there can be used on");
  }

  @Test
  void takesShorterRunsWhenRootHasNoLongOnes() {
    memory.longestRun = 5;
    Pager pager = open(1000);
    memory.region(pager, 0, 100, READ_WRITE);
    for (long page = 0; page < 100; page++) {
      assertTrue(memory.touch(pager, page, Memory.WRITE), "page " + page);
    }
  }

  @Test
  void anEmptyPoolIsARefusalWithRootsWords() {
    Pager pager = open(Map.of());
    memory.region(pager, 0, 20_000, READ_WRITE);
    long page = 0;
    while (memory.touch(pager, page, Memory.WRITE)) {
      page++;
    }
    assertEquals(10_000, page, "as many as the pool has");
    assertTrue(context.log.get(0).contains("of 10000 frames"), context.log.get(0));
  }

  @Test
  void aLargeRegionOfWhichLittleIsTouchedCostsLittle() {
    Pager pager = open(100);
    long tebibyte = 1L << 28;
    memory.region(pager, 0, tebibyte, READ_WRITE);
    assertTrue(memory.touch(pager, tebibyte - 1, Memory.WRITE));
    assertTrue(memory.touch(successor(pager), 0, Memory.WRITE));
  }

  @Test
  void twoHartsThatTouchOnePageGetOneFrame() throws InterruptedException {
    Pager pager = open(2000);
    memory.region(pager, 0, 1000, READ_WRITE);
    Runnable hart =
        () -> {
          for (long page = 0; page < 1000; page++) {
            pager.fault(FakeMemory.SPACE, page, Memory.WRITE);
          }
        };
    Thread other = new Thread(hart);
    other.start();
    hart.run();
    other.join();
    assertEquals(1000, memory.mappedPages());
    long allocated = memory.allocatedFrames();
    assertTrue(allocated >= 1000 && allocated <= 1125, "an eighth more at most: " + allocated);
  }

  @Test
  void aPagerOfManyFramesHasFewBatchesForASuccessorToLookAt() {
    Pager pager = open(8_000);
    memory.region(pager, 0, 8_000, READ_WRITE);
    for (long page = 0; page < 8_000; page++) {
      assertTrue(memory.touch(pager, page, Memory.WRITE));
    }
    State saved = ((Instance) pager).save();
    int batches = saved.numbers("batches").length / 2;
    assertTrue(batches < 40, batches + " batches instead of 125");
    assertEquals(1, saved.numbers("backed").length / 3, "one run");
    assertTrue(memory.touch(successor(pager), 7_999, Memory.READ));
  }

  @Test
  void whatIsInheritedAndNotLookedAtIsHandedOnAsItIs() {
    Random random = new Random(5);
    Pager pager = open(9_000);
    memory.region(pager, 3, 6_000, READ_WRITE);
    for (int round = 0; round < 40; round++) {
      for (int i = 0; i < 50; i++) {
        long page = 3 + random.nextInt(6_000);
        for (long run = 0; run < random.nextInt(20) && page + run < 6_003; run++) {
          assertTrue(memory.touch(pager, page + run, Memory.WRITE));
        }
      }
      long[] before = ((Instance) pager).save().numbers("backed");
      pager = successor(pager);
      assertArrayEquals(before, ((Instance) pager).save().numbers("backed"), "round " + round);
    }
    memory.removeRegion(pager, 3);
    assertEquals(0, ((Instance) pager).save().numbers("backed").length);
  }

  @Test
  void runsThatAreOutOfOrderAreRefused() {
    Pager pager = open(100);
    memory.region(pager, 0, 50, READ_WRITE);
    assertTrue(memory.touch(pager, 3, Memory.WRITE));
    assertTrue(memory.touch(pager, 9, Memory.WRITE));
    State saved = ((Instance) pager).save();
    long[] backed = saved.numbers("backed");
    long[] turned = {backed[3], backed[4], backed[5], backed[0], backed[1], backed[2]};
    State wrong =
        State.of("pager", 1)
            .with("space", saved.number("space"))
            .with("regions", saved.numbers("regions"))
            .with("backed", turned)
            .with("batches", saved.numbers("batches"));
    assertThrows(State.Refused.class, () -> restore(wrong, context.config()));
  }

  @Test
  void anotherOwnerCanBeCharged() {
    Pager pager = open(Map.of("owner", "vm/b"));
    memory.region(pager, 0, 10, READ_WRITE);
    memory.touch(pager, 0, Memory.WRITE);
    assertEquals(Map.of("vm/b", 64L), memory.owners);
  }
}
