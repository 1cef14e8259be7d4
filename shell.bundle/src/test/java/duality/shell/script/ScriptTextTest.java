package duality.shell.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import duality.shell.script.ScriptText.Link;
import duality.shell.script.ScriptText.Malformed;
import duality.shell.script.ScriptText.Step;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScriptTextTest {
  private static List<String> texts(String script) throws Malformed {
    return ScriptText.steps(script).stream().map(Step::text).toList();
  }

  @Test
  void semicolonsAndLineEndsSeparate() throws Malformed {
    assertEquals(List.of("a 1", "b 2", "c"), texts("a 1; b 2\n\n  c\n"));
    assertEquals(List.of("a", "b"), texts("a;;b;"));
    assertEquals(List.of(), texts("  \n\n ; "));
  }

  @Test
  void quotesAndBlocksStayWhole() throws Malformed {
    assertEquals(
        List.of("vm:exec a \"uname -m; grep Mem /proc/meminfo\"", "b"),
        texts("vm:exec a \"uname -m; grep Mem /proc/meminfo\"; b"));
    assertEquals(List.of("x 'a;b'", "y"), texts("x 'a;b'; y"));
    assertEquals(
        List.of("repeat 3 {\n  a; b\n  c\n}", "d"), texts("repeat 3 {\n  a; b\n  c\n}\nd"));
    assertEquals(List.of("x = (a; b)", "c"), texts("x = (a; b); c"));
  }

  @Test
  void commentsAreLeftToTheEndOfTheLine() throws Malformed {
    List<Step> steps = ScriptText.steps("# first\na 1 # a; b\n# c\nd");
    assertEquals(2, steps.size());
    assertEquals("d", steps.get(1).text().lines().toList().getLast());
  }

  @Test
  void aLineMayGoOnBehindABackslash() throws Malformed {
    assertEquals(1, texts("a \\\n b").size());
    assertEquals(1, texts("a | \\\n b").size());
    Malformed e = assertThrows(Malformed.class, () -> texts("a |\n b"));
    assertTrue(e.getMessage().startsWith("line 1: nothing stands behind |"), e.getMessage());
  }

  @Test
  void linksAreKept() throws Malformed {
    List<Step> steps = ScriptText.steps("a && b || c; d");
    assertEquals(
        List.of(Link.NEXT, Link.AND, Link.OR, Link.NEXT), steps.stream().map(Step::link).toList());
  }

  @Test
  void linesAreCounted() throws Malformed {
    assertEquals(
        List.of(1, 3, 5), ScriptText.steps("a\n\nb {\n}\nc").stream().map(Step::line).toList());
  }

  @Test
  void assignmentsAreKnown() throws Malformed {
    assertTrue(ScriptText.steps("x = 3").getFirst().assigns());
    assertFalse(ScriptText.steps("vm:run linux --append a=b").getFirst().assigns());
  }

  @Test
  void aRedirectionIsMovedToWhereValuesGoThrough() throws Malformed {
    assertEquals(List.of("a 1  | duality:copy > f"), texts("a 1 > f"));
    assertEquals(List.of("a | b  | duality:copy >> f"), texts("a | b >> f"));
    assertEquals(List.of("a 2> f"), texts("a 2> f"));
    assertEquals(List.of("a < f"), texts("a < f"));
  }

  @Test
  void aBackgroundCommandStaysOne() throws Malformed {
    assertEquals(List.of("a &", "b"), texts("a & b"));
  }

  @Test
  void whatIsNotFinishedIsIncomplete() {
    for (String script : new String[] {"a \"b", "a 'b", "a {\n b", "a (b", "a |"}) {
      assertTrue(
          assertThrows(Malformed.class, () -> ScriptText.steps(script), script).incomplete(),
          script);
    }
  }

  @Test
  void whatCannotBeRightIsNamedWithItsLine() {
    Malformed e = assertThrows(Malformed.class, () -> ScriptText.steps("a\nb )\nc"));
    assertFalse(e.incomplete());
    assertTrue(e.getMessage().startsWith("line 2"), e.getMessage());
  }
}
