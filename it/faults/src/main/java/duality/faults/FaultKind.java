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
  GHOST,
  /** A method calls {@code System.exit}. */
  EXIT,

  // What one JVM does not contain; not among those that are drawn by default:

  /** A method calls something in the JDK that does not come back for a long time. */
  BURN,
  /** A method fills the heap. */
  HEAP,
  /** A method writes to address 0. */
  CRASH,
  /** A method ends the JVM through reflection. */
  REFLECT;

  /** Whether the campaign draws it when nothing else is said. */
  boolean usual() {
    return compareTo(BURN) < 0;
  }

  /** Whether it does nothing but stop, or delay, what its server does. */
  boolean stops() {
    return switch (this) {
      case EXCEPTION, LOOP, WAIT, SLOW, EXIT, BURN, HEAP, CRASH, REFLECT -> true;
      default -> false;
    };
  }

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
