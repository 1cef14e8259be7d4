package duality.shell.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
  private static Table table() {
    return new Table(
            List.of(
                new Table.Column("path", false),
                new Table.Column("calls", true),
                new Table.Column("condition", false)))
        .row(List.of("vm/a/blk0", "12", "open"))
        .row(List.of("scheduler", "123456", "failed: it threw an exception nobody expected"));
  }

  @Test
  void textsStandLeftAndNumbersRight() {
    assertEquals(
        """
        path        calls  condition
        vm/a/blk0      12  open
        scheduler  123456  failed: it threw an exception nobody expected\
        """,
        table().draw(200));
  }

  @Test
  void theWidestTextGivesWay() {
    assertEquals(
        """
        path        calls  condition
        vm/a/blk0      12  open
        scheduler  123456  failed: it threw a…\
        """,
        table().draw(38));
  }

  @Test
  void noLineIsWiderThanTheScreenWhileTextsCanGiveWay() {
    for (int width = 22; width < 70; width++) {
      for (String line : table().draw(width).split("\n")) {
        assertTrue(line.length() <= width, width + ": " + line);
      }
    }
  }

  @Test
  void numbersAreNeverCut() {
    assertTrue(table().draw(1).contains("123456"), table().draw(1));
  }

  @Test
  void lineEndsInCellsDoNotBreakTheTable() {
    String drawn =
        new Table(List.of(new Table.Column("a", false))).row(List.of("x\ny\tz")).draw(80);
    assertEquals("a\nx y z", drawn);
  }

  @Test
  void aRowOfAnotherLengthIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> table().row(List.of("x")));
  }
}
