package duality.shell.command;

/** A command did not do what was asked. The message says what, why, and what to try. */
public final class CommandFailed extends Exception {
  private static final long serialVersionUID = 1;

  /** With that message. */
  public CommandFailed(String message) {
    super(message, null, false, false);
  }
}
