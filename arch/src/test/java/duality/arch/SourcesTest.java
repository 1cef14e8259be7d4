package duality.arch;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Holds every Java source against the rules of how the code reads. */
class SourcesTest {

  private static final int MAX_LINES = 700;
  private static final String VAGUE = ".*(Manager|Helper|Util|Utils|Impl|Data|Info)\\.java";

  @Test
  void everySourceIsFormatted() throws IOException, FormatterException {
    var formatter = new Formatter();
    var unformatted = new ArrayList<String>();
    for (Path file : Workspace.files(".java")) {
      String source = Files.readString(file);
      if (!source.equals(formatter.formatSourceAndFixImports(source))) {
        unformatted.add(Workspace.ROOT.relativize(file).toString());
      }
    }
    none("not formatted; run cnf/format", unformatted);
  }

  @Test
  void noSourceIsTooLong() throws IOException {
    var tooLong = new ArrayList<String>();
    for (Path file : Workspace.files(".java")) {
      int lines = Files.readAllLines(file).size();
      if (lines > MAX_LINES) {
        tooLong.add(Workspace.ROOT.relativize(file) + " has " + lines + " lines");
      }
    }
    none("longer than " + MAX_LINES + " lines", tooLong);
  }

  @Test
  void noTypeHasAVagueName() throws IOException {
    var vague = new ArrayList<String>();
    for (Path file : Workspace.files(".java")) {
      if (file.getFileName().toString().matches(VAGUE)) {
        vague.add(Workspace.ROOT.relativize(file).toString());
      }
    }
    none("a name should say what the type does", vague);
  }

  private static void none(String rule, List<String> violations) {
    assertTrue(violations.isEmpty(), () -> rule + ":\n  " + String.join("\n  ", violations) + "\n");
  }
}
