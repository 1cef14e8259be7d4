package duality.net.learning;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AddressTableTest {
  private static final long MINUTE = 60_000_000_000L;

  private final AddressTable table = new AddressTable(LearningSwitch.MOST_CARDS);

  @Test
  void knowsWhereAnAddressWasSeenLast() {
    table.learn(0x02_0000_0000_01L, 1, 0);
    table.learn(0x02_0000_0000_01L, 2, MINUTE);
    assertEquals(2, table.port(0x02_0000_0000_01L, MINUTE));
    assertEquals(-1, table.port(0x02_0000_0000_02L, MINUTE));
    assertEquals(1, table.size(), "it was moved, not copied");
    table.forget(2);
    assertEquals(-1, table.port(0x02_0000_0000_01L, MINUTE));
  }

  @Test
  void forgetsWhatWasNotSeenForFiveMinutes() {
    table.learn(5, 1, 0);
    assertEquals(1, table.port(5, 5 * MINUTE));
    assertEquals(-1, table.port(5, 5 * MINUTE + 1));
    table.learn(5, 1, 5 * MINUTE);
    assertEquals(1, table.port(5, 10 * MINUTE));
  }

  @Test
  void whoInventsAddressesHarmsNobodyElse() {
    long seed = Long.getLong("duality.seed", 20263);
    Random random = new Random(seed);
    Map<Long, Integer> honest = new HashMap<>();
    for (int port = 1; port <= 4; port++) {
      for (int i = 0; i < 10; i++) {
        long address = random.nextLong() >>> 16;
        table.learn(address, port, 0);
        if (table.port(address, 0) == port) { // a set may be full already
          honest.put(address, port);
        }
      }
    }
    int known = table.size();
    for (int i = 0; i < 100_000; i++) {
      table.learn(random.nextLong() >>> 16, 0, i);
      if (i % 1000 == 0) {
        assertTrue(table.sound(), "counts, seed " + seed);
      }
    }
    honest.forEach(
        (address, port) -> assertEquals(port, table.port(address, MINUTE), "seed " + seed));
    assertTrue(table.size() <= known + AddressTable.MOST_OF_A_PORT, "seed " + seed);
    assertTrue(honest.size() > 30, "seed " + seed);
  }
}
