package duality.shell.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class CommandLineTest {
  private static CommandLine at(String line) {
    int cursor = line.indexOf('|');
    String text = line.substring(0, cursor) + line.substring(cursor + 1);
    return new CommandLine(text, cursor);
  }

  @Test
  void wordsInFrontOfTheCursorAndTheOneItIsIn() {
    CommandLine line = at("vm:run linux --na|me a");
    assertEquals(List.of("vm:run", "linux"), line.before());
    assertEquals("--na", line.word());
    assertEquals(4, line.rawWordLength());
  }

  @Test
  void behindABlankANewWordBegins() {
    CommandLine line = at("vm:run |");
    assertEquals(List.of("vm:run"), line.before());
    assertEquals("", line.word());
    assertEquals(0, line.rawWordLength());
  }

  @Test
  void everyStatementBeginsAnew() {
    for (String before : List.of("a b; ", "a && ", "x = (", "repeat 2 { ", "a\n", "a > f; ")) {
      CommandLine line = at(before + "vm:wait n|");
      assertEquals(List.of("vm:wait"), line.before(), before);
      assertEquals("n", line.word(), before);
    }
  }

  @Test
  void quotesKeepBlanksAndSeparators() {
    CommandLine line = at("vm:exec a 'x; y' \"b c|");
    assertEquals(List.of("vm:exec", "a", "x; y"), line.before());
    assertEquals("b c", line.word());
    assertEquals(4, line.rawWordLength());
  }

  @Test
  void anEscapedBlankIsPartOfAWord() {
    CommandLine line = at("task:run a\\ b|");
    assertEquals("a b", line.word());
    assertEquals(4, line.rawWordLength());
  }

  @Test
  void aNameWithBlanksIsQuotedWhenItIsPutIn() {
    CommandLine line = at("|");
    assertEquals("'a b'", line.escape("a b", true).toString());
    assertEquals("'a b", line.escape("a b", false).toString());
    assertEquals("vm/a/blk0", line.escape("vm/a/blk0", true).toString());
  }
}
