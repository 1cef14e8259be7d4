package duality.supervisor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class NeglectTest {
  private long now = -5;
  private final Neglect neglect = new Neglect(() -> now);
  private final List<String> again = new ArrayList<>();

  private void look(double afterSeconds, String... down) {
    now += (long) (afterSeconds * 1e9);
    neglect.look(List.of(down), again::add);
  }

  @Test
  void whatIsDownForLongIsLookedForAgainAndThenSomebodyIsToBlame() {
    look(0, "a", "b");
    look(0.6, "a", "b");
    look(0.6, "a", "b");
    assertEquals(List.of(), again);
    look(0.6, "a");
    assertEquals(List.of("a"), again);
    look(0.6, "a");
    look(0.6, "a");
    String said = assertThrows(IllegalStateException.class, () -> look(0.6, "a")).getMessage();
    assertTrue(said.contains("a is down"), said);
    assertEquals(List.of("a"), again, "once");
  }

  @Test
  void whatWasUpInBetweenBeginsAnew() {
    look(0, "a");
    look(0.9, "a");
    look(0.5);
    look(0.5, "a");
    look(0.5, "a");
    look(0.5, "a");
    assertEquals(List.of(), again);
  }

  @Test
  void aHostThatStopsForLongProvesNothing() {
    look(0, "a");
    look(100, "a");
    assertEquals(List.of(), again);
  }
}
