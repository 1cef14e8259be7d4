package duality.guests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BootTest {

  private static Boot boot(String commandLine, long memory, long minimum, String readyLine) {
    return new Boot(
        Path.of("kernel"), Optional.empty(), commandLine, memory, minimum, readyLine, false);
  }

  @Test
  void wordsAreAppendedAfterABlank() {
    assertEquals("quiet a=1", boot("quiet", 2, 1, "up").append("a=1").commandLine());
  }

  @Test
  void anEmptyCommandLineTakesWordsWithoutABlank() {
    assertEquals("a=1", boot("", 2, 1, "up").append("a=1").commandLine());
  }

  @Test
  void memoryBelowTheMinimumIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> boot("", 1, 2, "up"));
    assertThrows(IllegalArgumentException.class, () -> boot("", 1, 0, "up"));
  }

  @Test
  void aBlankReadyLineIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> boot("", 2, 1, " "));
  }
}
