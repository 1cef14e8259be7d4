package duality.shell.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NearTest {
  private static final List<String> NAMES = List.of("vm:run", "vm:list", "kernel:swap", "linux");

  @Test
  void aSlipOfTheFingersIsFound() {
    assertEquals("; did you mean 'vm:list'?", Near.hint("vm:lsit", NAMES));
    assertEquals("; did you mean 'linux'?", Near.hint("Linus", NAMES));
  }

  @Test
  void aForgottenScopeIsFound() {
    assertEquals("; did you mean 'kernel:swap'?", Near.hint("swap", NAMES));
  }

  @Test
  void withoutANearOneAFewAreListed() {
    assertEquals("; there is a, b", Near.hint("zebra", List.of("b", "a")));
  }

  @Test
  void manyAreNotListed() {
    assertEquals("", Near.hint("zebra", IntStream.range(0, 40).mapToObj(i -> "x" + i).toList()));
    assertEquals("", Near.hint("zebra", List.of()));
  }

  @Test
  void theDistanceCountsChangesAndSwappedNeighbours() {
    assertEquals(0, Near.distance("abc", "abc"));
    assertEquals(1, Near.distance("abc", "acb"));
    assertEquals(3, Near.distance("", "abc"));
    assertEquals(3, Near.distance("kitten", "sitting"));
  }
}
