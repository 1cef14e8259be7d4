package duality.drivers.virtio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.drivers.MmioDevice;
import duality.drivers.testing.GuestDriver;
import duality.drivers.testing.GuestQueue;
import duality.drivers.testing.GuestQueue.Buffer;
import duality.drivers.testing.TestBoard;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who is told when, where event indices were negotiated (VIRTIO 1.2 §2.7.7, §2.7.10). */
class EventIndexTest {
  private static final int SIZE = 4;

  private final Chain chain = new Chain();
  private final Virtqueue queue = new Virtqueue(8);
  private TestBoard board;
  private GuestQueue guest;
  private int kicks;

  @BeforeEach
  void setUp() throws Malformed {
    board = new TestBoard();
    MmioDevice kicked =
        new MmioDevice() {
          @Override
          public long load(long offset, int width) {
            return 0;
          }

          @Override
          public void store(long offset, int width, long value) {
            kicks += offset == 0x050 ? 1 : 0;
          }

          @Override
          public void reset() {}
        };
    GuestDriver driver = new GuestDriver(board, kicked);
    driver.useEventIndex();
    guest = driver.queue(0, SIZE, 0x1000);
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
    return queue.open(board.memory(), true, true);
  }

  private void add() {
    guest.add(new Buffer(16, 3, false));
    guest.kickIfWanted();
  }

  private void serve(Rings rings) throws Malformed {
    assertTrue(rings.next(chain));
    rings.take();
    rings.complete(chain.head(), 0);
    guest.take();
  }

  @Test
  void theDriverKicksOnceUntilTheDeviceWantsMore() throws Malformed {
    add();
    add();
    assertEquals(1, kicks, "nobody has looked yet");
    try (Rings rings = open()) {
      rings.mute();
      serve(rings);
      add();
      assertEquals(1, kicks, "the device looks anyway");
      assertTrue(rings.unmute(), "there are more");
      serve(rings);
      serve(rings);
      assertFalse(rings.unmute());
      add();
      assertEquals(2, kicks);
      assertEquals(0, board.ram().getShort(guest.used() - TestBoard.MEMORY), "flags are not used");
    }
  }

  @Test
  void theDriverHearsOfTheChainThatItWaitsFor() throws Malformed {
    guest.interruptAfter(3);
    for (int i = 1; i <= 6; i++) {
      add();
      try (Rings rings = open()) {
        assertFalse(rings.interruptWanted(), "nothing was given back");
        serve(rings);
        assertEquals(i == 3, rings.interruptWanted(), "at chain " + i);
        assertFalse(rings.interruptWanted(), "once is enough");
      }
    }
    guest.interruptAfter(2);
    try (Rings rings = open()) {
      for (int i = 0; i < 4; i++) {
        add();
        serve(rings);
      }
      assertTrue(rings.interruptWanted(), "one of several");
    }
  }

  @Test
  void indicesGoRoundAndMayBeAnything() throws Malformed {
    long seed = Long.getLong("duality.seed", 20264);
    Random random = new Random(seed);
    int heard = 0;
    for (int i = 0; i < 140_000; i++) {
      if (i % 1000 < 500) {
        guest.interruptAfter(1);
        add();
        try (Rings rings = open()) {
          serve(rings);
          assertTrue(rings.interruptWanted(), "at " + i + ", seed " + seed);
          assertFalse(rings.unmute());
        }
      } else {
        guest.eventIndex(random.nextInt(), random.nextInt());
        add();
        try (Rings rings = open()) {
          serve(rings);
          heard += rings.interruptWanted() ? 1 : 0;
          assertFalse(rings.unmute());
        }
      }
    }
    assertTrue(heard < 100, heard + " of 70000 random indices were hit, seed " + seed);
  }
}
