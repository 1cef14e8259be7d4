package duality.servers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class PersonalityTest {
  @Test
  void listsOfTextsComeBackAsTheyWere() {
    for (List<String> texts :
        List.of(
            List.<String>of(),
            List.of(""),
            List.of("", ""),
            List.of("a"),
            List.of("a b", "", "c\nd", "ä€"))) {
      assertEquals(texts, Personality.texts(Personality.list(texts)));
    }
    assertEquals(List.of("a", "b"), Personality.texts("a\0b"), "written by hand");
    assertThrows(IllegalArgumentException.class, () -> Personality.list(List.of("a\0")));
  }
}
