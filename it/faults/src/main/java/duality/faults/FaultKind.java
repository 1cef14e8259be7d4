package duality.faults;

import java.util.Locale;

/** What a fault does. */
enum FaultKind {
  /** A negated or shifted condition, a constant wrong by one, a call or a store left out. */
  MUTANT,
  /** A method throws. */
  EXCEPTION,
  /** A method answers another number, or null. */
  WRONG,
  /** A method never ends and burns its processor. */
  LOOP,
  /** A method waits for ever. */
  WAIT,
  /** A method takes 20 ms more. */
  SLOW,
  /** Frames or grants are not given back. */
  LEAK,
  /** A notification or an interrupt is not sent. */
  LOST,
  /** A value in the saved state is another one. */
  CORRUPT,
  /** A thread goes on using what the server had, after its bundle is gone. */
  GHOST;

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
