package duality.drivers.virtio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.MmioDevice;
import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.GuestQueue.Used;
import duality.drivers.testing.StateText;
import duality.drivers.testing.TestBoard;
import duality.kernel.State;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A virtqueue without a device: what is hard to reach through one. */
class RingsTest {
  private static final int SIZE = 4;

  private final Chain chain = new Chain();
  private final Virtqueue queue = new Virtqueue(8);
  private TestBoard board;
  private GuestQueue guest;

  @BeforeEach
  void setUp() throws Malformed {
    board = new TestBoard();
    MmioDevice nothing =
        new MmioDevice() {
          @Override
          public long load(long offset, int width) {
            return 0;
          }

          @Override
          public void store(long offset, int width, long value) {}

          @Override
          public void reset() {}
        };
    guest = new GuestDriver(board, nothing).queue(0, SIZE, 0x1000);
    queue.size(SIZE);
    queue.descriptorArea(guest.descriptors());
    queue.driverArea(guest.available());
    queue.deviceArea(guest.used());
    queue.makeReady();
  }

  @AfterEach
  void tearDown() {
    assertEquals(0, board.openGrants());
    board.close();
  }

  private Rings open() throws Malformed {
    return queue.open(board.memory(), true, false);
  }

  @Test
  void aChainIsShownUntilItIsTaken() throws Malformed {
    try (Rings rings = open()) {
      assertFalse(rings.next(chain));
      int head =
          guest.add(new Buffer(16, 3, false), new Buffer(32, 5, true), new Buffer(64, 7, true));
      assertTrue(rings.next(chain));
      assertTrue(rings.next(chain));
      assertEquals(head, chain.head());
      assertEquals(3, chain.buffers());
      assertEquals(1, chain.readable());
      assertEquals(3, chain.readableBytes());
      assertEquals(12, chain.writableBytes());
      assertEquals(TestBoard.MEMORY + 64, chain.address(2));
      assertEquals(7, chain.length(2));
      rings.take();
      assertFalse(rings.next(chain));
    }
  }

  @Test
  void whatComesWhileKicksAreNotWantedIsSeen() throws Malformed {
    try (Rings rings = open()) {
      rings.mute();
      assertEquals(1, board.ram().getShort(guest.used() - TestBoard.MEMORY));
      guest.add(new Buffer(0, 1, true));
      assertTrue(rings.unmute(), "a chain for which there was no kick");
      assertEquals(0, board.ram().getShort(guest.used() - TestBoard.MEMORY));
      assertTrue(rings.next(chain));
      rings.take();
      assertFalse(rings.unmute());
    }
  }

  @Test
  void interruptsAreForCompletedChainsAndThoseWhoWantThem() throws Malformed {
    guest.add(new Buffer(0, 1, true));
    try (Rings rings = open()) {
      assertTrue(rings.next(chain));
      rings.take();
      assertFalse(rings.interruptWanted(), "nothing was completed");
      rings.complete(chain.head(), 1);
      assertTrue(rings.interruptWanted());
      guest.quiet(true);
      assertFalse(rings.interruptWanted());
    }
    try (Rings rings = open()) {
      guest.quiet(false);
      assertFalse(rings.interruptWanted(), "that was another turn");
    }
  }

  @Test
  void indicesWrapAroundMoreThanOnce() throws Malformed {
    for (int i = 0; i < 140_000; i++) {
      int head = guest.add(new Buffer(0, 1, true));
      try (Rings rings = open()) {
        assertTrue(rings.next(chain));
        rings.take();
        rings.complete(head, i);
        assertFalse(rings.next(chain));
      }
      assertEquals(new Used(head, i), guest.take());
      if (i % 1_000 == 0) {
        Virtqueue successor = new Virtqueue(8);
        successor.restore(queue.save());
        assertEquals(StateText.of(queue.save()), StateText.of(successor.save()));
      }
    }
  }

  @Test
  void theWholeQueueInOneChainIsAllRightAndOneMoreIsNot() throws Malformed {
    Buffer one = new Buffer(0, 1, true);
    guest.add(one, one, one, one);
    try (Rings rings = open()) {
      assertTrue(rings.next(chain));
      assertEquals(SIZE, chain.buffers());
      guest.describe(SIZE - 1, TestBoard.MEMORY, 1, GuestQueue.NEXT | GuestQueue.WRITE, 0);
      String said = assertThrows(Malformed.class, () -> rings.next(chain)).getMessage();
      assertEquals("chain 0 never ends", said);
    }
  }

  @Test
  void indirectTablesMustBeNegotiated() throws Malformed {
    guest.describe(0, TestBoard.MEMORY, 16, GuestQueue.INDIRECT, 0);
    board.ram().setLong(0, TestBoard.MEMORY + 0x100);
    board.ram().setLong(8, 8);
    guest.offer(0);
    try (Rings rings = open()) {
      assertTrue(rings.next(chain));
      assertEquals(TestBoard.MEMORY + 0x100, chain.address(0));
    }
    try (Rings rings = queue.open(board.memory(), false, false)) {
      assertThrows(Malformed.class, () -> rings.next(chain));
    }
  }

  @Test
  void aReadyQueueOfTheWrongShapeIsRefused() {
    State saved = queue.save();
    Virtqueue other = new Virtqueue(8);
    for (State wrong :
        new State[] {
          saved.with("size", 3),
          saved.with("size", 16),
          saved.with("descriptorArea", 8),
          saved.with("driverArea", 1),
          saved.with("deviceArea", 2),
          saved.with("nextUsed", 65_536),
          saved.with("nextAvailable", -1)
        }) {
      assertThrows(State.Refused.class, () -> other.restore(wrong));
    }
    assertThrows(IllegalArgumentException.class, () -> new Virtqueue(12));
  }
}
