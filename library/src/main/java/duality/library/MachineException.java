package duality.library;

/** A machine did not do what was asked. The message says what, why, and often what to try. */
public final class MachineException extends RuntimeException {
  private static final long serialVersionUID = 1;

  MachineException(String message) {
    super(message);
  }

  MachineException(String message, Throwable cause) {
    super(message, cause);
  }
}
