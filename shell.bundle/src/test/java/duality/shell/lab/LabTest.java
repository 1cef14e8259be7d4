package duality.shell.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.shell.lab.Experiment.Finding;
import duality.shell.lab.Experiment.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LabTest {
  @Test
  void everyExperimentSaysWhatEachSidePredictsAndHasAPage() throws Exception {
    for (Experiment each : LabCommands.EXPERIMENTS) {
      assertTrue(each.predictions().size() >= 2, each.name() + " needs two sides");
      Path page = Path.of("..", "docs", "lab", each.name() + ".md");
      assertTrue(Files.isRegularFile(page), () -> page + " is missing");
      assertTrue(
          Files.readString(page).contains("lab:run " + each.name()), "the page says how to run it");
    }
  }

  @Test
  void theRecordHasThePredictionsBeforeAnythingIsMeasured() {
    Experiment any = LabCommands.EXPERIMENTS.getFirst();
    Map<String, Object> record = LabRecord.predicted(any, 3, Instant.EPOCH);
    String before = Json.write(record);
    assertTrue(before.contains(any.predictions().getFirst().side()), before);
    assertFalse(before.contains("findings"), before);
    LabRecord.measured(
        record, new Result(List.of(Finding.of("x", "1", "2", false)), "no"), Instant.EPOCH);
    String after = Json.write(record);
    assertTrue(after.startsWith(before.substring(0, before.length() - 2)), after);
    assertTrue(after.contains("\"agrees\": \"no\""), after);
  }

  @Test
  void jsonIsWrittenAsTheStandardSays() {
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("a\"\\\n\u0001", List.of(1, 2.5, true));
    value.put("empty", Map.of());
    value.put("not a number", Double.NaN);
    assertEquals(
        """
        {
          "a\\"\\\\\\n\\u0001": [
            1,
            2.50000,
            true
          ],
          "empty": {},
          "not a number": null
        }\
        """,
        Json.write(value));
  }
}
