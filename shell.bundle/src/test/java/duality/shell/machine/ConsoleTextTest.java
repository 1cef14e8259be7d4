package duality.shell.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ConsoleTextTest {
  @Test
  void onlyWhatATerminalUnderstandsIsTakenAway() {
    assertEquals(
        "~ # ls\nred plain\ttab\n",
        ConsoleText.plain("~ # \u001b[6nls\r\n\u001b[1;31mred\u001b[0m plain\ttab\u0007\r\n"));
    assertEquals("a[1]", ConsoleText.plain("a[1]"));
  }

  @Test
  void bytesOfUtf8BecomeCharacters() {
    assertEquals("ü€", ConsoleText.plain("\u00c3\u00bc\u00e2\u0082\u00ac"));
  }

  @Test
  void questionsAreNotAskedAgain() {
    assertEquals("\u001b[1ma~ # ", ConsoleText.again("\u001b[1ma\u001b[c~ # \u001b[6n"));
  }
}
