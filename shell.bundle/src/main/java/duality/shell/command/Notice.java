package duality.shell.command;

/**
 * A value that says how things went and is not what was asked for: {@code vm:run} answers one. It
 * is shown on the screen, and in scripts on standard error, so that a script's output is what its
 * commands print.
 */
public interface Notice {
  /** One line for people. */
  String line();
}
