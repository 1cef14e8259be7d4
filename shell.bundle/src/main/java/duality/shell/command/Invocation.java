package duality.shell.command;

import java.io.InputStream;
import java.io.PrintStream;
import org.apache.felix.service.command.CommandSession;

/**
 * One call of a command.
 *
 * @param arguments its words
 * @param session the session in which it is called
 * @param in what is piped into it, or the session's input
 * @param out where it streams output to that is not its value
 * @param err where progress and remarks go
 * @param screen what is in front of the person
 * @param fed whether something is piped into it
 * @param piped whether its output does not go to the session's own output
 * @param cancellation whether it shall end early
 */
public record Invocation(
    Arguments arguments,
    CommandSession session,
    InputStream in,
    PrintStream out,
    PrintStream err,
    Screen screen,
    boolean fed,
    boolean piped,
    Cancellation cancellation) {
  /**
   * Session variable: whether standard input is free for guests, and not where the commands are.
   */
  public static final String FREE_INPUT = ".input.free";
}
