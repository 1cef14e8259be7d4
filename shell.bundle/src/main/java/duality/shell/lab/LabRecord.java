package duality.shell.lab;

import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is written down of an experiment: first what was predicted, then beside it what was seen.
 */
final class LabRecord {
  private LabRecord() {}

  /** Before it is run. */
  static Map<String, Object> predicted(Experiment experiment, int rounds, Instant now) {
    Map<String, Object> record = new LinkedHashMap<>();
    record.put("experiment", experiment.name());
    record.put("question", experiment.question());
    record.put("sources", experiment.sources());
    record.put("rounds", rounds);
    record.put("host", host());
    record.put("predictedAt", now.toString());
    record.put(
        "predictions",
        experiment.predictions().stream()
            .map(each -> fields("side", each.side(), "says", each.says()))
            .toList());
    return record;
  }

  /** After it has been run. */
  static void measured(Map<String, Object> record, Experiment.Result result, Instant now) {
    record.put("measuredAt", now.toString());
    List<Map<String, Object>> findings =
        result.findings().stream()
            .map(
                each ->
                    fields(
                        "what", each.what(),
                        "predicted", each.predicted(),
                        "measured", each.measured(),
                        "agrees", each.agrees()))
            .toList();
    record.put("findings", findings);
    record.put("verdict", result.verdict());
    result
        .tables()
        .forEach((name, rows) -> record.put(name, rows.stream().map(LabRecord::fields).toList()));
  }

  /** The components of a record by name. */
  static Map<String, Object> fields(Record record) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (RecordComponent each : record.getClass().getRecordComponents()) {
      try {
        each.getAccessor().trySetAccessible();
        fields.put(each.getName(), each.getAccessor().invoke(record));
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    }
    return fields;
  }

  private static Map<String, Object> fields(String... namesAndValues) {
    Map<String, Object> fields = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      fields.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return fields;
  }

  private static String host() {
    return System.getProperty("os.name")
        + " "
        + System.getProperty("os.arch")
        + ", "
        + Runtime.getRuntime().availableProcessors()
        + " processors, Java "
        + Runtime.version();
  }
}
