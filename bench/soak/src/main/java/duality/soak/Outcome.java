package duality.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What came out of a soak.
 *
 * @param rows per kind; the last one, {@code (nothing)}, is a hold and release without a swap
 * @param rounds how often the guest wrote and checked a slot of its disk
 * @param sums how often it summed up its memory
 * @param answers how often its console answered
 * @param faults everything that was not as it should be, each in a sentence
 * @param notes what is worth knowing and no fault
 */
public record Outcome(
    List<Row> rows, long rounds, long sums, long answers, List<String> faults, List<String> notes) {

  /** Copies the lists. */
  public Outcome {
    rows = List.copyOf(rows);
    faults = List.copyOf(faults);
    notes = List.copyOf(notes);
  }

  /**
   * The swaps of one kind; times in microseconds.
   *
   * @param kind its name
   * @param done swaps after which a new instance serves
   * @param kept swaps after which the old one serves on
   * @param failed swaps that ended in an error
   * @param setAside swaps during which the host gave the processors to others
   * @param p50 median pause of the others
   * @param p99 99th percentile of their pauses
   * @param max their longest pause
   * @param allP99 99th percentile of all pauses
   * @param allMax longest pause of all
   * @param drainP50 median of the drain, which is a part of the pause
   * @param drainP99 99th percentile of the drain
   * @param probeP99 99th percentile of the longest call that was made while it was swapped
   * @param limit what {@code p99} should not exceed
   */
  public record Row(
      String kind,
      long done,
      long kept,
      long failed,
      long setAside,
      long p50,
      long p99,
      long max,
      long allP99,
      long allMax,
      long drainP50,
      long drainP99,
      long probeP99,
      long limit) {}

  /** Swaps of all kinds that were done. */
  public long done() {
    return rows.stream().filter(row -> !row.kind.startsWith("(")).mapToLong(Row::done).sum();
  }

  /** The report, line by line. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    String line = "%-15s %6s %5s %6s %6s %8s %8s %8s %8s %8s %8s %8s %8s %7s";
    lines.add(
        line.formatted(
            "kind", "done", "kept", "failed", "aside", "p50", "p99", "max", "all p99", "all max",
            "drain50", "drain99", "call99", "aim"));
    for (Row row : rows) {
      lines.add(
          line.formatted(
              row.kind,
              row.done,
              row.kept,
              row.failed,
              row.setAside,
              millis(row.p50),
              millis(row.p99),
              millis(row.max),
              millis(row.allP99),
              millis(row.allMax),
              millis(row.drainP50),
              millis(row.drainP99),
              millis(row.probeP99),
              row.done == row.setAside ? "-" : row.p99 <= row.limit ? "met" : "missed"));
    }
    lines.add(
        "times in ms: pauses of undisturbed swaps, of all swaps, the drain in them, and the longest"
            + " call meanwhile; aside: the host gave the processors to others");
    lines.add(
        "%d swaps; the guest wrote and checked its disk %d times, its memory %d times, and answered %d times"
            .formatted(done(), rounds, sums, answers));
    notes.forEach(note -> lines.add("note: " + note));
    faults.forEach(fault -> lines.add("FAULT: " + fault));
    lines.add(faults.isEmpty() ? "nothing was lost" : faults.size() + " faults");
    return lines;
  }

  private static String millis(long micros) {
    return String.format(Locale.ROOT, "%.3f", micros / 1e3);
  }
}
