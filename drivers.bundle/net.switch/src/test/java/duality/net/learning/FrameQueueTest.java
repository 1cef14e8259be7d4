package duality.net.learning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FrameQueueTest {
  private static final int LIMIT = 1 << 14;

  @Test
  void isAQueueThatNeverGrowsAboveItsLimit() {
    long seed = Long.getLong("duality.seed", 20262);
    Random random = new Random(seed);
    FrameQueue queue = new FrameQueue(LIMIT);
    Deque<byte[]> model = new ArrayDeque<>();
    int bytes = 0;
    for (int step = 0; step < 20_000; step++) {
      if (random.nextInt(20) < 11) {
        byte[] frame = new byte[1 + random.nextInt(random.nextBoolean() ? 100 : 1514)];
        random.nextBytes(frame);
        boolean fits = bytes + 4 + frame.length <= LIMIT;
        assertEquals(fits, queue.add(Arrays.copyOf(frame, 2000), frame.length), "seed " + seed);
        if (fits) {
          model.add(frame);
          bytes += 4 + frame.length;
        }
      } else if (!model.isEmpty()) {
        byte[] expected = Objects.requireNonNull(model.poll());
        bytes -= 4 + expected.length;
        assertEquals(expected.length, queue.firstLength(), "seed " + seed);
        int skip = random.nextInt(expected.length);
        byte[] part = new byte[expected.length - skip];
        queue.copyFirst(skip, part, part.length);
        assertArrayEquals(Arrays.copyOfRange(expected, skip, expected.length), part);
        queue.removeFirst();
      }
      if (random.nextInt(500) == 0) {
        FrameQueue next = new FrameQueue(LIMIT);
        assertTrue(next.restore(queue.content(), 1514));
        queue = next;
      }
      assertEquals(bytes, queue.bytes(), "seed " + seed);
      assertEquals(model.size(), queue.frames(), "seed " + seed);
      assertTrue(queue.isSound(), "seed " + seed);
    }
  }

  @Test
  void contentThatMakesNoSenseIsRefused() {
    byte[][] wrong = {
      {1, 0, 0},
      {0, 0, 0, 0},
      {2, 0, 0, 0, 7},
      {1, 0, 0, 0, 7, 9},
      {-1, -1, -1, -1, 0},
      {101, 0, 0, 0, 1}
    };
    for (byte[] each : wrong) {
      FrameQueue queue = new FrameQueue(LIMIT);
      assertFalse(queue.restore(each, 100), () -> Arrays.toString(each));
      assertTrue(queue.isEmpty());
    }
    assertFalse(new FrameQueue(8).restore(new byte[] {5, 0, 0, 0, 1, 2, 3, 4, 5}, 100), "too much");
  }
}
