package duality.shell.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import org.junit.jupiter.api.Test;

class DrawingTest {
  record Machine(String name, boolean up, long memoryBytes, long cpuNanos, long pauseMicros) {}

  record Server(String name, List<String> endpoints, String devices) {}

  @Test
  void aListOfRecordsIsATable() {
    assertEquals(
        """
        name  up   memory    cpu   pause
        a     yes    512M  1.50s  42.0µs
        b     no       1G   90ns   2.00s\
        """,
        Drawing.draw(
            List.of(
                new Machine("a", true, 512L << 20, 1_500_000_000L, 42),
                new Machine("b", false, 1L << 30, 90, 2_000_000)),
            100));
  }

  @Test
  void aRecordIsDrawnLineByLine() {
    assertEquals(
        """
        name       fair
        endpoints  scheduler, x
        devices    uart
                   plic\
        """,
        Drawing.draw(new Server("fair", List.of("scheduler", "x"), "uart\nplic\n"), 100));
  }

  @Test
  void anEmptyListSaysSo() {
    assertEquals("(none)", Drawing.draw(List.of(), 80));
  }

  @Test
  void textsAreDrawnOneALine() {
    assertEquals("Space.map\nSpace.unmap", Drawing.draw(List.of("Space.map", "Space.unmap"), 80));
  }

  @Test
  void inALineARecordIsNamesAndValues() {
    assertEquals(
        "name=a up=yes memory=4K cpu=1ns pause=1.00ms",
        Drawing.inline(new Machine("a", true, 4096, 1, 1000)));
  }

  @Test
  void otherThingsAreLeftToOthers() {
    assertNull(Drawing.draw(new Object(), 80));
    assertNull(Drawing.draw(null, 80));
  }
}
