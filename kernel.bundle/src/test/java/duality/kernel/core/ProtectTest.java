package duality.kernel.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.kernel.CallFailed;
import duality.kernel.Frame;
import duality.kernel.Pager;
import duality.kernel.processor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Rights of pages: taken from mapped and missing pages alike, and given back through the pager. */
class ProtectTest {
  private static final int ALL = Memory.READ | Memory.WRITE | Memory.EXECUTE;

  private final Core core = Core.start(1, 1 << 20, 20);
  private final Frame frames = core.kernel().allFrames();
  private final SpaceObject space =
      core.newSpace(
          new EndpointObject(
              core,
              Gate.of(core, "test", 80, 1000),
              Pager.class,
              java.util.Map.of(),
              java.util.List.of()),
          "test:space");
  private int asked;

  /** Maps page N to frame N with all rights, whatever is asked. */
  private final Pager pager =
      new Pager() {
        @Override
        public void attach(int id, long page, long pages, int rights) {}

        @Override
        public void detach(int id, long page, long pages) {}

        @Override
        public boolean fault(int id, long page, int access) {
          asked++;
          space.map(page, frames, page, 1, ALL);
          return true;
        }
      };

  @AfterEach
  void stop() {
    core.close();
  }

  private boolean may(long page, int access) {
    return space.translate(page, access) > Memory.OUTSIDE;
  }

  @Test
  void aMappedPageLosesTheRightAtOnceAndGetsItBackByAFault() {
    space.region(0, 10, ALL, pager);
    assertTrue(space.fault(0, Memory.WRITE));
    int epoch = space.epoch();
    space.protect(0, 2, Memory.READ);
    assertTrue(may(0, Memory.READ));
    assertFalse(may(0, Memory.WRITE));
    assertNotEquals(epoch, space.epoch(), "harts drop what they had");
    assertFalse(space.fault(0, Memory.WRITE), "refused");
    assertEquals(1, asked, "without asking the pager");
    space.protect(0, 2, ALL);
    assertTrue(space.fault(0, Memory.WRITE));
    assertTrue(may(0, Memory.WRITE));
    assertEquals(2, asked);
  }

  @Test
  void aMissingPageHasItsRightsBeforeItIsTouched() {
    space.region(0, 10, ALL, pager);
    space.protect(3, 1, 0);
    assertFalse(space.fault(3, Memory.READ));
    assertTrue(space.fault(4, Memory.READ));
    space.protect(3, 1, Memory.READ);
    assertTrue(space.fault(3, Memory.READ));
    assertFalse(may(3, Memory.WRITE), "the pager mapped it with all rights");
    assertThrows(CallFailed.BadRequest.class, () -> space.grant(3 << 12, 8, Memory.WRITE));
    space.grant(3 << 12, 8, Memory.READ).close();
  }

  @Test
  void aPageWithoutRightsStaysMapped() {
    space.region(0, 10, ALL, pager);
    assertTrue(space.fault(0, Memory.READ));
    space.protect(0, 1, 0);
    assertEquals(1, space.mappedPages());
    assertEquals(0, space.frameAt(0), "frame 0 is a frame like any other");
    space.removeRegion(0);
    assertEquals(0, space.mappedPages());
  }

  @Test
  void protectRefusesRightsAndPagesThatTheRegionLacks() {
    space.region(0, 10, Memory.READ, pager);
    assertThrows(CallFailed.BadRequest.class, () -> space.protect(0, 1, Memory.WRITE));
    assertThrows(CallFailed.BadRequest.class, () -> space.protect(9, 2, 0));
    assertThrows(CallFailed.BadRequest.class, () -> space.protect(20, 1, 0));
  }
}
