package duality.shell.terminal;

import java.util.ArrayList;
import java.util.List;
import org.jline.reader.CompletingParsedLine;

/**
 * The statement that the cursor is in, in words, for completion. Looser than Gogo's parser, because
 * what is being typed is seldom right yet.
 */
final class CommandLine implements CompletingParsedLine {
  private static final String ENDS = ";|&\n(){}";
  private static final String QUOTED = " \t\"'$\\;|&(){}#";

  private final String line;
  private final int cursor;
  private final List<String> words = new ArrayList<>();
  private final StringBuilder word = new StringBuilder();
  private int wordStart;

  /** Reads a line up to the cursor. */
  CommandLine(String line, int cursor) {
    this.line = line;
    this.cursor = cursor;
    boolean inWord = false;
    int i = 0;
    while (i < cursor) {
      char c = line.charAt(i);
      if (c == '\'' || c == '"') {
        if (!inWord) {
          wordStart = i;
          inWord = true;
        }
        i = quote(i + 1, c);
      } else if (Character.isWhitespace(c) && c != '\n') {
        if (inWord) {
          words.add(word.toString());
          word.setLength(0);
          inWord = false;
        }
        i++;
      } else if (ENDS.indexOf(c) >= 0) {
        words.clear();
        word.setLength(0);
        inWord = false;
        i++;
      } else {
        if (!inWord) {
          wordStart = i;
          inWord = true;
        }
        if (c == '\\' && i + 1 < cursor) {
          i++;
        }
        word.append(line.charAt(i));
        i++;
      }
    }
    if (!inWord) {
      wordStart = cursor;
    }
    words.add(word.toString());
  }

  private int quote(int from, char quote) {
    int i = from;
    while (i < cursor && line.charAt(i) != quote) {
      if (quote == '"' && line.charAt(i) == '\\' && i + 1 < cursor) {
        i++;
      }
      word.append(line.charAt(i));
      i++;
    }
    return i + 1;
  }

  /** The words in front of the one that the cursor is in. */
  List<String> before() {
    return words.subList(0, words.size() - 1);
  }

  @Override
  public String word() {
    return word.toString();
  }

  @Override
  public int wordCursor() {
    return word.length();
  }

  @Override
  public int wordIndex() {
    return words.size() - 1;
  }

  @Override
  public List<String> words() {
    return words;
  }

  @Override
  public String line() {
    return line;
  }

  @Override
  public int cursor() {
    return cursor;
  }

  @Override
  public CharSequence escape(CharSequence candidate, boolean complete) {
    boolean quote = candidate.chars().anyMatch(c -> QUOTED.indexOf(c) >= 0);
    return quote ? "'" + candidate + (complete ? "'" : "") : candidate;
  }

  @Override
  public int rawWordCursor() {
    return cursor - wordStart;
  }

  @Override
  public int rawWordLength() {
    return cursor - wordStart;
  }
}
