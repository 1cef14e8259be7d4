package duality.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What a campaign is told. */
class OptionsTest {
  private static Main.Options of(String words) {
    return Main.Options.parse(List.of(words.split(" ")));
  }

  private static String refused(String words) {
    return String.valueOf(
        assertThrows(IllegalArgumentException.class, () -> of(words)).getMessage());
  }

  @Test
  void kindsThatTheGuestsCannotHaveAreLeftOutButNotWhenTheyWereAskedFor() {
    assertFalse(of("--cpus 2").components().contains(Component.TRAP));
    assertEquals(List.of(Component.UART), of("--cpus 2 --kind uart").components());
    assertEquals(
        "--kind cannot have trap, ring here: vmm.trap and vmm.xen run machines of one hart, and"
            + " vmm.xen no Linux",
        refused("--kind uart,trap,ring --cpus 2"));
  }

  @Test
  void whatIsWrongIsSaid() {
    assertEquals("--cpus takes a number, not two", refused("--cpus two"));
    assertEquals("--count takes a number, not 3000000000", refused("--count 3000000000"));
    assertEquals("--cpus 9 is not from 1 to 8", refused("--cpus 9"));
    assertEquals("--verbos is no option, or needs a value", refused("--verbos"));
  }
}
