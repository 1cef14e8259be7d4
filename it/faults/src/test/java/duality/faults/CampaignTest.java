package duality.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A few dozen injections; {@code bench/faults.sh} does thousands. */
@Timeout(2700)
class CampaignTest {
  private static final long SEED = 3;
  private static final int EACH = 3;

  @TempDir private Path folder = Path.of("");

  @Test
  void noFaultOfAServerReachesTheSecondGuestOrTheCore() throws Exception {
    Report report = new Report();
    List<FaultKind> usual = Arrays.stream(FaultKind.values()).filter(FaultKind::usual).toList();
    try (Campaign campaign = new Campaign(SystemUnderTest.unpack(folder), folder, false, SEED)) {
      List<Task> tasks = campaign.tasks(List.of(Component.values()), EACH, usual);
      assertEquals(
          List.of(),
          campaign.run(tasks, (task, done) -> report.add(done.verdict()), () -> false),
          "harm that nobody repeats alone");
      assertEquals(tasks.size(), report.verdicts().size(), "verdicts");
    }
    System.out.print("seed " + SEED + "\n" + report.table());
    assertEquals(List.of(), report.forbidden(), "harm to others, or a wrong byte by a stop");
    assertTrue(report.verdicts().stream().anyMatch(Verdict::manifested), "the faults are real");
  }

  /** About half of them make no difference; that all do not is next to impossible. */
  private static final int CORE_MUTANTS = 16;

  @Test
  void directedFaultsAreNoticedAndMended() throws Exception {
    // A campaign that notices nothing would be green as well.
    List<Verdict> verdicts = new ArrayList<>();
    try (Campaign campaign = new Campaign(SystemUnderTest.unpack(folder), folder, false, SEED)) {
      for (FaultKind kind : List.of(FaultKind.EXCEPTION, FaultKind.LOOP, FaultKind.EXIT)) {
        Site load =
            campaign.sites(Component.UART).getOrDefault(kind, List.of()).stream()
                .filter(each -> each.text().startsWith("Uart16550.load "))
                .findFirst()
                .orElseThrow();
        verdicts.add(campaign.inject(Component.UART, load));
      }
    }
    for (Verdict each : verdicts) {
      assertTrue(each.noticed(), each.json(SEED));
      assertTrue(each.contained() && each.dataCorrect(), each.json(SEED));
      // Before the campaign put anything back: what was there before the faulty one.
      assertEquals("good", each.servedBy(), each.json(SEED));
    }
  }

  @Test
  void wrongBytesAreLaidToWhoWroteThem() throws Exception {
    try (Campaign campaign = new Campaign(SystemUnderTest.unpack(folder), folder, false, SEED)) {
      List<Site> places = campaign.sites(Component.BLOCK).getOrDefault(FaultKind.MUTANT, List.of());
      // A disk that writes 513 bytes where a sector has 512.
      Site wrong =
          places.stream()
              .filter(each -> each.text().matches("Request\\.parts:\\d+ 512 plus one"))
              .findFirst()
              .orElseThrow();
      Site harmless =
          campaign.sites(Component.UART).getOrDefault(FaultKind.GHOST, List.of()).getFirst();
      Verdict first = campaign.inject(Component.BLOCK, wrong);
      Verdict second = campaign.inject(Component.UART, harmless);
      assertFalse(first.dataCorrect(), first.json(SEED));
      assertTrue(first.silent() && first.contained(), first.json(SEED));
      assertTrue(second.dataCorrect() && !second.manifested(), second.json(SEED));
    }
  }

  @Test
  void harmToAllIsLaidToWhoDidIt() throws Exception {
    Report report = new Report();
    try (Campaign campaign = new Campaign(SystemUnderTest.unpack(folder), folder, false, SEED)) {
      List<Task> tasks = new ArrayList<>();
      for (FaultKind kind : List.of(FaultKind.SLOW, FaultKind.REFLECT, FaultKind.SLOW)) {
        for (int i = 0; i < 3; i++) {
          // The end of the JVM is not contained by it, see UncontainedTest.
          Site load =
              campaign.sites(Component.CLOCK).getOrDefault(kind, List.of()).stream()
                  .filter(each -> each.text().startsWith("GoldfishRtc.load "))
                  .findFirst()
                  .orElseThrow();
          if (i == 0 || kind == FaultKind.SLOW) {
            tasks.add(new Task(tasks.size(), Component.CLOCK, load));
          }
        }
      }
      assertEquals(
          List.of(),
          campaign.run(tasks, (task, done) -> report.add(done.verdict()), () -> false),
          "harm that nobody repeats alone");
      assertEquals(tasks.size(), report.verdicts().size(), "verdicts");
    }
    assertEquals(
        List.of(FaultKind.REFLECT),
        report.forbidden().stream().map(Verdict::fault).toList(),
        report.table());
  }

  @Test
  void mutantsOfTheCoreAreNotContained() throws Exception {
    Map<String, Integer> outcomes =
        new CoreControl(SystemUnderTest.unpack(folder), folder, SEED).run(CORE_MUTANTS, each -> {});
    System.out.println("core mutants: " + outcomes);
    assertTrue(
        outcomes.getOrDefault("no difference", 0) < CORE_MUTANTS,
        "the control must be able to die: " + outcomes);
  }
}
