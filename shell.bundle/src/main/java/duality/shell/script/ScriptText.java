package duality.shell.script;

import java.util.ArrayList;
import java.util.List;
import org.apache.felix.gogo.runtime.EOFError;
import org.apache.felix.gogo.runtime.Parser;
import org.apache.felix.gogo.runtime.SyntaxError;
import org.apache.felix.gogo.runtime.Token;

/**
 * Takes a script apart with Gogo's own parser, so that what counts as one statement here is what
 * counts as one there: quotes, blocks and comments included.
 */
public final class ScriptText {
  private ScriptText() {}

  /** How a step hangs together with the one before it. */
  public enum Link {
    /** Begins something new: {@code ;} or a line end stood before it. */
    NEXT,
    /** Only when the one before succeeded: {@code &&}. */
    AND,
    /** Only when the one before failed: {@code ||}. */
    OR
  }

  /**
   * A statement or pipeline.
   *
   * @param line where it starts, counted from 1
   * @param text what Gogo is to execute
   * @param link how it hangs together with the one before it
   * @param assigns whether its value goes into a variable and not to the screen
   */
  public record Step(int line, String text, Link link, boolean assigns) {}

  /** A text that cannot be taken apart. */
  public static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean incomplete;

    Malformed(String message, boolean incomplete) {
      super(message, null, false, false);
      this.incomplete = incomplete;
    }

    /** Whether more lines could make it whole. */
    public boolean incomplete() {
      return incomplete;
    }
  }

  /**
   * Takes a text apart.
   *
   * @throws Malformed saying where it is wrong; a text that ends in the middle of a quote or block
   *     is incomplete
   */
  public static List<Step> steps(String script) throws Malformed {
    String text = script.replace("\r\n", "\n");
    Parser.Program program;
    try {
      program = new Parser(text).program();
    } catch (EOFError e) {
      throw new Malformed(
          "line "
              + (e.line() + 1)
              + ": a quote, block or pipe is not finished ("
              + e.getMessage()
              + ")",
          true);
    } catch (SyntaxError e) {
      throw new Malformed("line " + (e.line() + 1) + ": " + e.getMessage(), false);
    }
    List<Step> steps = new ArrayList<>();
    List<Parser.Executable> parts = program.tokens();
    Link link = Link.NEXT;
    int from = 0;
    for (int i = 0; i < parts.size(); i += 2) {
      Parser.Executable part = parts.get(i);
      Token operator = i + 1 < parts.size() ? parts.get(i + 1) : null;
      int end = operator == null ? text.length() : operator.start();
      boolean background = operator != null && Token.eq("&", operator);
      String body = text.substring(from, end);
      if (part instanceof Parser.Pipeline pipeline && empty(pipeline.tokens().getLast())) {
        throw new Malformed(
            "line "
                + (part.line() + 1)
                + ": nothing stands behind |; end the line with \\ to go on in the next",
            false);
      }
      if (!body.isBlank() && !empty(part)) {
        steps.add(
            new Step(
                part.line() + 1,
                (background ? body.strip() + " &" : Redirection.moved(body)).strip(),
                link,
                assigns(part)));
      }
      if (operator != null) {
        link = Token.eq("&&", operator) ? Link.AND : Token.eq("||", operator) ? Link.OR : Link.NEXT;
        from = operator.start() + operator.length();
      }
    }
    return steps;
  }

  private static boolean empty(Parser.Executable part) {
    return part instanceof Parser.Statement statement
        && statement.tokens().isEmpty()
        && statement.redirections().isEmpty();
  }

  private static boolean assigns(Parser.Executable part) {
    return part instanceof Parser.Statement statement
        && statement.tokens().size() > 1
        && Token.eq("=", statement.tokens().get(1));
  }
}
