package duality.servers.contract;

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
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every pager of one space must do, whenever it gives pages their frames. */
@Timeout(300)
public abstract class PagerContract {
  private static final int READ_WRITE = Memory.READ | Memory.WRITE;

  /** Frames, root and space. */
  protected final FakeMemory memory = new FakeMemory(10_000);

  /** The context of the instance opened last. */
  protected FakeContext context = new FakeContext("vm/a/pager", Map.of());

  /** The server under test. */
  protected abstract Server server();

  /** Opens a first instance with a quota in pages. */
  protected final Pager open(long quotaPages) {
    return open(Map.of("quota", Long.toString(quotaPages * 4096)));
  }

  /** Opens a first instance. */
  protected final Pager open(Map<String, String> config) {
    context = new FakeContext("vm/a/pager", config);
    context.keep("space", memory.space);
    context.keep("root", memory.root);
    return (Pager) server().open(context, null);
  }

  /** Opens a successor of the server under test with what the old one saves. */
  protected final Pager successor(Pager old) {
    return restore(((Instance) old).save(), context.config());
  }

  /** Opens an instance of the server under test from a state. */
  protected final Pager restore(@Nullable State saved, Map<String, String> config) {
    FakeContext next = context.successor(config);
    Pager pager = (Pager) server().open(next, saved);
    context = next;
    return pager;
  }

  @Test
  void aTouchedPageHasAFrameAndKeepsIt() {
    Pager pager = open(100);
    memory.region(pager, 16, 10, READ_WRITE);
    assertTrue(memory.touch(pager, 20, Memory.WRITE));
    Long frame = memory.frameOf(20);
    memory.removePages(20, 1);
    assertTrue(memory.touch(pager, 20, Memory.READ), "a page taken out is mapped again");
    assertEquals(frame, memory.frameOf(20), "with what was written to it");
    assertEquals(memory.allocatedFrames(), memory.owners.get("vm/a"), "charged to the parent");
  }

  @Test
  void faultsOutsideOfRegionsAndRightsAreRefused() {
    Pager pager = open(100);
    memory.region(pager, 16, 10, Memory.READ);
    for (long page : new long[] {0, 15, 26, -1, Long.MAX_VALUE, Long.MIN_VALUE}) {
      assertFalse(pager.fault(FakeMemory.SPACE, page, Memory.READ), "page " + page);
    }
    assertFalse(pager.fault(FakeMemory.SPACE, 16, Memory.WRITE), "no right to write");
    assertFalse(pager.fault(FakeMemory.SPACE, 16, Memory.EXECUTE), "no right to execute");
    assertFalse(pager.fault(FakeMemory.SPACE + 1, 16, Memory.READ), "another space");
    assertTrue(pager.fault(FakeMemory.SPACE, 16, Memory.READ));
  }

  @Test
  void impossibleRegionsAreBadRequests() {
    Pager pager = open(1000);
    memory.region(pager, 16, 10, READ_WRITE);
    long[][] wrong = {
      {7, 16, 10, 3},
      {7, 10, 7, 3},
      {7, 25, 1, 3},
      {7, 10, 50, 3},
      {7, 40, 0, 3},
      {7, 40, -1, 3},
      {7, -1, 2, 3},
      {7, 1L << 52, 1, 3},
      {7, Long.MAX_VALUE, 2, 3},
      {8, 40, 1, 3},
      {7, 40, 1, 8},
    };
    for (long[] w : wrong) {
      assertThrows(
          CallFailed.BadRequest.class,
          () -> pager.attach((int) w[0], w[1], w[2], (int) w[3]),
          "space " + w[0] + ", " + w[2] + " pages from " + w[1] + ", rights " + w[3]);
    }
    assertThrows(CallFailed.BadRequest.class, () -> pager.detach(FakeMemory.SPACE, 17, 10));
    assertThrows(CallFailed.BadRequest.class, () -> pager.detach(FakeMemory.SPACE, 16, 9));
    assertTrue(memory.touch(pager, 25, Memory.WRITE), "the region that was there still works");
  }

  @Test
  void framesOfAnEndedRegionServeOthersAsZero() {
    Pager pager = open(20);
    for (int round = 0; round < 50; round++) {
      memory.region(pager, 100 + round, 20, READ_WRITE);
      for (long page = 100 + round; page < 120 + round; page++) {
        assertTrue(memory.touch(pager, page, Memory.WRITE), "round " + round + ", page " + page);
      }
      memory.removeRegion(pager, 100 + round);
    }
    assertEquals(0, memory.allocatedFrames(), "frames left with a pager without regions");
  }

  @Test
  void releasedPagesGiveTheirFramesUpAndAreZeroWhenTheyAreTouchedAgain() {
    Pager pager = open(Map.of("quota", Long.toString(200 * 4096), "batch", "16"));
    memory.longestRun = 16; // frames go back to root in the runs in which they came
    memory.region(pager, 1000, 128, READ_WRITE);
    for (long page = 1000; page < 1128; page++) {
      assertTrue(memory.touch(pager, page, Memory.WRITE), "page " + page);
    }
    int before = memory.allocatedFrames();
    for (long page = 1032; page < 1096; page++) {
      memory.removePages(page, 1); // as the kernel does before it tells the pager
      pager.release(FakeMemory.SPACE, page, 1);
    }
    // All but those in runs of which a page at either end is in use still.
    int less = before - memory.allocatedFrames();
    assertTrue(less >= 32 && less <= 64, less + " frames of 64 pages are with root again");
    ((Instance) pager).check();
    memory.region(pager, 5000, 10, READ_WRITE);
    for (long page = 1127; page >= 1000; page--) {
      assertTrue(memory.touch(pager, page, Memory.WRITE), "page " + page);
    }
    for (long page = 5000; page < 5010; page++) {
      assertTrue(memory.touch(pager, page, Memory.WRITE), "page " + page);
    }
    ((Instance) pager).check();
    memory.removePages(1000, 64);
    pager.release(FakeMemory.SPACE, 1000, 64);
    pager = successor(pager);
    assertTrue(memory.touch(pager, 1010, Memory.WRITE), "after a swap");
    for (long[] wrong : new long[][] {{7, 999, 1}, {7, 1100, 29}, {7, 1000, 0}, {8, 1000, 1}}) {
      Pager last = pager;
      assertThrows(
          CallFailed.BadRequest.class,
          () -> last.release((int) wrong[0], wrong[1], wrong[2]),
          () -> wrong[2] + " pages from " + wrong[1] + " on in space " + wrong[0]);
    }
    ((Instance) pager).ended();
    assertEquals(0, memory.allocatedFrames());
  }

  @Test
  void whenTheEndpointEndsAllFramesGoBack() {
    Pager pager = open(100);
    memory.region(pager, 0, 60, READ_WRITE);
    memory.touch(pager, 5, Memory.WRITE);
    assertTrue(memory.allocatedFrames() > 0);
    ((Instance) pager).ended();
    ((Instance) pager).close();
    assertEquals(0, memory.allocatedFrames());
    assertTrue(context.slots().stream().noneMatch(slot -> slot.startsWith("frames/")));
  }

  @Test
  void closingAfterASwapGivesNothingBack() {
    Pager old = open(100);
    memory.region(old, 0, 60, READ_WRITE);
    memory.touch(old, 5, Memory.WRITE);
    int before = memory.allocatedFrames();
    successor(old);
    ((Instance) old).close();
    assertEquals(before, memory.allocatedFrames());
  }

  @Test
  void aSuccessorHasTheSamePagesAndOnlyThose() {
    long seed = 77;
    Random random = new Random(seed);
    Pager pager = open(Map.of("quota", Long.toString(600 * 4096), "batch", "16"));
    memory.region(pager, 0, 200, READ_WRITE);
    memory.region(pager, 1000, 100, READ_WRITE);
    memory.region(pager, 5000, 200, READ_WRITE);
    long[] starts = {0, 1000, 5000};
    for (int i = 0; i < 600; i++) {
      int region = random.nextInt(3);
      long page = starts[region] + random.nextInt(region == 1 ? 100 : 200);
      assertTrue(memory.touch(pager, page, Memory.WRITE), "page " + page + ", seed " + seed);
      if (i % 50 == 0) {
        memory.removePages(page, 1);
        pager = successor(pager);
        assertTrue(memory.touch(pager, page, Memory.READ), "after a swap, seed " + seed);
      }
      if (i % 90 == 0) {
        memory.removeRegion(pager, 1000);
        memory.region(pager, 1000, 100, READ_WRITE);
      }
    }
    assertTrue(memory.allocatedFrames() <= 600);
    ((Instance) pager).ended();
    assertEquals(0, memory.allocatedFrames());
  }

  @Test
  void theSuccessorOfOneThatCanSaveNothingFindsAllInTheSpace() {
    long seed = 79;
    Random random = new Random(seed);
    Pager pager = open(Map.of("quota", Long.toString(600 * 4096), "batch", "16"));
    memory.region(pager, 0, 300, READ_WRITE);
    memory.region(pager, 1000, 100, READ_WRITE);
    State left = context.checkpoint;
    for (int i = 0; i < 400; i++) {
      long page = random.nextInt(400);
      assertTrue(memory.touch(pager, page < 300 ? page : 700 + page, Memory.WRITE), "seed " + seed);
      if (i % 90 == 0) {
        memory.removeRegion(pager, 1000);
        memory.region(pager, 1000, 100, READ_WRITE);
      }
      if (i % 50 == 0) {
        left = context.checkpoint == null ? left : context.checkpoint;
        Pager next = restore(left, context.config());
        assertEquals(
            text(((Instance) pager).save()), text(((Instance) next).save()), "seed " + seed);
        pager = next;
      }
    }
    memory.removePages(5, 1); // what is taken out of the space counts as given back
    Pager last = restore(context.checkpoint == null ? left : context.checkpoint, context.config());
    for (long page = 0; page < 300; page++) {
      ((Instance) last).check();
      assertTrue(memory.touch(last, page, Memory.WRITE), "page " + page);
    }
    ((Instance) last).ended();
    assertEquals(0, memory.allocatedFrames());
  }

  @Test
  void savingTwiceSaysTheSame() {
    Pager pager = open(100);
    memory.region(pager, 0, 60, READ_WRITE);
    memory.touch(pager, 9, Memory.WRITE);
    memory.touch(pager, 3, Memory.WRITE);
    State first = ((Instance) pager).save();
    State second = ((Instance) successor(pager)).save();
    assertEquals(text(first), text(second));
  }

  @Test
  void aFaultThatIsAbortedAtTheKernelLeavesEachFrameBehindOnePage() {
    for (boolean mappedAlready : new boolean[] {false, true}) {
      FakeMemory there = new FakeMemory(10_000);
      context = new FakeContext("vm/a/pager", Map.of("quota", "409600"));
      context.keep("space", there.space);
      context.keep("root", there.root);
      Pager filled = (Pager) server().open(context, null);
      there.region(filled, 16, 10, READ_WRITE);
      State saved = ((Instance) filled).save();
      there.removePages(16, 10);
      // Without a frame behind them as after a take-over, so that each kind of pager has to map.
      Pager pager = restore(saved.with("backed", new long[0]), context.config());
      Error aborted = new Error("given up");
      there.insteadOfMap = mappedAlready ? null : aborted;
      there.behindMap = mappedAlready ? aborted : null;
      assertThrows(Error.class, () -> pager.fault(FakeMemory.SPACE, 20, Memory.WRITE));
      Pager next = successor(pager);
      for (long page = 25; page >= 16; page--) {
        assertTrue(there.touch(next, page, Memory.WRITE), "page " + page);
      }
    }
  }

  @Test
  void framesOfARegionWhoseEndIsGivenUpServeOthersAsZero() {
    for (boolean part : new boolean[] {false, true}) {
      FakeMemory there = new FakeMemory(10_000);
      context = new FakeContext("vm/a/pager", Map.of("quota", "819200", "batch", "64"));
      context.keep("space", there.space);
      context.keep("root", there.root);
      Pager pager = (Pager) server().open(context, null);
      // Two regions in one batch, so that it does not go back to root as a whole.
      there.region(pager, 16, 10, READ_WRITE);
      there.region(pager, 50, 10, READ_WRITE);
      for (long page = 16; page < 26; page++) {
        assertTrue(there.touch(pager, page, Memory.WRITE));
        assertTrue(there.touch(pager, page + 34, Memory.WRITE));
      }
      there.insteadOfReclaim = new Error("given up");
      if (part) {
        there.removePages(16, 10);
        try {
          pager.release(FakeMemory.SPACE, 16, 10);
          continue; // a pager may keep them
        } catch (Error givenUp) {
          assertEquals("given up", givenUp.getMessage());
        }
      } else {
        assertThrows(Error.class, () -> there.removeRegion(pager, 16));
      }
      Pager next = successor(successor(pager));
      if (!part) {
        there.region(next, 100, 10, READ_WRITE);
      }
      for (long page = part ? 16 : 100; page < (part ? 26 : 110); page++) {
        assertTrue(there.touch(next, page, Memory.WRITE), "page " + page);
      }
      for (long page = 50; page < 60; page++) {
        assertTrue(there.touch(next, page, Memory.READ), "the other region is there");
      }
      ((Instance) next).check();
    }
  }

  @Test
  void aFaultThatTheKernelRefusesKeepsNoFrame() {
    Pager pager = open(10);
    memory.region(pager, 16, 10, READ_WRITE);
    State saved = ((Instance) pager).save();
    memory.removePages(16, 10);
    Pager next = restore(saved.with("backed", new long[0]), context.config());
    for (int i = 0; i < 30; i++) {
      memory.insteadOfMap = new CallFailed.BadRequest("not now");
      assertFalse(next.fault(FakeMemory.SPACE, 20, Memory.WRITE));
    }
    for (long page = 16; page < 26; page++) {
      assertTrue(memory.touch(next, page, Memory.WRITE), "page " + page);
    }
  }

  @Test
  void booksThatAgreeAreSoundWhateverHappens() {
    long seed = 78;
    Random random = new Random(seed);
    Pager pager = open(Map.of("quota", Long.toString(3_000 * 4096), "batch", "16"));
    memory.region(pager, 0, 1_500, READ_WRITE);
    memory.region(pager, 2_000, 100, READ_WRITE);
    for (int i = 0; i < 1_000; i++) {
      memory.touch(pager, random.nextInt(1_500), Memory.WRITE);
      memory.touch(pager, 2_000 + random.nextInt(100), Memory.WRITE);
      ((Instance) pager).check();
      if (i % 100 == 0) {
        memory.removePages(random.nextInt(1_500), 3);
        ((Instance) pager).check();
        pager = successor(pager);
      }
      if (i % 150 == 0) {
        memory.removeRegion(pager, 2_000);
        ((Instance) pager).check();
        memory.region(pager, 2_000, 100, READ_WRITE);
      }
    }
  }

  @Test
  void aPageThatIsMappedToAnotherFrameThanTheBooksSayIsFound() {
    Pager pager = open(5_000);
    memory.region(pager, 0, 3_000, READ_WRITE);
    assertTrue(memory.touch(pager, 5, Memory.WRITE));
    assertTrue(memory.touch(pager, 2_900, Memory.WRITE));
    Instance instance = (Instance) pager;
    for (int i = 0; i < 9; i++) {
      instance.check();
    }
    memory.exchange(5, 2_900);
    assertThrows(
        IllegalStateException.class,
        () -> {
          for (int i = 0; i < 4; i++) { // it does not look at all pages each time
            instance.check();
          }
        });
  }

  @Test
  void malformedStateIsRefused() {
    Pager pager = open(100);
    memory.region(pager, 0, 10, READ_WRITE);
    memory.touch(pager, 3, Memory.WRITE);
    State good = ((Instance) pager).save();
    long frame = memory.frameOf(3);
    Map<String, State> wrong = new HashMap<>();
    wrong.put("another schema", State.of("scheduler", 1));
    wrong.put("a version of the future", new State("pager", 9, good.values()));
    wrong.put("nothing in it", State.of("pager", 1));
    wrong.put("another space", good.with("space", 8));
    wrong.put("half a region", good.with("regions", new long[] {0, 10}));
    wrong.put("regions that overlap", good.with("regions", new long[] {0, 10, 3, 9, 5, 3}));
    wrong.put("a region without end", good.with("regions", new long[] {0, Long.MAX_VALUE, 3}));
    wrong.put("wrong rights", good.with("regions", new long[] {0, 10, 64}));
    wrong.put("a backed page in no region", good.with("backed", new long[] {99, frame, 1}));
    wrong.put("a frame in no batch", good.with("backed", new long[] {3, 9_999, 1}));
    wrong.put("a negative frame", good.with("backed", new long[] {3, -2, 1}));
    wrong.put("a huge frame", good.with("backed", new long[] {3, Long.MAX_VALUE, 1}));
    wrong.put("a frame beyond 32 bits", good.with("backed", new long[] {3, (1L << 32) + frame, 1}));
    wrong.put("a frame twice", good.with("backed", new long[] {3, frame, 1, 4, frame, 1}));
    wrong.put("a page twice", good.with("backed", new long[] {3, frame, 1, 3, frame + 1, 1}));
    wrong.put("a run too long", good.with("backed", new long[] {3, frame, Long.MAX_VALUE}));
    wrong.put("batches without slot", good.with("batches", new long[] {5_000, 64}));
    wrong.put("a batch of another size", good.with("batches", new long[] {0, 1_000}));
    wrong.put("batches out of order", good.with("batches", new long[] {0, 64, 0, 64}));
    wrong.put("half a batch", good.with("batches", new long[] {0}));
    wrong.forEach(
        (what, state) ->
            assertThrows(
                State.Refused.class, () -> restore(state, context.config()), "state with " + what));
    assertThrows(
        State.Refused.class, () -> restore(good, Map.of("quota", "4096")), "a quota too small");
    assertTrue(memory.touch(pager, 4, Memory.WRITE), "the old one serves on");
  }

  @Test
  void aWrongConfigurationIsABadRequest() {
    for (String wrong : new String[] {"", "-1", "4k", "99999999999999999999"}) {
      assertThrows(
          CallFailed.BadRequest.class, () -> open(Map.of("quota", wrong)), "quota=" + wrong);
    }
    assertThrows(CallFailed.BadRequest.class, () -> open(Map.of("batch", "0")));
    assertThrows(CallFailed.BadRequest.class, () -> open(Map.of("around", "0")));
  }

  private static String text(State state) {
    StringBuilder text = new StringBuilder(state.schema() + state.version());
    state
        .values()
        .forEach(
            (name, value) ->
                text.append(' ')
                    .append(name)
                    .append(
                        value instanceof long[] numbers
                            ? java.util.Arrays.toString(numbers)
                            : value));
    return text.toString();
  }
}
