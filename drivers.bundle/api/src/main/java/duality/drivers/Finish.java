package duality.drivers;

/** Bits of the notification by which a machine is told to end: test finisher, SBI, the user. */
public final class Finish {
  /** Power off, with success. */
  public static final long POWER_OFF = 1;

  /** Power off, with a failure code in bits 16 to 31. */
  public static final long FAILED = 2;

  /** Reset and boot again. */
  public static final long RESET = 4;

  private Finish() {}
}
