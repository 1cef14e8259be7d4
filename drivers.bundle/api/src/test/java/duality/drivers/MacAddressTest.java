package duality.drivers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MacAddressTest {
  @Test
  void aMachinesCardHasItsOwnAddressAndAlwaysTheSame() {
    Set<Long> all = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      for (int number = 0; number < 4; number++) {
        long address = MacAddress.of("machine-" + i, number);
        assertTrue(all.add(address), "two cards of one address");
        assertTrue(MacAddress.isCard(address));
        assertEquals(2, address >>> 40 & 3, "locally administered, one card's");
        assertEquals(address, MacAddress.parse(MacAddress.text(address)));
      }
    }
    assertEquals(
        "6a:7f:65:c8:cb:a5", MacAddress.text(MacAddress.of("a", 0)), "as in earlier versions");
  }

  @Test
  void groupsAndNonsenseAreNoCards() {
    assertFalse(MacAddress.isCard(0));
    assertFalse(MacAddress.isCard(0xffff_ffff_ffffL));
    assertFalse(MacAddress.isCard(0x0100_5e00_0001L));
    assertFalse(MacAddress.isCard(1L << 48 | 2));
    assertTrue(MacAddress.isGroup(0x0100_5e00_0001L));
    for (String wrong : new String[] {"", "02:00", "01:00:00:00:00:01", "02-00-00-00-00-01"}) {
      assertThrows(IllegalArgumentException.class, () -> MacAddress.parse(wrong));
    }
  }
}
