package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Frame;
import duality.kernel.Grant;
import duality.kernel.Pager;
import duality.kernel.processor.Memory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pages of one space in another: what is taken in the first is taken in the second. */
@Timeout(300)
class ShareTest {
  private static final int READ_WRITE = Memory.READ | Memory.WRITE;
  private static final int ALL = READ_WRITE | Memory.EXECUTE;

  private final Core core = Core.start(1, 1 << 20, 20);
  private final Frame frames = core.kernel().allFrames();
  private final SpaceObject source = space("source");
  private final SpaceObject heir = space("heir");
  private int asked;

  /** Maps page N to frame N, for reading and writing; refuses page 9. */
  private final Pager pager =
      new Pager() {
        @Override
        public void attach(int id, long page, long pages, int rights) {}

        @Override
        public void detach(int id, long page, long pages) {}

        @Override
        public boolean fault(int id, long page, int access) {
          asked++;
          if (page == 9) {
            return false;
          }
          source.map(page, frames, page, 1, READ_WRITE);
          return true;
        }
      };

  private SpaceObject space(String name) {
    EndpointObject owner =
        new EndpointObject(core, Gate.of(core, name, 80, 1000), Pager.class, Map.of(), List.of());
    return core.newSpace(owner, "test:" + name);
  }

  @BeforeEach
  void regions() {
    source.region(0, 10, ALL, pager);
    heir.region(100, 10, ALL);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  @Test
  void itsPagerIsAskedForTheFirstPageOnly() {
    assertEquals(READ_WRITE, heir.share(100, source, 0, 4, READ_WRITE));
    assertEquals(1, asked);
    assertEquals(1, heir.mappedPages());
    assertEquals(READ_WRITE, heir.share(101, source, 1, 1, READ_WRITE));
    assertEquals(READ_WRITE, heir.share(100, source, 0, 4, READ_WRITE));
    assertEquals(2, heir.mappedPages(), "the ones that are there");
    assertEquals(1, heir.frameAt(101));
    assertEquals(0, heir.share(109, source, 9, 1, READ_WRITE), "the pager refuses");
    assertEquals(0, heir.share(109, source, 50, 1, READ_WRITE), "in no region");
    assertEquals(READ_WRITE, heir.share(102, source, 2, 1, ALL), "no more than it has there");
    assertEquals(Memory.READ, heir.share(103, source, 2, 1, Memory.READ));
    assertEquals(Memory.MISSING, heir.translate(103, Memory.WRITE));
  }

  @Test
  void aMissingPageOfARegionWithoutAPagerIsNobodysToBring() {
    assertEquals(Memory.MISSING, heir.translate(100, Memory.READ));
    assertFalse(heir.fault(100, Memory.READ));
    assertThrows(CallFailed.BadRequest.class, () -> heir.grant(100 << 12, 8, Memory.READ));
    assertThrows(CallFailed.BadRequest.class, () -> heir.region(105, 10, ALL));
    heir.removeRegion(100);
    assertEquals(Memory.OUTSIDE, heir.translate(100, Memory.READ));
  }

  @Test
  void whatIsTakenThereIsTakenHere() {
    for (int page = 0; page < 4; page++) {
      assertEquals(READ_WRITE, heir.share(100 + page, source, page, 1, READ_WRITE));
      assertEquals(READ_WRITE, heir.share(104 + page, source, page, 1, READ_WRITE));
    }
    int epoch = heir.epoch();
    source.unmap(0, 1);
    assertEquals(-1, heir.frameAt(100));
    assertEquals(-1, heir.frameAt(104), "wherever it is");
    assertEquals(6, heir.mappedPages());
    assertNotEquals(epoch, heir.epoch(), "harts drop what they had");
    source.protect(1, 1, Memory.READ);
    assertEquals(Memory.MISSING, heir.translate(101, Memory.WRITE), "a right as well");
    assertEquals(Memory.READ, heir.share(101, source, 1, 1, READ_WRITE));
    source.map(2, frames, 7, 1, READ_WRITE);
    assertEquals(-1, heir.frameAt(102), "another frame took its place");
    frames.reclaim(3, 1);
    assertEquals(-1, heir.frameAt(103));
    source.removeRegion(0);
    assertEquals(0, heir.mappedPages());
  }

  @Test
  void theHeirsHeirsLoseItToo() {
    SpaceObject last = space("last");
    last.region(0, 4, ALL);
    assertEquals(READ_WRITE, heir.share(100, source, 0, 1, READ_WRITE));
    assertEquals(READ_WRITE, last.share(0, heir, 100, 1, READ_WRITE));
    assertThrows(CallFailed.BadRequest.class, () -> source.share(0, last, 0, 1, READ_WRITE));
    assertThrows(CallFailed.BadRequest.class, () -> heir.share(101, heir, 100, 1, READ_WRITE));
    source.unmap(0, 1);
    assertEquals(-1, last.frameAt(0));
    assertEquals(READ_WRITE, heir.share(100, source, 0, 1, READ_WRITE));
    assertEquals(READ_WRITE, last.share(0, heir, 100, 1, READ_WRITE));
    heir.unmap(100, 1);
    assertEquals(0, source.frameAt(0), "who gave it keeps it");
    assertEquals(-1, last.frameAt(0));
  }

  @Test
  void aPageThatIsLentByTheHeirIsWaitedFor() throws Exception {
    heir.share(100, source, 0, 1, READ_WRITE);
    Grant grant = heir.grant(100 << 12, 8, Memory.READ);
    CountDownLatch begun = new CountDownLatch(1);
    Thread takes =
        Thread.ofPlatform()
            .start(
                () -> {
                  begun.countDown();
                  source.unmap(0, 1);
                });
    begun.await();
    for (int i = 0; i < 1000; i++) {
      assertEquals(0, heir.frameAt(100), "while it is lent it stays");
    }
    grant.close();
    takes.join();
    assertEquals(-1, heir.frameAt(100));
  }

  @Test
  void aSpaceThatHasEndedGetsNothing() {
    heir.share(100, source, 0, 1, READ_WRITE);
    core.endSpace(heir);
    assertThrows(CallFailed.class, () -> heir.share(100, source, 0, 1, READ_WRITE));
    source.unmap(0, 1);
    assertTrue(source.mappedPages() == 0);
  }
}
