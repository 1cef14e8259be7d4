package duality.shell.script;

import java.util.List;
import org.apache.felix.gogo.runtime.Parser;
import org.apache.felix.gogo.runtime.Token;

/**
 * Makes {@code command > file} write the command's value to the file. Gogo redirects only what a
 * command streams and hands its value on to the shell, so the redirection is moved behind a pipe to
 * {@code duality:copy}: a value that goes into a pipe is written out.
 */
final class Redirection {
  private static final String COPY = " | duality:copy ";

  private Redirection() {}

  /** The statement with its last output redirection moved, or as it was when it has none. */
  static String moved(String body) {
    Parser parser = new Parser(body);
    parser.program();
    List<Parser.Statement> statements = parser.statements();
    if (statements.isEmpty()) {
      return body;
    }
    Parser.Statement last = statements.getLast();
    List<Token> redirections = last.redirections();
    if (last.tokens().isEmpty() || redirections.size() != 2) {
      return body;
    }
    Token operator = redirections.getFirst();
    Token command = last.tokens().getLast();
    if (operator.start() < command.start() + command.length()
        || !operator.toString().matches("1?>>?")) {
      return body;
    }
    return body.substring(0, operator.start()) + COPY + body.substring(operator.start());
  }
}
