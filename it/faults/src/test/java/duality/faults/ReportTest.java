package duality.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What the campaign's exit status and its table say of verdicts. */
class ReportTest {
  private static final Verdict GOOD =
      new Verdict(
          3,
          Component.BLOCK,
          FaultKind.LOOP,
          "Request.status loops",
          false,
          true,
          true,
          true,
          true,
          17,
          "good",
          true,
          false,
          "no \"put\"\r\n\\Q\u0001");

  private static Verdict verdict(
      int number, FaultKind fault, boolean noticed, boolean dataCorrect, boolean wrong) {
    return new Verdict(
        number,
        Component.STORE,
        fault,
        "",
        false,
        true,
        noticed,
        true,
        true,
        -1,
        "good",
        dataCorrect,
        wrong,
        "");
  }

  @Test
  void aVerdictIsReadAsItWasWritten() {
    assertEquals(GOOD, Verdict.parse(GOOD.json(7), 7));
    assertNull(Verdict.parse(GOOD.json(7), 8), "another campaign's");
    assertThrows(IllegalArgumentException.class, () -> Verdict.parse("{\"seed\":7}", 7));
  }

  @Test
  void aWrongByteIsForbiddenToFaultsThatOnlyStop() {
    Report report = new Report();
    report.add(GOOD);
    report.add(verdict(1, FaultKind.MUTANT, true, false, true));
    report.add(verdict(2, FaultKind.EXCEPTION, false, false, false));
    assertEquals(List.of(), report.forbidden(), "a mutant may do anything; nothing was noticed");
    Verdict worst = verdict(3, FaultKind.EXCEPTION, true, false, false);
    report.add(worst);
    assertEquals(List.of(worst), report.forbidden());
  }

  @Test
  void harmToOthersIsForbidden() {
    Report report = new Report();
    Verdict harm = GOOD.notContained("the second guest: silent");
    report.add(harm);
    assertEquals(List.of(harm), report.forbidden());
    assertTrue(harm.symptom().endsWith("[the second guest: silent]"), harm.symptom());
    report.add(GOOD);
    assertEquals(List.of(), report.forbidden(), "it was repeated alone");
    assertEquals(1, report.verdicts().size());
  }

  @Test
  void whatNobodyNoticedIsEitherWrongOrMissing() {
    Verdict silent = verdict(1, FaultKind.MUTANT, false, true, true);
    Verdict bytes = verdict(2, FaultKind.MUTANT, false, false, false);
    Verdict missed = verdict(3, FaultKind.LOST, false, true, false);
    Verdict noticed = verdict(4, FaultKind.MUTANT, true, false, true);
    assertTrue(silent.silent() && bytes.silent() && missed.missed());
    assertFalse(silent.missed() || bytes.missed() || missed.silent());
    assertFalse(noticed.silent() || noticed.missed());
  }
}
